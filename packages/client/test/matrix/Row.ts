/**
 * What a row of the fault matrix is, and what it is given to say it with: clients whose every operation is checked,
 * servers whose logs are looked at in the end, and `expect` for what the row itself is about.
 */
import type { Memcache, MemcacheOptions } from "@effect-memcache/client"
import type { ArgumentError } from "@effect-memcache/client/ArgumentError"
import type { KeyError } from "@effect-memcache/client/KeyError"
import type { ServerEvent } from "@effect-memcache/client/ServerState"
import type { Checker, Settled } from "@effect-memcache/testing/Checker"
import type * as FaultProxy from "@effect-memcache/testing/FaultProxy"
import type * as FaultServer from "@effect-memcache/testing/FaultServer"
import type * as RealMemcached from "@effect-memcache/testing/RealMemcached"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import type { Transport } from "@effect-memcache/transport/Transport"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Network } from "./Network.ts"

/** Milliseconds, unless a row says otherwise. */
export const DEADLINE = 250
export const CONNECT_TIMEOUT = 200
export const PROBE_INTERVAL = 500
export const SLACK = 50

/** Connections to a server that a client may open. */
export const POOL = 4

/** What no output may contain: rows use this password and no other, and every checked value contains the mark. */
export const PASSWORD = "analytical-engine-1843"
export const MARK = "lovelace-note-g"

/** What an operation of the client may promise to fail with. */
export type Promised = MemcacheError | KeyError | ArgumentError

/** What must be there for a row to be run. */
export type Need = "memcached" | "openssl" | "namespaces"

export interface Row {
  /** As in the matrix; the numbers are stable. */
  readonly number: number
  /** What happens, as a phrase: "a silent server, overlapping operations". */
  readonly title: string
  /** What is expected, in a few words for the table. */
  readonly expected: string
  /** Whether it is part of `npm test`: it takes two seconds at most. */
  readonly quick: boolean
  readonly needs?: Need | undefined
  /** Milliseconds within which every operation must settle; also the clients' `commandTimeout`. Default 250. */
  readonly deadline?: number | undefined
  /** Whether its spans are recorded, and printed, so that they can be searched, too. Default false. */
  readonly traced?: boolean | undefined
  /** MiB that the process may grow by. Default 64. */
  readonly memory?: number | undefined
  /**
   * Connections that all fault servers and proxies together may accept. Default: for each of them and each client the
   * pool, and one more each probe interval.
   */
  readonly connects?: number | undefined
  /** Seconds after which the process is ended, and the row has failed. Default 20. */
  readonly limit?: number | undefined
  readonly run: (row: Run) => Effect.Effect<void, unknown, Scope.Scope>
}

/** What a row has while it runs. */
export interface Run {
  /** Judges a point of the row's own, and shows what was measured in the table. */
  readonly expect: (name: string, isSo: boolean, measured: unknown) => void
  /** Shows a number in the table without judging it. */
  readonly fact: (name: string, measured: unknown) => void
  /** Milliseconds that an operation took, less what the event loop was late after `limit` of them had passed. */
  readonly took: (operation: Settled<unknown, Promised>, limit: number) => number
  /** A client through `Memcache.layer` with the times above, everything it does checked. Ends with the row. */
  readonly client: (
    options: MemcacheOptions,
    transport?: Layer.Layer<Transport>
  ) => Effect.Effect<Client, never, Scope.Scope>
  /** A fault server; in the end its log must show no malformed request, no opaque twice, and few enough connections. */
  readonly faultServer: (
    options?: FaultServer.Options
  ) => Effect.Effect<FaultServer.Service, never, Scope.Scope>
  /** A fault proxy; its traffic must show no malformed request, and all proxies together no opaque twice. */
  readonly faultProxy: (options: FaultProxy.Options) => Effect.Effect<FaultProxy.Service, never, Scope.Scope>
  /** A memcached with one thread. */
  readonly memcached: (options?: RealMemcached.Options) => Effect.Effect<RealMemcached.Service, never, Scope.Scope>
  /** The network and the memcached at its other end, for rows that need namespaces; this process is the client's end. */
  readonly network: () => Network
  /** The checker itself, for values and operations that go other ways. */
  readonly checker: Checker<Promised>
  /** An increment is answered, or doubted, by itself; this judges what the server holds in the end. */
  readonly counted: (key: string, stored: number, options?: { readonly mayBeLost?: boolean | undefined }) => void
}

export interface Client {
  /** The client itself; what is done with it is not checked. */
  readonly cache: Memcache["Service"]
  readonly checked: Checked
  /** What the client said of its servers, and when it was heard, by `performance.now()`. */
  readonly events: ReadonlyArray<ServerEvent & { readonly heard: number }>
  /** Closes the client before the row ends. */
  readonly close: Effect.Effect<void>
}

/** Operations that never fail: how they ended is in what they answer, and in the ledger. Values are made and judged. */
export interface Checked {
  /** `"hit"`, `"absent"`, `"stale"`, `"wrong"`. */
  readonly get: (key: string) => Effect.Effect<Settled<unknown, Promised>>
  readonly getMany: (keys: ReadonlyArray<string>) => Effect.Effect<Settled<ReadonlyMap<string, unknown>, Promised>>
  /** `"stored"`, `"not stored"`; the value has about `size` characters, 100 by default. */
  readonly set: (key: string, size?: number) => Effect.Effect<Settled<boolean, Promised>>
  readonly add: (key: string, size?: number) => Effect.Effect<Settled<boolean, Promised>>
  /** `"deleted"`, `"absent"`. */
  readonly delete: (key: string) => Effect.Effect<Settled<boolean, Promised>>
  /** Adds one, from 1 on: `"counted"`. */
  readonly increment: (key: string) => Effect.Effect<Settled<bigint | undefined, Promised>>
  /** Anything else: `"ok"`, or the word that is made of its answer. */
  readonly operation: <A, E>(
    effect: Effect.Effect<A, E>,
    word?: (value: A) => string
  ) => Effect.Effect<Settled<A, Promised>>
}
