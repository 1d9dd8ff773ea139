/**
 * What memcached can answer, as plain values, one for each reply line (and the value that follows it).
 *
 * Both dialects share the union: `NOT_FOUND` and `NF` are the same answer. Replies of the meta dialect carry the fields
 * that were asked for; fields that were not are `undefined`.
 *
 * @since 0.1.0
 */
import type { Key } from "./Key.ts"
import * as LargeBlock from "./LargeBlock.ts"

/**
 * What a meta reply says beside its code. `opaque` is -1 when the reply carries none.
 *
 * @category models
 * @since 0.1.0
 */
export interface MetaFields {
  opaque: number
  key: Key | undefined
  /** The echoed key is base64, because the item was stored with `b`. */
  isBase64: boolean
  /** Client flags; 0 when not asked for. */
  flags: number
  cas: bigint | undefined
  /** Size of the value in bytes. */
  size: number | undefined
  /** Seconds until the item expires, -1 for never. */
  ttl: number | undefined
  /** Seconds since the last access before this one. */
  lastAccess: number | undefined
  /** Whether the item was read before this access. */
  isHitBefore: boolean | undefined
  /** `W`: this caller has won the right to store a fresh value. */
  isWin: boolean
  /** `X`: the item was marked stale. */
  isStale: boolean
  /** `Z`: another caller has already won. */
  isWinSent: boolean
}

/**
 * A value: `VALUE` of the text dialect (whose key is always echoed and whose opaque is -1) or `VA`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Value extends MetaFields {
  readonly _tag: "Value"
  /** `VALUE` rather than `VA`. */
  readonly isText: boolean
  /** How many bytes of value the line announces. */
  length: number
  /** May be a view of the chunk it was received in: copy what has to outlive the reply. */
  value: Uint8Array
}

/**
 * The codes of the meta dialect that carry fields but no value: `HD`, `EN`, `NS`, `EX`, `NF`, and with the same
 * meaning `END`, `NOT_STORED`, `EXISTS` and `NOT_FOUND` of the text dialect.
 *
 * @category models
 * @since 0.1.0
 */
export interface Status extends MetaFields {
  readonly _tag: "Header" | "End" | "NotStored" | "Exists" | "NotFound"
  /** The word of the text dialect rather than the meta code. */
  readonly isText: boolean
}

/**
 * The replies that are one fixed word: `STORED`, `DELETED`, `TOUCHED`, `OK`, `RESET`, `MN`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Word {
  readonly _tag: "Stored" | "Deleted" | "Touched" | "Ok" | "Reset" | "Noop"
}

/**
 * The new number after `incr` or `decr` in the text dialect.
 *
 * @category models
 * @since 0.1.0
 */
export interface Counter {
  readonly _tag: "Counter"
  readonly value: bigint
}

/**
 * `VERSION …`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Version {
  readonly _tag: "Version"
  readonly version: string
}

/**
 * One line of a statistics report: `STAT name value`, `ITEM key [..]` of cachedump, `PREFIX name ..` of detail dump.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stat {
  readonly _tag: "Stat"
  readonly name: string
  readonly value: string
}

/**
 * `ME key …`, the rest of the line as it came.
 *
 * @category models
 * @since 0.1.0
 */
export interface Debug {
  readonly _tag: "Debug"
  readonly key: Key
  readonly text: string
}

/**
 * An error line. It carries neither key nor opaque, so it can only answer the oldest request.
 *
 * @category models
 * @since 0.1.0
 */
export interface ErrorReply {
  readonly _tag: "Error" | "ClientError" | "ServerError"
  /** What follows the first word, possibly nothing. */
  readonly message: string
}

/**
 * Bytes that are no reply. The stream cannot be trusted from here on.
 *
 * @category models
 * @since 0.1.0
 */
export interface Malformed {
  readonly _tag: "Malformed"
  readonly reason: string
}

/**
 * Every reply of both dialects.
 *
 * @category models
 * @since 0.1.0
 */
export type Reply = Value | Status | Word | Counter | Version | Stat | Debug | ErrorReply | Malformed

const EMPTY = new Uint8Array(0)

/**
 * Says that nobody looks at the bytes of a value any more, so that the memory of a large one can be used again. Whoever
 * does look at a view of them reads the next large value.
 *
 * @category combinators
 * @since 0.1.0
 */
export const release = (reply: Value): void => {
  if (reply.length + 2 < LargeBlock.LARGE) return
  const { value } = reply
  reply.value = EMPTY
  LargeBlock.giveBack(value)
}

/**
 * A `VALUE` or `VA` reply with no fields and an empty value; a decoder fills in what the line says.
 *
 * @category constructors
 * @since 0.1.0
 */
export const value = (isText: boolean): Value => ({
  _tag: "Value",
  isText,
  length: 0,
  value: EMPTY,
  opaque: -1,
  key: undefined,
  isBase64: false,
  flags: 0,
  cas: undefined,
  size: undefined,
  ttl: undefined,
  lastAccess: undefined,
  isHitBefore: undefined,
  isWin: false,
  isStale: false,
  isWinSent: false
})

/**
 * A reply without a value and with no fields yet.
 *
 * @category constructors
 * @since 0.1.0
 */
export const status = (_tag: Status["_tag"], isText: boolean): Status => ({
  _tag,
  isText,
  opaque: -1,
  key: undefined,
  isBase64: false,
  flags: 0,
  cas: undefined,
  size: undefined,
  ttl: undefined,
  lastAccess: undefined,
  isHitBefore: undefined,
  isWin: false,
  isStale: false,
  isWinSent: false
})

/**
 * Bytes that are no reply, and why.
 *
 * @category constructors
 * @since 0.1.0
 */
export const malformed = (reason: string): Malformed => ({ _tag: "Malformed", reason })

/**
 * Whether the reply is an error line.
 *
 * @category guards
 * @since 0.1.0
 */
export const isErrorReply = (reply: Reply): reply is ErrorReply =>
  reply._tag === "Error" || reply._tag === "ClientError" || reply._tag === "ServerError"
