/**
 * A server that the behaviour suite runs against, with a raw socket beside the client: what the client promises about
 * the wire is read from the wire, by code that knows nothing of the client.
 */
import { Memcache } from "@effect-memcache/client"
import type { MemcacheOptions } from "@effect-memcache/client/MemcacheOptions"
import { Certificates, EmbeddedMemcached, RealMemcached } from "@effect-memcache/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { execFileSync } from "node:child_process"
import { once } from "node:events"
import * as Net from "node:net"
import * as Tls from "node:tls"

export interface Options {
  readonly protocol: "auto" | "meta" | "text"
  /** What stands between the client and the server. */
  readonly through?: "tcp" | "unix" | "tls" | "authentication" | undefined
}

export class Target extends Context.Service<Target, {
  /** What a client needs to reach the server. */
  readonly options: MemcacheOptions
  readonly isEmbedded: boolean
  /** Sends byte strings beside the client, and answers everything up to the server's word that there is no more. */
  readonly raw: (...requests: ReadonlyArray<string>) => Effect.Effect<string>
}>()("test/Target") {
  /** One number of the server's general statistics. */
  static readonly stat = (name: string): Effect.Effect<number, never, Target> =>
    Effect.gen(function*() {
      const { raw } = yield* Target
      const line = new RegExp(`^STAT ${name} (\\d+)\r$`, "m").exec(yield* raw("stats\r\n"))
      return Number(line?.[1])
    })

  /** How many bytes the server has read from others since `bytes_read` was asked for. */
  static readonly bytesSince = (before: number): Effect.Effect<number, never, Target> =>
    Effect.map(Target.stat("bytes_read"), (after) => after - before - "stats\r\nmn\r\n".length)

  /** A client of its own, cold, beside the one that the suite uses. */
  static readonly freshClient = (
    options?: MemcacheOptions
  ): Effect.Effect<Memcache["Service"], never, Target | Scope.Scope> =>
    Effect.gen(function*() {
      const target = yield* Target
      const layer = Layer.fresh(Memcache.layer({ ...target.options, ...options }))
      return Context.get(yield* Effect.orDie(Layer.build(layer)), Memcache)
    })

  /** A raw socket to a server that asks nobody who they are. */
  static readonly rawTo = (address: string): Effect.Effect<Target["Service"]["raw"], never, Scope.Scope> =>
    connect(address, { certificates: undefined, user: undefined })

  static readonly embedded = (options: Options): Layer.Layer<Target | Memcache> =>
    layer(options, true, ({ certificates, user }) =>
      EmbeddedMemcached.make({
        ...certificates === undefined ? {} : { tls: { cert: certificates.cert, key: certificates.key } },
        ...user === undefined ? {} : { users: [user] },
        ...options.through === "unix" ? { path: `/tmp/effect-memcache-${process.pid}-${++sockets}.sock` } : {}
      }))

  static readonly real = (options: Options): Layer.Layer<Target | Memcache> =>
    layer(options, false, ({ certificates, user }) =>
      RealMemcached.make({
        unix: options.through === "unix",
        tls: certificates,
        users: user === undefined ? undefined : [user]
      }))
}

let sockets = 0

interface Needs {
  readonly certificates: Certificates.Certificates | undefined
  readonly user: { readonly username: string; readonly password: string } | undefined
}

const user = { username: "ada", password: "analytical-engine" }

const layer = <E>(
  options: Options,
  isEmbedded: boolean,
  start: (needs: Needs) => Effect.Effect<{ readonly address: string }, E, Scope.Scope>
): Layer.Layer<Target | Memcache> => {
  const target = Effect.gen(function*() {
    const certificates = options.through === "tls" ? yield* Certificates.make : undefined
    const needs: Needs = { certificates, user: options.through === "authentication" ? user : undefined }
    const { address } = yield* start(needs)
    const client: MemcacheOptions = {
      servers: [address],
      protocol: options.protocol,
      // A busy machine must not fail a test; those about time say their own.
      commandTimeout: "10 seconds",
      connectTimeout: "10 seconds",
      ...certificates === undefined ? {} : { tls: { ca: certificates.ca } },
      ...needs.user === undefined
        ? {}
        : { auth: { username: user.username, password: Redacted.make(user.password) } }
    }
    return Target.of({ options: client, isEmbedded, raw: yield* connect(address, needs) })
  })
  const client = Layer.unwrap(Effect.map(Target, ({ options }) => Memcache.layer(options)))
  return Layer.orDie(Layer.provideMerge(client, Layer.effect(Target, target)))
}

const connect = Effect.fnUntraced(function*(address: string, { certificates, user }: Needs) {
  const path = address.startsWith("unix:") ? address.slice("unix:".length) : undefined
  const [host, port] = address.split(":")
  const socket = yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const socket = path !== undefined
        ? Net.connect({ path })
        : certificates === undefined
        ? Net.connect({ host, port: Number(port) })
        : Tls.connect({ host, port: Number(port), ca: certificates.ca })
      await once(socket, certificates === undefined ? "connect" : "secureConnect")
      return socket
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )
  let received = ""
  socket.on("data", (chunk: Buffer) => received += chunk.toString("latin1"))
  const exchange = (request: string, end: string) =>
    Effect.promise(async () => {
      received = ""
      const bytes = Buffer.from(request, "latin1")
      // memcached over TLS does not see what lies behind a large value in the same record, before more comes.
      if (bytes.length > 16_384) await new Promise((resolve) => socket.write(bytes.subarray(0, -1), resolve))
      socket.write(bytes.length > 16_384 ? bytes.subarray(-1) : bytes)
      while (!received.endsWith(end)) await once(socket, "data")
      return received.slice(0, -end.length)
    })
  if (user !== undefined) {
    const token = `${user.username} ${user.password}`
    yield* exchange(`set auth 0 0 ${token.length}\r\n${token}\r\n`, "STORED\r\n")
  }
  return (...requests: ReadonlyArray<string>) => exchange(`${requests.join("")}mn\r\n`, "MN\r\n")
})

/** Why there can be no test with a real memcached here; under CI there is no reason good enough. */
export const reasonForNoRealMemcached = (): string | undefined => {
  if (!["", "false", undefined].includes(process.env["CI"])) return undefined
  try {
    execFileSync("memcached", ["-V"])
    return undefined
  } catch {
    return "memcached is not installed (Debian: apt-get install memcached), so nothing is tested against a real one."
  }
}
