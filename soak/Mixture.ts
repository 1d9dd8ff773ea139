/**
 * What is done: operations of every kind that a client has, in the proportions of a busy program with bad manners, every
 * one of them judged.
 */
import type { Memcache } from "@effect-memcache/client"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { Chance } from "./Chance.ts"
import type { Generation, Kind } from "./Generation.ts"
import { DOWN_FROM, KEYS, nameOf } from "./Generation.ts"

/** What an operation is given. */
export interface Given {
  readonly cache: Memcache["Service"]
  readonly chance: Chance
  readonly generation: Generation
  /** Told of a key that failed in a batch that did not. */
  readonly keyFailed: (name: string) => void
  /** Told of a value that is not as it must be. */
  readonly fault: (sentence: string) => void
}

type Operation = (given: Given) => Effect.Effect<unknown>

/** Longer than a generation, so that nothing a counter is judged by expires. */
const TTL = "2 minutes"
const BIG_TTL = "30 seconds"

/** Low indices are asked for more often, so that some keys have many callers at once. */
const pick = ({ chance, generation }: Given, kind: Kind): string =>
  generation.key(kind, Math.floor(KEYS[kind] * chance.share() ** 2))

const pickMany = (given: Given): ReadonlyArray<string> => [
  ...new Set(Array.from({ length: given.chance.between(3, 16) }, () => pick(given, "small")))
]

const isStored = (swap: "stored" | "exists" | "notFound"): boolean => swap === "stored"

const read = (kind: Kind): Operation => (given) => {
  const key = pick(given, kind)
  return given.generation.checker.read(key, Effect.map(given.cache.get(key), Option.getOrUndefined))
}

const write = (method: "set" | "add" | "replace"): Operation => (given) => {
  const { cache, chance, generation } = given
  const key = pick(given, "small")
  return generation.checker.write(
    key,
    (value) => cache[method](key, value, { ttl: TTL }),
    Math.round(chance.between(50, 500))
  )
}

const gets: Operation = (given) => {
  const key = pick(given, "small")
  const found = Effect.map(given.cache.gets(key), (item) => Option.getOrUndefined(item)?.value)
  return given.generation.checker.read(key, found)
}

const getAndTouch: Operation = (given) => {
  const key = pick(given, "small")
  return given.generation.checker.read(key, Effect.map(given.cache.getAndTouch(key, TTL), Option.getOrUndefined))
}

const swap: Operation = (given) => {
  const { cache, generation: { checker } } = given
  const key = pick(given, "small")
  let cas: bigint | undefined
  const found = Effect.map(cache.gets(key), (item) => {
    cas = Option.getOrUndefined(item)?.cas
    return Option.getOrUndefined(item)?.value
  })
  return Effect.flatMap(checker.read(key, found), () => {
    const known = cas
    if (known === undefined) return Effect.void
    return checker.write(key, (value) => Effect.map(cache.compareAndSwap(key, value, known, { ttl: TTL }), isStored))
  })
}

const setBig: Operation = (given) => {
  const { cache, chance, generation } = given
  const key = pick(given, "big")
  const size = Math.round(chance.between(10_000, 200_000))
  return generation.checker.write(key, (value) => cache.set(key, value, { ttl: BIG_TTL }), size)
}

const remove: Operation = (given) => {
  const key = pick(given, "small")
  return given.generation.checker.remove(key, given.cache.delete(key))
}

const touch: Operation = (given) =>
  given.generation.checker.operation(given.cache.touch(pick(given, "small"), TTL), (was) => was ? "touched" : "absent")

const getMany: Operation = (given) => {
  const keys = pickMany(given)
  return given.generation.checker.readMany(keys, given.cache.getMany(keys))
}

const noteFailed = ({ keyFailed }: Given, failed: ReadonlyMap<string, MemcacheError>): void => {
  for (const error of failed.values()) keyFailed(nameOf(error))
}

const getManyPartial: Operation = (given) => {
  const keys = pickMany(given)
  const values = Effect.map(given.cache.getManyPartial(keys), (answer) => {
    noteFailed(given, answer.failed)
    return answer.values
  })
  return given.generation.checker.readMany(keys, values)
}

/** What became of the keys of a batch that has ended well. */
interface Became {
  /** Certainly not carried out. */
  readonly refused: ReadonlyArray<string>
  readonly failed?: ReadonlyMap<string, MemcacheError> | undefined
}

/** Writes many keys, by values or by deletions, and notes of each what is known of it then. */
const writeMany = (
  send: (cache: Memcache["Service"], entries: ReadonlyMap<string, string>) => Effect.Effect<Became, unknown>
): Operation =>
(given) => {
  const { checker, checker: { stamps } } = given.generation
  return Effect.suspend(() => {
    const issued = new Map(pickMany(given).map((key) => [key, stamps.issue(key)]))
    const entries = new Map([...issued].map(([key, { value }]) => [key, value]))
    const note = (exit: Exit.Exit<Became, unknown>): void => {
      const became = Exit.isSuccess(exit) ? exit.value : undefined
      if (became?.failed !== undefined) noteFailed(given, became.failed)
      for (const [key, { seq }] of issued) {
        const outcome = became?.failed?.get(key)?.outcome
        // Of a batch that failed as a whole, any part may have been carried out.
        if (became === undefined || outcome === "unknown" || outcome === "done") stamps.doubt(key, seq)
        else if (outcome !== undefined || became.refused.includes(key)) stamps.deny(key, seq)
        else stamps.confirm(key, seq)
      }
    }
    return checker.operation(Effect.onExit(send(given.cache, entries), (exit) => Effect.sync(() => note(exit))))
  })
}

