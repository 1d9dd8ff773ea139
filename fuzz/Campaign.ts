/**
 * Runs one target: all of its seeds, then mutations of them, and measures what the run promises to measure.
 *
 * Why no fuzzing engine: `@jazzer.js/core` 4.0.0 is the only kept one for Node that is guided by coverage. Its engine is a
 * compiled addon that needs glibc 2.38, so it does not load on Debian 12 (tried: `ERR_DLOPEN_FAILED`); it instruments
 * modules of the format "module" only, so not these sources as Node runs them; and it comes with a hundred packages. What
 * guides it V8 counts by itself, see `Coverage.ts`; mutating by lines and words, and a model that knows whose reply is
 * whose, are this protocol's own.
 */
import * as Corpus from "./Corpus.ts"
import type { Coverage } from "./Coverage.ts"
import { Mutator } from "./Mutator.ts"
import { Random } from "./Random.ts"
import { shrink } from "./Shrink.ts"
import type { Target } from "./Target.ts"

/** An input that broke a promise. */
export interface Failure {
  readonly target: string
  readonly message: string
  /** As small as it could be made. */
  readonly input: Uint8Array
}

/** What one target's run has shown. */
export interface Row {
  readonly target: string
  readonly about: string
  readonly inputs: number
  /** Bytes that the code under test was given; an input is often read several times. */
  readonly bytes: number
  readonly seconds: number
  /** What the thread got of a core, without the collector's own threads. */
  readonly cpuSeconds: number
  /** In each second of a core: what the machine does besides is left out. */
  readonly inputsPerSecond: number
  /** Of the code under test with its oracles, without the making of inputs; of a core, too. */
  readonly nanosecondsPerByte: number
  /** The slowest input, measured again where it was slow: a pause of the collector is not the input's. */
  readonly longestMilliseconds: number
  /** Growth of the heap after collection, in bytes for each thousand inputs; `null` if it could not be measured. */
  readonly heapSlope: number | null
  /** Inputs that reached code no other had reached. */
  readonly discoveries: number
  readonly failures: number
}

/** How a run is bounded, and who watches it. */
export interface Settings {
  readonly seed: number
  readonly inputs: number
  readonly milliseconds: number
  /** Called before each input, so that somebody outside can say which one hangs. */
  readonly onInput?: ((input: Uint8Array) => void) | undefined
  readonly onFailure?: ((failure: Failure) => void) | undefined
  /** Tells which inputs reach new code, so that they are mutated further. */
  readonly coverage?: Coverage | undefined
  readonly onDiscovery?: ((input: Uint8Array) => void) | undefined
}

/** From here on an input is run again, and its best time counts. */
const SLOW_MILLISECONDS = 0.5

/** An input may take so long: a floor for noise, and a microsecond for each byte, twenty times over. */
const limitOf = (bytes: number): number => 50 + bytes * 0.02

/** Inputs between two looks at the clock. */
const BATCH = 64

/** The last events of a run that failed are told. */
const MAX_EVENTS = 40

/** Least time between two collections. */
const SAMPLE_MILLISECONDS = 1000

/** After so many failures the target is given up: more of the same tell nothing. */
const MAX_FAILURES = 5

const now = (): number => performance.now()

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const slow = (milliseconds: number): Error => new Error(`an input takes ${milliseconds.toFixed(0)} ms`)

/** Runs one input; answers its bytes and time, or what it broke. */
const attempt = async (
  target: Target,
  input: Uint8Array
): Promise<{ readonly bytes: number; readonly milliseconds: number; readonly error?: unknown }> => {
  const start = now()
  try {
    const answer = target.run(input)
    const bytes = typeof answer === "number" ? answer : await answer
    const milliseconds = now() - start
    return milliseconds > limitOf(input.length)
      ? { bytes, milliseconds, error: slow(milliseconds) }
      : { bytes, milliseconds }
  } catch (error) {
    return { bytes: input.length, milliseconds: now() - start, error: error ?? new Error("undefined was thrown") }
  }
}

/** The error's first lines: the message and where it came from. */
const explain = (error: unknown): string =>
  error instanceof Error
    ? (error.stack ?? String(error)).split("\n").slice(0, 6).join("\n")
    : `${typeof error} thrown: ${String(error)}`

/** Where the stack does not tell, two failures are the same if their kinds and first words are. */
const kindOf = (error: unknown): string => String(error).replaceAll(/"[^"]*"|\d+/g, "…").slice(0, 60)

