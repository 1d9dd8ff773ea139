/**
 * The measured client, as its users write it: `Memcache` from a layer, callers that are fibers, everything at its
 * defaults. Only `set` of the largest values says `compression: false`, because no other client compresses.
 */
import { Memcache } from "@effect-memcache/client"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import type { Driver, MakeDriver } from "../Driver.ts"
import { batchesOf, stopAfter, wrongStore, wrongValue } from "../Driver.ts"
import { COUNTER_START } from "../Items.ts"

const COMPRESSION_THRESHOLD = 2000

/** Reads all metrics every second, as a page that is scraped does. */
const readMetrics = Layer.effectDiscard(
  Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep("1 second"), Metric.snapshot)))
)

/** A tracer that keeps nothing: what its spans cost the client, and not what an exporter costs. */
const tracer = Layer.succeed(Tracer.Tracer, Tracer.make({ span: (options) => new Tracer.NativeSpan(options) }))

export const make: MakeDriver = async ({ client, servers, work }, { keys, values }): Promise<Driver> => {
  const memcache = Memcache.layer({ servers: [...servers] })
  const observers = client === "effect-traced"
    ? Layer.merge(readMetrics, tracer)
    : client === "effect-metrics"
    ? readMetrics
    : Layer.empty
  const runtime = ManagedRuntime.make(Layer.provideMerge(memcache, observers))
  const cache = await runtime.runPromise(Memcache)

  const keyBatches = work.kind === "batch" ? batchesOf(keys) : []
  const valueBatches = work.kind === "batch" ? batchesOf(values) : []
  const counts = keys.map(() => COUNTER_START)
  const storeOptions = work.size > COMPRESSION_THRESHOLD ? { compression: false } as const : undefined
  let turn = 0

  const check = (i: number, value: Option.Option<unknown>): void => {
    if (Option.isNone(value) || value.value !== values[i]) throw wrongValue(keys[i]!, Option.getOrUndefined(value))
  }
  const get = Effect.fnUntraced(function*(stop: { readonly isOver: boolean }) {
    let done = 0
    do {
      const i = turn++ % keys.length
      check(i, yield* cache.get(keys[i]!))
      done++
    } while (!stop.isOver)
    return done
  })
  const set = Effect.fnUntraced(function*(stop: { readonly isOver: boolean }) {
    let done = 0
    do {
      const i = turn++ % keys.length
      if (!(yield* cache.set(keys[i]!, values[i], storeOptions))) throw wrongStore(keys[i]!)
      done++
    } while (!stop.isOver)
    return done
  })
  const mixed = Effect.fnUntraced(function*(stop: { readonly isOver: boolean }) {
    let done = 0
    do {
      const i = turn++ % keys.length
      if (i % 10 !== 9) check(i, yield* cache.get(keys[i]!))
      else if (!(yield* cache.set(keys[i]!, values[i]))) throw wrongStore(keys[i]!)
      done++
    } while (!stop.isOver)
    return done
  })
  const increment = Effect.fnUntraced(function*(stop: { readonly isOver: boolean }, caller: number) {
    let done = 0
    do {
      const value = Option.getOrUndefined(yield* cache.increment(keys[caller]!))
      if (Number(value) !== ++counts[caller]!) throw wrongValue(keys[caller]!, value)
      done++
    } while (!stop.isOver)
    return done
  })
  const batch = Effect.fnUntraced(function*(stop: { readonly isOver: boolean }) {
    let done = 0
    do {
      const i = turn++ % keyBatches.length
      const batchKeys = keyBatches[i]!
      const found = yield* cache.getMany(batchKeys)
      for (let j = 0; j < batchKeys.length; j++) {
        const value = found.get(batchKeys[j]!)
        if (value !== valueBatches[i]![j]) throw wrongValue(batchKeys[j]!, value)
      }
      done++
    } while (!stop.isOver)
    return done
  })
  const burst = Effect.fnUntraced(function*(stop: { readonly isOver: boolean }) {
    let done = 0
    do {
      const indices = Array.from({ length: work.inFlight }, (_, i) => i % keys.length)
      const found = yield* Effect.forEach(indices, (i) => cache.get(keys[i]!), { concurrency: "unbounded" })
      for (let i = 0; i < found.length; i++) check(indices[i]!, found[i]!)
      done += work.inFlight
    } while (!stop.isOver)
    return done
  })
  const loops = { get, set, mixed, increment, batch, burst, idle: get }

  const read = (i: number) => Effect.map(cache.get(keys[i]!), (value) => check(i, value))
  const touch = (i: number) => work.kind === "set" ? cache.set(keys[i]!, values[i], storeOptions) : read(i)

  return {
    round: (milliseconds, inFlight) => {
      const stop = stopAfter(milliseconds)
      const callers = Array.from({ length: work.kind === "burst" ? 1 : inFlight }, (_, caller) => caller)
      const all = Effect.forEach(callers, (caller) => loops[work.kind](stop, caller), { concurrency: "unbounded" })
      return runtime.runPromise(Effect.map(all, (done) => done.reduce((sum, n) => sum + n, 0)))
    },
    verify: async () => {
      const written = work.kind === "set" ? Math.min(turn, keys.length) : 0
      for (let i = 0; i < written; i++) await runtime.runPromise(read(i))
    },
    touch: async (i) => {
      await runtime.runPromise(touch(i))
    },
    close: () => runtime.dispose()
  }
}
