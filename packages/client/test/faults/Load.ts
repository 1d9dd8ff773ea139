/**
 * What the fibers of a run do: a mixture of everything that caches are used for, as fast as it goes, with every answer
 * looked at.
 */
import type { Memcache } from "@effect-memcache/client"
import type { Ledger } from "@effect-memcache/testing/Ledger"
import { SEVERAL } from "@effect-memcache/testing/Ledger"
import type { Stamps } from "@effect-memcache/testing/Stamps"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { Epochs } from "./Epochs.ts"
import type { Failures } from "./Failures.ts"

/** What became of an operation, if not an error. */
export const HIT = "hit"
export const ABSENT = "absent"

export interface Load {
  readonly cache: Memcache["Service"]
  readonly fibers: number
  readonly ledger: Ledger
  readonly stamps: Stamps
  readonly counters: Epochs
  readonly failures: Failures
  /** The index of the server that a key belongs to. */
  readonly homeOf: (key: string) => number
  readonly isOver: () => boolean
}

/** Each fiber writes keys of its own, and reads everybody's. */
const KEYS_PER_FIBER = 10

const keyOf = (fiber: number, i: number): string => `user:${fiber}:${i}`

/** Every key once, so that a run begins with a full cache. */
export const prefill = Effect.fnUntraced(function*({ cache, fibers, stamps }: Load) {
  for (let fiber = 0; fiber < fibers; fiber++) {
    const writes = Array.from({ length: KEYS_PER_FIBER }, (_, i) => ({ key: keyOf(fiber, i) }))
      .map(({ key }) => ({ key, ...stamps.issue(key) }))
    yield* cache.setMany(writes.map(({ key, value }) => [key, value] as const))
    for (const { key, seq } of writes) stamps.confirm(key, seq)
  }
})

/** Runs all fibers until the load is over; succeeds when the last one has settled. */
export const run = (load: Load): Effect.Effect<void> =>
  Effect.forEach(Array.from({ length: load.fibers }, (_, i) => i), (fiber) => work(load, fiber), {
    concurrency: "unbounded",
    discard: true
  })

const work = (load: Load, fiber: number): Effect.Effect<void> => {
  const next = generator(fiber + 1)
  const own = (): string => keyOf(fiber, Math.floor(next() * KEYS_PER_FIBER))
  const any = (): string => keyOf(Math.floor(next() * load.fibers), Math.floor(next() * KEYS_PER_FIBER))
  const step = (): Effect.Effect<void> => {
    const dice = next()
    if (dice < 0.5) return read(load, any())
    if (dice < 0.7) return write(load, own())
    if (dice < 0.8) return count(load, load.counters.pick(next()))
    if (dice < 0.85) return remove(load, own())
    if (dice < 0.93) return readMany(load, [any(), any(), any(), any(), any(), any(), any(), any()])
    return writeMany(load, [...new Set([own(), own(), own(), own()])])
  }
  return Effect.whileLoop({ while: () => !load.isOver(), body: step, step: () => {} })
}

/** Does one operation and notes it; `note` says what came of it. */
const observe = <A, E>(
  { failures, ledger }: Load,
  server: number,
  effect: Effect.Effect<A, E>,
  note: {
    readonly done: (value: A) => string
    readonly failed: (error: MemcacheError | undefined) => void
  }
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const op = ledger.begin(server)
    return Effect.map(Effect.exit(effect), (exit) => {
      if (Exit.isSuccess(exit)) return ledger.end(op, note.done(exit.value))
      const error = failures.ofCause(exit.cause)
      ledger.end(op, error === undefined ? "untyped" : failures.name(error))
      note.failed(error)
    })
  })

const ignore = (): void => {}

const read = (load: Load, key: string): Effect.Effect<void> => {
  const floor = load.stamps.floor(key)
  return observe(load, load.homeOf(key), load.cache.get(key), {
    done: (value) => {
      if (Option.isNone(value)) return ABSENT
      const verdict = load.stamps.judge(key, value.value, floor)
      return verdict === "right" ? HIT : verdict
    },
    failed: ignore
  })
}

const write = (load: Load, key: string): Effect.Effect<void> => {
  const { seq, value } = load.stamps.issue(key)
  return observe(load, load.homeOf(key), load.cache.set(key, value), {
    done: (isStored) => noteWrite(load, key, seq, isStored),
    failed: (error) => void noteWrite(load, key, seq, error)
  })
}

const noteWrite = (
  { stamps }: Load,
  key: string,
  seq: number,
  result: boolean | MemcacheError | undefined
): string => {
  if (result === true) stamps.confirm(key, seq)
  else if (result === undefined || isMemcacheError(result) && result.outcome === "unknown") stamps.doubt(key, seq)
  else stamps.deny(key, seq)
  return result === true ? HIT : ABSENT
}

const count = (load: Load, key: string): Effect.Effect<void> =>
  observe(load, load.homeOf(key), load.cache.increment(key, { initial: 1 }), {
    done: (value) => {
      if (Option.isNone(value)) return ABSENT
      load.counters.succeeded(key)
      return HIT
    },
    failed: (error) => {
      if (error?.outcome === "unknown") load.counters.doubted(key)
    }
  })

const remove = (load: Load, key: string): Effect.Effect<void> => {
  // A delete is as good as a write: nothing older may be read after it.
  const { seq } = load.stamps.issue(key)
  return observe(load, load.homeOf(key), load.cache.delete(key), {
    done: (wasThere) => {
      if (wasThere) load.stamps.confirm(key, seq)
      return wasThere ? HIT : ABSENT
    },
    failed: ignore
  })
}

const readMany = (load: Load, keys: ReadonlyArray<string>): Effect.Effect<void> => {
  const floors = keys.map((key) => load.stamps.floor(key))
  return observe(load, SEVERAL, load.cache.getManyPartial(keys), {
    done: ({ failed, values }) => {
      noteFailedKeys(load, failed)
      keys.forEach((key, i) => {
        if (values.has(key)) load.stamps.judge(key, values.get(key), floors[i])
      })
      return values.size > 0 ? HIT : ABSENT
    },
    failed: ignore
  })
}

const writeMany = (load: Load, keys: ReadonlyArray<string>): Effect.Effect<void> => {
  const writes = keys.map((key) => ({ key, ...load.stamps.issue(key) }))
  const entries = writes.map(({ key, value }) => [key, value] as const)
  return observe(load, SEVERAL, load.cache.setManyPartial(entries), {
    done: ({ failed, notStored }) => {
      noteFailedKeys(load, failed)
      for (const { key, seq } of writes) noteWrite(load, key, seq, failed.get(key) ?? !notStored.includes(key))
      return failed.size + notStored.length < writes.length ? HIT : ABSENT
    },
    failed: () => {
      for (const { key, seq } of writes) load.stamps.doubt(key, seq)
    }
  })
}

const noteFailedKeys = (load: Load, failed: ReadonlyMap<string, MemcacheError>): void => {
  for (const [key, error] of failed) load.ledger.keyFailed(load.homeOf(key), load.failures.name(error))
}

/** Mulberry32: the same run for the same fiber, and no lock step between them. */
const generator = (seed: number): () => number => {
  let state = seed * 0x9e3779b9 | 0
  return () => {
    state = state + 0x6d2b79f5 | 0
    let t = Math.imul(state ^ state >>> 15, 1 | state)
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t
    return ((t ^ t >>> 14) >>> 0) / 4294967296
  }
}
