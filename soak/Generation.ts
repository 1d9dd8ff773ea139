/**
 * Some seconds of a soak: keys that nobody had before, and all that is known of them. What is known is let go with the
 * keys, so that a soak of hours needs no more memory than one of minutes.
 *
 * A list of servers lasts for a generation, too: what was written to one server under one list may come back under
 * another, which is no fault of anybody's.
 */
import { isArgumentError } from "@effect-memcache/client/ArgumentError"
import type { ArgumentError } from "@effect-memcache/client/ArgumentError"
import { isKeyError } from "@effect-memcache/client/KeyError"
import type { KeyError } from "@effect-memcache/client/KeyError"
import { Checker } from "@effect-memcache/testing/Checker"
import * as Counters from "@effect-memcache/testing/Counters"
import type { LoopLag } from "@effect-memcache/testing/LoopLag"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import { Appendices } from "./Appendices.ts"

/** Milliseconds that a command has, and with them every operation but `getOrSet`. */
export const DEADLINE = 250

/** Milliseconds that are nobody's fault. */
export const SLACK = 50

/**
 * Milliseconds for a `getOrSet` that waits for a claim: the claim's second, the two seconds for which it goes on waiting,
 * and its own commands before and after.
 */
export const READ_THROUGH_DEADLINE = 4000

/** Counters that are counted down begin here, less one. */
export const DOWN_FROM = 1_000_000_000

/** How many keys there are of each kind, under the letter that begins their names. */
export const KEYS = { small: 2000, big: 30, up: 20, down: 20, appended: 20, readThrough: 200 } as const

export type Kind = keyof typeof KEYS

type Promised = MemcacheError | KeyError | ArgumentError

export const nameOf = (error: Promised): string =>
  isMemcacheError(error) ? `${error.reason._tag} ${error.outcome}` : error._tag

const make = (deadline: number, lag: LoopLag, onFailure: () => void): Checker<Promised> =>
  new Checker(
    {
      deadline,
      slack: SLACK,
      isExpected: (error): error is Promised => isMemcacheError(error) || isKeyError(error) || isArgumentError(error),
      outcomeOf: (error) => isMemcacheError(error) ? error.outcome : "not-sent",
      nameOf,
      onFailure
    },
    lag
  )

export class Generation {
  /** Of everything that ends within the deadline of a command. */
  readonly checker: Checker<Promised>
  /** Of `getOrSet`, whose values nobody else writes. */
  readonly readThrough: Checker<Promised>
  readonly appendices = new Appendices()
  /** Fibers that have not ended. */
  running = 0

  private readonly number: number
  private readonly killsBefore: ReadonlyArray<number>

  /** `kills`: how often each server was killed until now. `onFailure` is told of every operation that fails. */
  constructor(number: number, kills: ReadonlyArray<number>, lag: LoopLag, onFailure: () => void) {
    this.number = number
    this.killsBefore = [...kills]
    this.checker = make(DEADLINE, lag, onFailure)
    this.readThrough = make(READ_THROUGH_DEADLINE, lag, onFailure)
  }

  key(kind: Kind, index: number): string {
    return `generation-${this.number}:${kind}:${index}`
  }

  /** The keys of which the servers themselves are asked in the end. */
  get counted(): ReadonlyArray<string> {
    return (["up", "down", "appended"] as const).flatMap((kind) =>
      Array.from({ length: KEYS[kind] }, (_, index) => this.key(kind, index))
    )
  }

  /** What is wrong with what the servers hold in the end, as sentences. `stocks` and `kills` are in the same order. */
  faults(stocks: ReadonlyArray<ReadonlyMap<string, string>>, kills: ReadonlyArray<number>): ReadonlyArray<string> {
    const wasKilled = kills.map((count, server) => count > this.killsBefore[server])
    return this.counted.flatMap((key) => {
      const server = stocks.findIndex((stock) => stock.has(key))
      const text = stocks[server]?.get(key)
      const mayBeLost = server < 0 ? wasKilled.includes(true) : wasKilled[server]
      const fault = key.includes(":appended:")
        ? this.appendices.fault(key, text, mayBeLost)
        : Counters.fault(this.checker.counters.of(key), countOf(key, text), { mayBeLost })
      return fault === undefined ? [] : [fault]
    })
  }
}

const countOf = (key: string, text: string | undefined): number => {
  if (text === undefined) return 0
  // Counting down leaves blanks where there were digits.
  return key.includes(":down:") ? DOWN_FROM - Number(text) : Number(text)
}
