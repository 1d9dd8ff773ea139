/**
 * A write that may not have happened: what an application is told of it, so that it can invalidate the item later.
 *
 * @since 0.1.0
 */
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import type * as Option from "effect/Option"
import type { HashInput, Key, KeyInput } from "./Key.ts"

/**
 * The commands whose failures are told, in memcached's own words: whatever stores, counts, removes, or sets a time to
 * live. `getAndTouch` is a read and `flushAll` has no key.
 *
 * @category models
 * @since 0.1.0
 */
export type WriteCommand =
  | "set"
  | "add"
  | "replace"
  | "append"
  | "prepend"
  | "cas"
  | "incr"
  | "decr"
  | "delete"
  | "touch"

/**
 * One key of a write that failed.
 *
 * @category models
 * @since 0.1.0
 */
export interface WriteFailure {
  /** The caller's own key object, without any prefix. */
  readonly key: KeyInput
  /**
   * The same item for a later command, whatever prefixes it has: a checked `Key`, with the hash if the key has one. This
   * is what to pass to `delete`.
   */
  readonly itemKey: Key | readonly [hash: HashInput, key: Key]
  readonly command: WriteCommand
  /** `"not-sent"`: nothing happened; `"unknown"`: it may have; `"rejected"`: a proxy could not reach its server. */
  readonly outcome: MemcacheError["outcome"]
  /** What the caller got; none if the caller was interrupted, for example by `Effect.timeout`. */
  readonly error: Option.Option<MemcacheError>
}

/**
 * Whether a write that failed so must be told: it may have happened, or it reached no server that could carry it out.
 * That it was refused for what it is, by the server or before it was sent, is the caller's matter alone.
 *
 * @category guards
 * @since 0.1.0
 */
export const isWriteFailure = (error: MemcacheError): boolean => {
  if (error.outcome === "unknown") return true
  switch (error.reason._tag) {
    case "ConnectError":
    case "ConnectionLostError":
    case "TimeoutError":
    case "OverloadedError":
    case "NoServerError":
    case "ServerDeadError":
    case "ServerError":
    case "ProtocolError":
    case "AuthenticationError":
    case "TlsError":
      return true
    case "ValueTooLargeError":
    case "OutOfMemoryError":
    case "NotNumberError":
    case "UnsupportedError":
    case "ClientError":
    case "EncodeError":
    case "DecodeError":
      return false
  }
}