const setMany = writeMany((cache, entries) =>
  Effect.map(cache.setMany(entries, { ttl: TTL }), (refused) => ({ refused }))
)

const setManyPartial = writeMany((cache, entries) =>
  Effect.map(cache.setManyPartial(entries, { ttl: TTL }), ({ failed, notStored }) => ({ refused: notStored, failed }))
)

const deleteMany = writeMany((cache, entries) =>
  Effect.map(cache.deleteMany([...entries.keys()]), (refused) => ({ refused }))
)

const deleteManyPartial = writeMany((cache, entries) =>
  Effect.map(
    cache.deleteManyPartial([...entries.keys()]),
    ({ failed, notFound }) => ({ refused: notFound, failed })
  )
)

const countUp = (initial?: number): Operation => (given) => {
  const key = pick(given, "up")
  return given.generation.checker.count(key, Effect.map(given.cache.increment(key, { initial }), Option.getOrUndefined))
}

const countDown = (initial?: number): Operation => (given) => {
  const key = pick(given, "down")
  return given.generation.checker.count(key, Effect.map(given.cache.decrement(key, { initial }), Option.getOrUndefined))
}

const append: Operation = (given) => {
  const { cache, generation: { appendices, checker } } = given
  const key = pick(given, "appended")
  return Effect.suspend(() => {
    const { piece, text } = appendices.issue(key)
    const appended = Effect.tap(cache.append(key, text), (was) =>
      Effect.sync(() => {
        if (was) appendices.confirm(key, piece)
      }))
    return Effect.flatMap(
      checker.operation(appended, (was) => was ? "appended" : "absent"),
      ({ ended }) =>
        ended === "absent"
          ? checker.operation(cache.add(key, appendices.head(key)), (was) => was ? "stored" : "not stored")
          : Effect.void
    )
  })
}

const readAppended: Operation = (given) => {
  const { cache, fault, generation: { appendices, checker } } = given
  const key = pick(given, "appended")
  return checker.operation(cache.get(key), (found) => {
    if (Option.isNone(found)) return "absent"
    const problem = appendices.fault(key, found.value, true)
    if (problem === undefined) return "hit"
    fault(problem)
    return "wrong"
  })
}

const getOrSet: Operation = (given) => {
  const { cache, generation: { readThrough, readThrough: { stamps } } } = given
  const key = pick(given, "readThrough")
  const compute = Effect.sync(() => {
    const { seq, value } = stamps.issue(key)
    // Whether it is stored, nobody says.
    stamps.doubt(key, seq)
    return value
  })
  return readThrough.read(key, cache.getOrSet(key, compute, { ttl: TTL, claimFor: "1 second" }))
}

/** Makes `getOrSet` compute. */
const invalidate: Operation = (given) =>
  given.generation.checker.operation(given.cache.invalidate(pick(given, "readThrough")))

/** How many of a thousand operations are of each kind. */
const kinds: ReadonlyArray<readonly [name: string, share: number, operation: Operation]> = [
  ["get", 302, read("small")],
  ["gets", 40, gets],
  ["getMany", 20, getMany],
  ["getManyPartial", 12, getManyPartial],
  ["getAndTouch", 25, getAndTouch],
  ["set", 200, write("set")],
  ["setMany", 8, setMany],
  ["setManyPartial", 8, setManyPartial],
  ["add", 35, write("add")],
  ["replace", 35, write("replace")],
  ["gets and compareAndSwap", 30, swap],
  ["delete", 40, remove],
  ["deleteMany", 4, deleteMany],
  ["deleteManyPartial", 4, deleteManyPartial],
  ["touch", 30, touch],
  ["increment with initial", 40, countUp(1)],
  ["increment", 30, countUp()],
  ["decrement with initial", 20, countDown(DOWN_FROM - 1)],
  ["decrement", 15, countDown()],
  ["append", 20, append],
  ["get what was appended", 12, readAppended],
  ["set 10 to 200 KB", 5, setBig],
  ["get 10 to 200 KB", 10, read("big")],
  ["getOrSet", 45, getOrSet],
  ["invalidate", 10, invalidate]
]

/** One entry for each of the thousand. */
const dice = kinds.flatMap((kind) => Array.from({ length: kind[1] }, () => kind))

/** Of the operations, how many are given up some time later, and how many in the tick in which they begin. */
const GIVEN_UP = 0.03
const GIVEN_UP_AT_ONCE = 0.02
const PATIENCE_MILLISECONDS = 20

/** Starts an operation and answers its name; `ended` is called when nothing of it runs any more. */
export const start = (given: Given, ended: () => void): string => {
  const { chance } = given
  const [name, , operation] = chance.of(dice)
  const fate = chance.share()
  const effect = operation(given)
  const fiber = Effect.runFork(
    fate < GIVEN_UP ? Effect.timeoutOption(effect, chance.between(0, PATIENCE_MILLISECONDS)) : effect
  )
  fiber.addObserver(ended)
  if (fate > 1 - GIVEN_UP_AT_ONCE) Effect.runFork(Fiber.interrupt(fiber))
  return name
}
