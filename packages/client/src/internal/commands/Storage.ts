/**
 * Storing: one key, or many at once.
 *
 * @since 0.1.0
 */
import type { Command, StoreMode } from "@effect-memcache/protocol/Command"
import type { Key as WireKey } from "@effect-memcache/protocol/Key"
import { MAX_UINT64 } from "@effect-memcache/protocol/Limits"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import { ArgumentError, show } from "../../ArgumentError.ts"
import type { KeyErrorOf, KeyInput } from "../../Key.ts"
import * as Key from "../../Key.ts"
import type { TimeToLive } from "../../TimeToLive.ts"
import type { Encoded, EncodeOptions } from "../../Transcoder.ts"
import { refusal } from "./Answers.ts"
import * as Batch from "./Batch.ts"
import type { Session } from "./Session.ts"
import { exptimeOf, keyFailure } from "./Session.ts"
import { tracedBatch } from "./Tracing.ts"
import type { Coding } from "./Transcoding.ts"
import { admit, encode, settle } from "./Transcoding.ts"
import type { Form } from "./Waiting.ts"
import { isLater } from "./Waiting.ts"
import * as Writing from "./Writing.ts"

/**
 * Options of everything that stores a whole value: `ttl`, and `compression` instead of the client's own.
 *
 * @category options
 * @since 0.1.0
 */
export interface StoreOptions extends EncodeOptions {
  /** How long the item lives. Absent means the client's `defaultTtl`, `"Infinity"` means for ever. */
  readonly ttl?: TimeToLive | undefined
}

/**
 * A key and its value.
 *
 * @category models
 * @since 0.1.0
 */
export type Entry = readonly [key: KeyInput, value: unknown]

/**
 * What became of a compare-and-swap.
 *
 * @category models
 * @since 0.1.0
 */
export type Swap = "stored" | "exists" | "notFound"

const UNCOMPRESSED: EncodeOptions = { compression: false }

/**
 * Stores a value on the mode's condition; `false` if that does not hold.
 *
 * @category commands
 * @since 0.1.0
 */
export const store = (session: Session, mode: "set" | "add" | "replace") => {
  const form: Form<Storing, boolean, MemcacheError | ArgumentError> = {
    commandOf: (key, { options, value }) => {
      const exptime = storeTime(session, options)
      if (typeof exptime !== "number") return Effect.fail(exptime)
      const encoded = encode(session, value, options, mode)
      return isLater(encoded)
        ? storingLater(mode, key, encoded, exptime)
        : storing(mode, key, encoded, exptime)
    },
    read: readStored
  }
  return <K extends KeyInput>(key: K, value: unknown, options?: StoreOptions) =>
    Writing.ask(session, mode, form, key, { value, options })
}

/** What a call was given beside the key. */
interface Storing {
  readonly value: unknown
  readonly options: StoreOptions | undefined
}

/**
 * Adds text or bytes to a stored value; `false` if there is none.
 *
 * @category commands
 * @since 0.1.0
 */
export const extend = (session: Session, mode: "append" | "prepend") => {
  const form: Form<string | Uint8Array, boolean, MemcacheError> = {
    commandOf: (key, value) => {
      const encoded = encode(session, value, UNCOMPRESSED, mode)
      return isLater(encoded) ? storingLater(mode, key, encoded, 0) : storing(mode, key, encoded, 0)
    },
    read: readStored
  }
  return <K extends KeyInput>(key: K, value: string | Uint8Array) => Writing.ask(session, mode, form, key, value)
}

/**
 * Stores a value if the item still has the cas that was read.
 *
 * @category commands
 * @since 0.1.0
 */