/** The slope of the least-squares line through the points. */
export const slope = (points: ReadonlyArray<readonly [x: number, y: number]>): number => {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  return spread === 0 ? 0 : points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread
}

/** Runs a target within the settings' bounds; seeds and former failures are run whatever the bounds are. */
export const run = async (target: Target, settings: Settings): Promise<Row> => {
  const seeds = [...target.seeds(), ...Corpus.discovered(target.name), ...Corpus.failedBefore(target.name)]
  const pool = [...seeds]
  const mutator = new Mutator(new Random(settings.seed, target.name), target.kind, pool)
  const start = now()
  const cpu = process.threadCpuUsage()
  const heap: Array<readonly [inputs: number, bytes: number]> = []
  const kinds = new Set<string>()
  let inputs = 0
  let bytes = 0
  let busy = 0
  let longest = 0
  let nextSample = 0
  let sampled = 0

  const fail = async (input: Uint8Array, error: unknown): Promise<void> => {
    const kind = kindOf(error)
    if (kinds.has(kind)) return
    kinds.add(kind)
    let last = error
    const smallest = await shrink(input, async (candidate) => {
      settings.onInput?.(candidate)
      const { error } = await attempt(target, candidate)
      if (error === undefined || kindOf(error) !== kind) return false
      last = error
      return true
    })
    const events = target.explain?.(smallest).slice(-MAX_EVENTS) ?? []
    settings.onFailure?.({ target: target.name, message: [explain(last), ...events].join("\n"), input: smallest })
  }

  const one = async (input: Uint8Array): Promise<void> => {
    settings.onInput?.(input)
    // Not `attempt`: a promise for each of ten million inputs would cost more than the input.
    const began = now()
    let took: number
    try {
      const answer = target.run(input)
      bytes += typeof answer === "number" ? answer : await answer
      took = now() - began
    } catch (error) {
      took = now() - began
      await fail(input, error ?? new Error("undefined was thrown"))
    }
    busy += took
    inputs++
    if (took <= longest) return
    for (let again = 0; took > SLOW_MILLISECONDS && again < 5; again++) {
      const attempted = await attempt(target, input)
      took = Math.min(took, attempted.milliseconds)
    }
    longest = Math.max(longest, took)
    if (took > limitOf(input.length)) await fail(input, slow(took))
  }

  /** The heap after a collection, at some twenty points of the run; the first ones are warming up. */
  const sample = (): void => {
    const elapsed = now() - start
    // A collection costs more than itself, since it throws away compiled code too.
    if (globalThis.gc === undefined || elapsed < sampled + SAMPLE_MILLISECONDS) return
    const done = Math.max(elapsed / settings.milliseconds, inputs / settings.inputs)
    if (done < nextSample) return
    sampled = elapsed
    nextSample = done + 0.05
    globalThis.gc()
    heap.push([inputs, process.memoryUsage().heapUsed])
  }

  const discover = (input: Uint8Array): void => {
    if (settings.coverage === undefined || settings.coverage.grow() === 0) return
    pool.push(input)
    settings.onDiscovery?.(input)
  }

  for (const seed of seeds) await one(seed)
  settings.coverage?.grow()
  while (inputs < settings.inputs && now() - start < settings.milliseconds && kinds.size < MAX_FAILURES) {
    for (let i = 0; i < BATCH && inputs < settings.inputs; i++) {
      const input = mutator.next()
      await one(input)
      discover(input)
    }
    // What Node frees in the next tick, such as the memory of zlib, would otherwise pass for growth.
    await turn()
    sample()
  }
  const seconds = (now() - start) / 1000
  const used = process.threadCpuUsage(cpu)
  const cpuSeconds = (used.user + used.system) / 1e6
  const settled = heap.slice(Math.ceil(heap.length / 4))
  return {
    target: target.name,
    about: target.about,
    inputs,
    bytes,
    seconds,
    cpuSeconds,
    inputsPerSecond: inputs / cpuSeconds,
    nanosecondsPerByte: bytes === 0 ? 0 : busy * 1e6 / bytes * Math.min(1, cpuSeconds / seconds),
    longestMilliseconds: longest,
    heapSlope: settled.length < 4 ? null : slope(settled) * 1000,
    discoveries: pool.length - seeds.length,
    failures: kinds.size
  }
}
