/**
 * Many keys at once: sorted by server, sent to all servers together, and put back under the caller's own keys.
 *
 * A batch is planned as a whole before a byte of it is sent. It remembers where each of the caller's keys went, so that
 * answers come back in the caller's order and under the caller's own key objects, however many of them are one key on
 * the wire.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Key as WireKey } from "@effect-memcache/protocol/Key"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import type { KeyInput, PrefixableKeyInput } from "../../Key.ts"
import * as Key from "../../Key.ts"
import type { KeyError } from "../../KeyError.ts"
import type { Backend } from "../servers/Backend.ts"
import type { Session } from "./Session.ts"

/**
 * Options of a batch.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<K> {
  /** Stands before every key of the batch, behind the client's own prefix. A `Key` has its final bytes and takes none. */
  readonly prefix?: ([K] extends [PrefixableKeyInput] ? string : never) | undefined
}

/**
 * What one server is asked for, and what came of it: two parallel lists.
 *
 * @category models
 * @since 0.1.0
 */
export interface Share<Item, Outcome> {
  readonly backend: Backend
  readonly items: Array<Item>
  readonly outcomes: Array<Outcome | MemcacheError>
}

/**
 * A planned batch. `Item` is what a server is asked for one key; equal items of one server are asked once.
 *
 * @category models
 * @since 0.1.0
 */
export class Batch<K, Item, Outcome> {
  readonly shares: Array<Share<Item, Outcome>> = []

  private readonly callers: Array<K> = []
  private readonly targets: Array<Share<Item, Outcome> | MemcacheError> = []
  private readonly slots: Array<number> = []
  private readonly plans = new Map<Backend, { share: Share<Item, Outcome>; slots: Map<Item, number> }>()

  /** Adds one of the caller's keys: what to ask whom, or why nobody can be asked. */
  add(caller: K, backend: Backend | MemcacheError, item: Item | MemcacheError): void {
    this.callers.push(caller)
    if (isMemcacheError(backend) || isMemcacheError(item)) {
      this.targets.push(isMemcacheError(item) ? item : backend as MemcacheError)
      this.slots.push(-1)
      return
    }
    let plan = this.plans.get(backend)
    if (plan === undefined) {
      plan = { share: { backend, items: [], outcomes: [] }, slots: new Map() }
      this.plans.set(backend, plan)
      this.shares.push(plan.share)
    }
    let slot = plan.slots.get(item)
    if (slot === undefined) {
      slot = plan.share.items.push(item) - 1
      plan.slots.set(item, slot)
    }
    this.targets.push(plan.share)
    this.slots.push(slot)
  }

  /** How many keys the caller has given. */
  get size(): number {
    return this.callers.length
  }

  /** Why keys cannot be asked for, in the caller's order. */
  refusals(): Array<MemcacheError> {
    return this.targets.filter(isMemcacheError)
  }

  /** `outcomes`, without an object for each. */
  forEach(use: (key: K, outcome: Outcome | MemcacheError) => void): void {
    for (let i = 0; i < this.callers.length; i++) {
      const target = this.targets[i]
      use(this.callers[i], isMemcacheError(target) ? target : target.outcomes[this.slots[i]])
    }
  }

  /** Every key of the caller's, in the caller's order, with its outcome. */
  *outcomes(): IterableIterator<readonly [key: K, outcome: Outcome | MemcacheError]> {
    for (let i = 0; i < this.callers.length; i++) {
      const target = this.targets[i]
      yield [this.callers[i], isMemcacheError(target) ? target : target.outcomes[this.slots[i]]]
    }
  }
}

/**
 * A batch that asks for each key itself, or the error of the first key that is wrong.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ofKeys = <K extends KeyInput, Outcome>(
  session: Session,
  keys: Iterable<K>,
  options: Options<K> | undefined
): Batch<K, WireKey, Outcome> | KeyError => {
  const batch = new Batch<K, WireKey, Outcome>()
  const prefix = session.prefix + (options?.prefix ?? "")
  for (const key of keys) {
    const wire = Key.wireOf(key, prefix)
    if (typeof wire !== "string") return wire
    batch.add(key, session.pool.pick(wire, Key.hashOf(key)), wire)
  }
  return batch
}

/**
 * Asks all servers at once, each by `ask`, which notes the outcomes of its share.
 *
 * @category combinators
 * @since 0.1.0
 */
export const askAll = <K, Item, Outcome>(
  batch: Batch<K, Item, Outcome>,
  ask: (share: Share<Item, Outcome>) => Effect.Effect<void>
): Effect.Effect<Batch<K, Item, Outcome>> =>
  Effect.as(
    batch.shares.length === 1
      ? ask(batch.shares[0])
      : Effect.forEach(batch.shares, ask, { concurrency: "unbounded", discard: true }),
    batch
  )

/**
 * Sends one command for each item, and notes what `read` makes of the answers.
 *
 * @category combinators
 * @since 0.1.0
 */
export const send = <K, Item, Outcome>(
  batch: Batch<K, Item, Outcome>,
  commandOf: (item: Item) => Command,
  read: (answer: Answer, server: string) => Outcome | MemcacheError
): Effect.Effect<Batch<K, Item, Outcome>> =>
  askAll(batch, ({ backend, items, outcomes }) =>
    Effect.map(backend.sendMany(items.map(commandOf)), (answers) => {
      for (const answer of answers) outcomes.push(isMemcacheError(answer) ? answer : read(answer, backend.name))
    }))

/**
 * `value` if nothing failed, and otherwise the error of the first key that did.
 *
 * @category combinators
 * @since 0.1.0
 */
export const orFail = <K, A>(failed: ReadonlyMap<K, MemcacheError>, value: A): Effect.Effect<A, MemcacheError> => {
  for (const error of failed.values()) return Effect.fail(error)
  return Effect.succeed(value)
}