export const compareAndSwap = (session: Session) => {
  const form: Form<Swapping, Swap, MemcacheError | ArgumentError> = {
    commandOf: (key, { cas, options, value }) => {
      if (typeof cas !== "bigint" || cas < 0n || cas > MAX_UINT64) {
        const detail = `must be the bigint that gets answered, from 0 to 2^64 - 1, not ${show(cas)}`
        return Effect.fail(new ArgumentError({ argument: "cas", detail }))
      }
      const exptime = storeTime(session, options)
      if (typeof exptime !== "number") return Effect.fail(exptime)
      const encoded = encode(session, value, options, "cas")
      const swapping = ({ bytes, flags }: Encoded): Command => (
        { _tag: "Cas", key, flags, exptime, value: bytes, cas, noreply: false }
      )
      return isLater(encoded) ? Effect.map(encoded, swapping) : swapping(encoded)
    },
    read: readSwap
  }
  return <K extends KeyInput>(key: K, value: unknown, cas: bigint, options?: StoreOptions) =>
    Writing.ask(session, "cas", form, key, { value, cas, options })
}

interface Swapping extends Storing {
  readonly cas: bigint
}

/**
 * Stores many values and answers the keys whose items the server refused. Fails if a server failed, and before a byte is
 * sent if a value cannot be written or has no server.
 *
 * @category commands
 * @since 0.1.0
 */
export const storeMany = (session: Session) =>
<E extends Entry>(
  entries: Iterable<E>,
  options?: StoreOptions & Batch.Options<E[0]>
): Effect.Effect<Array<E[0]>, MemcacheError | KeyErrorOf<E[0]> | ArgumentError> =>
  Effect.flatMap(plan(session, entries, options), (batch) => {
    const error = batch.refusals().find(isFailure)
    const prefix = prefixOf(session, options)
    const stored = error === undefined
      ? Effect.flatMap(Writing.sendBatch(session, "set", prefix, batch, itself, readOutcome), refusedKeys)
      : Writing.watchBatch(session, "set", prefix, batch, Effect.fail(error))
    return tracedBatch(session, "set", batch, () => stored)
  })

/**
 * Stores many values: which were refused, and which failed.
 *
 * @category commands
 * @since 0.1.0
 */
export const storeManyPartial = (session: Session) =>
<E extends Entry>(
  entries: Iterable<E>,
  options?: StoreOptions & Batch.Options<E[0]>
): Effect.Effect<
  { readonly notStored: Array<E[0]>; readonly failed: Map<E[0], MemcacheError> },
  KeyErrorOf<E[0]> | ArgumentError
> =>
  Effect.map(
    Effect.flatMap(plan(session, entries, options), (batch) => {
      const prefix = prefixOf(session, options)
      const sent = Writing.sendBatch(session, "set", prefix, batch, itself, readOutcome)
      return tracedBatch(session, "set", batch, () => sent)
    }),
    summary
  )

const plan = <E extends Entry>(
  session: Session,
  entries: Iterable<E>,
  options: (StoreOptions & Batch.Options<E[0]>) | undefined
): Effect.Effect<Batch.Batch<E[0], Command, boolean>, KeyErrorOf<E[0]> | ArgumentError> =>
  Effect.suspend((): Effect.Effect<Batch.Batch<E[0], Command, boolean>, KeyErrorOf<E[0]> | ArgumentError> => {
    const exptime = storeTime(session, options)
    if (typeof exptime !== "number") return Effect.fail(exptime)
    const prefix = prefixOf(session, options)
    const keys: Array<E[0]> = []
    const wires: Array<WireKey> = []
    const codings: Array<Coding<Encoded>> = []
    for (const [key, value] of entries) {
      const wire = Key.wireOf(key, prefix)
      if (typeof wire !== "string") return keyFailure<E[0]>(wire)
      keys.push(key)
      wires.push(wire)
      codings.push(session.transcoder.encode(value, options))
    }
    const settled = Writing.watchPlan(session, "set", prefix, keys, settle(codings))
    return Effect.map(settled, (results) => {
      const batch = new Batch.Batch<E[0], Command, boolean>()
      results.forEach((result, i) => {
        const key = wires[i]
        const encoded = admit(session, result, "set")
        const item: Command | MemcacheError = isMemcacheError(encoded)
          ? encoded
          : storing("set", key, encoded, exptime)
        batch.add(keys[i], session.pool.pick(key, Key.hashOf(keys[i])), item)
      })
      return batch
    })
  })

