/**
 * One client at one work, as the process that measures it sees it, and the loops of all clients that answer promises.
 *
 * Every value that is read is compared. What a client answers is not converted for that: `text` and its like look into
 * the client's own answer, so that no client pays for a promise that it did not ask for.
 */
import type { Items } from "./Items.ts"
import { COUNTER_START } from "./Items.ts"
import { BATCH_SIZE, type Work } from "./Work.ts"

/** What a driver is made for. */
export interface Task {
  readonly client: string
  readonly work: Work
  /** `127.0.0.1:11211` */
  readonly servers: ReadonlyArray<string>
}

export interface Driver {
  /**
   * Works for so long with so many operations under way, and answers how many were done. Rejects with the first error
   * or wrong value.
   */
  readonly round: (milliseconds: number, inFlight: number) => Promise<number>
  /** Rejects if what was written cannot be read. */
  readonly verify: () => Promise<void>
  /** One operation with one key, which connects to its server if that has not been done. */
  readonly touch: (index: number) => Promise<void>
  readonly close: () => Promise<void>
}

export type MakeDriver = (task: Task, items: Items) => Promise<Driver>

/** A client of promises, as it is. */
export interface PromiseClient<Got, Stored, Counted, Found> {
  readonly get: (key: string) => Promise<Got>
  readonly text: (got: Got) => string | undefined
  readonly set: (key: string, value: string) => Promise<Stored>
  readonly isStored: (stored: Stored) => boolean
  readonly increment: (key: string) => Promise<Counted>
  readonly count: (counted: Counted) => number
  readonly getMany: (keys: Array<string>) => Promise<Found>
  readonly pick: (found: Found, key: string) => string | undefined
  readonly close: () => void
}

/** A timer sets a flag, so that no operation pays for a look at the clock. */
export const stopAfter = (milliseconds: number): { isOver: boolean } => {
  const stop = { isOver: false }
  setTimeout(() => stop.isOver = true, milliseconds)
  return stop
}

export const wrongValue = (key: string, value: unknown): Error => {
  const what = typeof value === "string" ? `${value.length} characters that are not what was stored` : String(value)
  return new Error(`${key} has ${what}`)
}

export const wrongStore = (key: string): Error => new Error(`${key} was not stored`)

/** The batches of a work: overlapping runs of keys, so that they are not all the same. */
export const batchesOf = <A>(items: ReadonlyArray<A>): Array<Array<A>> =>
  Array.from({ length: 10 }, (_, i) => {
    const start = i * Math.floor((items.length - BATCH_SIZE) / 9)
    return items.slice(start, start + BATCH_SIZE)
  })

export const drive = <Got, Stored, Counted, Found>(
  client: PromiseClient<Got, Stored, Counted, Found>,
  work: Work,
  { keys, values }: Items
): Driver => {
  const keyBatches = work.kind === "batch" ? batchesOf(keys) : []
  const valueBatches = work.kind === "batch" ? batchesOf(values) : []
  const counts = keys.map(() => COUNTER_START)
  let turn = 0

  const get = async (i: number): Promise<void> => {
    const value = client.text(await client.get(keys[i]!))
    if (value !== values[i]) throw wrongValue(keys[i]!, value)
  }
  const set = async (i: number): Promise<void> => {
    if (!client.isStored(await client.set(keys[i]!, values[i]!))) throw wrongStore(keys[i]!)
  }
  const increment = async (i: number): Promise<void> => {
    const value = client.count(await client.increment(keys[i]!))
    if (value !== ++counts[i]!) throw wrongValue(keys[i]!, value)
  }
  const batch = async (i: number): Promise<void> => {
    const batchKeys = keyBatches[i]!
    const found = await client.getMany(batchKeys)
    for (let j = 0; j < batchKeys.length; j++) {
      const value = client.pick(found, batchKeys[j]!)
      if (value !== valueBatches[i]![j]) throw wrongValue(batchKeys[j]!, value)
    }
  }

  /** One caller: the next operation when the last one is done. */
  const loop = async (stop: { readonly isOver: boolean }, caller: number): Promise<number> => {
    let done = 0
    do {
      const i = turn++
      if (work.kind === "get") await get(i % keys.length)
      else if (work.kind === "set" || (work.kind === "mixed" && i % 10 === 9)) await set(i % keys.length)
      else if (work.kind === "mixed") await get(i % keys.length)
      else if (work.kind === "batch") await batch(i % keyBatches.length)
      // A counter of its own, so that the caller knows what must come.
      else await increment(caller)
      done++
    } while (!stop.isOver)
    return done
  }

  const burst = async (stop: { readonly isOver: boolean }): Promise<number> => {
    let done = 0
    do {
      await Promise.all(Array.from({ length: work.inFlight }, (_, i) => get(i % keys.length)))
      done += work.inFlight
    } while (!stop.isOver)
    return done
  }

  return {
    round: async (milliseconds, inFlight) => {
      const stop = stopAfter(milliseconds)
      if (work.kind === "burst") return burst(stop)
      const done = await Promise.all(Array.from({ length: inFlight }, (_, caller) => loop(stop, caller)))
      return done.reduce((sum, n) => sum + n, 0)
    },
    verify: async () => {
      if (work.kind === "set") { for (let i = 0; i < Math.min(turn, keys.length); i++) await get(i) }
    },
    touch: work.kind === "set" ? set : get,
    close: async () => client.close()
  }
}
