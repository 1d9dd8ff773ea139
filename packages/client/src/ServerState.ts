/**
 * What can be seen of the servers from outside: a snapshot of each, and the changes as they happen.
 *
 * @since 0.1.0
 */
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import type * as DateTime from "effect/DateTime"
import type * as Option from "effect/Option"

/**
 * "idle": not connected, because nothing has asked for it. "dead": probed until it answers; its commands do what
 * `deadHost.policy` says.
 *
 * @category models
 * @since 0.1.0
 */
export type ServerStatus = "idle" | "connecting" | "connected" | "dead"

/**
 * One server, as it is at the moment.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServerState {
  /** `host:port`, `[v6]:port` or `unix:/path`, as in errors. */
  readonly server: string
  /** "gutter" for a spare that takes the keys of dead servers. */
  readonly pool: "main" | "gutter"
  readonly weight: number
  readonly status: ServerStatus
  /** Since when the status is what it is. */
  readonly since: DateTime.Utc
  /** Commands that are not settled yet. */
  readonly inFlight: number
  readonly connections: number
  /** What the server says it is; none before the first connection, and through proxies that do not say. */
  readonly version: Option.Option<string>
  readonly dialect: Option.Option<"meta" | "text">
  /** When a dead server is tried again. */
  readonly nextProbe: Option.Option<DateTime.Utc>
  /** Why the server is dead. */
  readonly error: Option.Option<MemcacheError>
}

/**
 * A change of one server's state. `ServerReturned` follows `ServerDead`, and comes before the `ServerConnected` of the
 * probe that was answered. A connection that is replaced by a probe's ends without a `ServerDisconnected`. Of several
 * connections to one server, the first is its `ServerConnected` and the loss of the last its `ServerDisconnected`.
 *
 * @category models
 * @since 0.1.0
 */
export type ServerEvent =
  | { readonly _tag: "ServerConnected"; readonly server: string; readonly at: DateTime.Utc }
  | {
    readonly _tag: "ServerDisconnected"
    readonly server: string
    readonly at: DateTime.Utc
    readonly error: MemcacheError
  }
  | {
    readonly _tag: "ServerDead"
    readonly server: string
    readonly at: DateTime.Utc
    readonly error: MemcacheError
    readonly nextProbe: DateTime.Utc
  }
  | { readonly _tag: "ServerReturned"; readonly server: string; readonly at: DateTime.Utc }
  | { readonly _tag: "ServerAdded" | "ServerRemoved"; readonly server: string; readonly at: DateTime.Utc }