/** The exptime of a store, unless one of its options cannot be. */
const storeTime = (session: Session, options: StoreOptions | undefined): number | ArgumentError =>
  wrongOption(session, options) ?? exptimeOf(session, options?.ttl)

/**
 * What is wrong with the options of a store, its time to live aside.
 *
 * @category guards
 * @since 0.1.0
 */
export const wrongOption = (
  session: Session,
  options: Pick<StoreOptions, "compression"> | undefined
): ArgumentError | undefined => {
  const compression = options?.compression
  if (compression === undefined || compression === false) return undefined
  const wrong = session.transcoder.check?.(compression)
  if (wrong === undefined) return undefined
  const detail = `${wrong.detail}, not ${show(compression[wrong.option])}`
  return new ArgumentError({ argument: `compression.${wrong.option}`, detail })
}

const prefixOf = (session: Session, options: { readonly prefix?: string | undefined } | undefined): string =>
  session.prefix + (options?.prefix ?? "")

const storing = (mode: StoreMode, key: WireKey, { bytes, flags }: Encoded, exptime: number): Command => ({
  _tag: "Store",
  mode,
  key,
  // What is added to an item does not change its flags.
  flags: mode === "append" || mode === "prepend" ? 0 : flags,
  exptime,
  value: bytes,
  noreply: false
})

const storingLater = (
  mode: StoreMode,
  key: WireKey,
  encoded: Effect.Effect<Encoded, MemcacheError>,
  exptime: number
): Effect.Effect<Command, MemcacheError> => Effect.map(encoded, (encoded) => storing(mode, key, encoded, exptime))

const itself = (command: Command): Command => command

/** What is refused because of the item alone is an answer; that a server failed, or no item could be made, is none. */
const isFailure = (error: MemcacheError): boolean =>
  error.outcome !== "rejected" && error.reason._tag !== "ValueTooLargeError"

const refusedKeys = <K>(batch: Batch.Batch<K, Command, boolean>): Effect.Effect<Array<K>, MemcacheError> => {
  const keys: Array<K> = []
  for (const [key, outcome] of batch.outcomes()) {
    if (isMemcacheError(outcome) && isFailure(outcome)) return Effect.fail(outcome)
    if (outcome !== true) keys.push(key)
  }
  return Effect.succeed(keys)
}

const summary = <K>(batch: Batch.Batch<K, Command, boolean>) => {
  const notStored: Array<K> = []
  const failed = new Map<K, MemcacheError>()
  for (const [key, outcome] of batch.outcomes()) {
    if (isMemcacheError(outcome)) failed.set(key, outcome)
    else if (!outcome) notStored.push(key)
  }
  return { notStored, failed }
}

const readOutcome = (answer: Answer, server: string): boolean | MemcacheError => {
  switch (answer.reply._tag) {
    case "Stored":
    case "Header":
      return true
    case "NotStored":
    // mcrouter answers a replace, an append or a prepend without an item so.
    case "NotFound":
    case "Exists":
      return false
    default:
      return refusal(answer, server)
  }
}

const readStored = (answer: Answer, server: string): Effect.Effect<boolean, MemcacheError> => {
  const outcome = readOutcome(answer, server)
  if (outcome === true) return STORED
  return isMemcacheError(outcome) ? Effect.fail(outcome) : Effect.succeed(outcome)
}

const STORED = Effect.succeed(true)

/**
 * What a compare-and-swap, or an add that takes its place, has come to.
 *
 * @category decoding
 * @since 0.1.0
 */
export const readSwap = (answer: Answer, server: string): Effect.Effect<Swap, MemcacheError> => {
  switch (answer.reply._tag) {
    case "Stored":
    case "Header":
      return Effect.succeed("stored")
    case "Exists":
    case "NotStored":
      return Effect.succeed("exists")
    case "NotFound":
      return Effect.succeed("notFound")
    default:
      return Effect.fail(refusal(answer, server))
  }
}
