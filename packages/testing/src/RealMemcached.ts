/**
 * The memcached that is installed on this machine, started on a free port and gone with its scope.
 *
 * Before anybody uses it, it is checked that the process which was started is the one that listens there. Signals go to
 * that process alone.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { execFile } from "node:child_process"
import { access, constants, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { promisify } from "node:util"
import { MemcachedProcess } from "./MemcachedProcess.ts"
import type { Side } from "./NetworkNamespace.ts"
import type { User } from "./TextAuthentication.ts"

/**
 * How the server is started.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** Name or path of the program (default: `memcached`, found on PATH). */
  readonly binary?: string | undefined
  /** Listens on a unix socket in a temporary folder instead of a port. */
  readonly unix?: boolean | undefined
  /** Files of a certificate and its key: speaks TLS only (`-Z`). */
  readonly tls?: { readonly certFile: string; readonly keyFile: string } | undefined
  /** Who may come in by text authentication (`-Y`); everybody if left out. */
  readonly users?: ReadonlyArray<User> | undefined
  /** Largest item, as `-I` takes it: `2m`. */
  readonly maxItemSize?: string | undefined
  /** Memory for items in megabytes (`-m`; default 64). */
  readonly memoryLimit?: number | undefined
  /** The end of a `NetworkNamespace` that it runs at, instead of on 127.0.0.1. */
  readonly side?: Side | undefined
  /** Further options as they stand on the command line. */
  readonly args?: ReadonlyArray<string> | undefined
}

/**
 * There is no memcached on this machine.
 *
 * @category errors
 * @since 0.1.0
 */
export class MemcachedMissingError extends Schema.TaggedError<MemcachedMissingError>(
  "@effect-memcache/testing/MemcachedMissingError"
)("MemcachedMissingError", { binary: Schema.String }) {
  override get message(): string {
    return `There is no program "${this.binary}" to start. Install memcached (Debian: apt-get install memcached, ` +
      "macOS: brew install memcached) or name its path in the option binary."
  }
}

/**
 * memcached is there and did not start.
 *
 * @category errors
 * @since 0.1.0
 */
export class MemcachedStartError extends Schema.TaggedError<MemcachedStartError>(
  "@effect-memcache/testing/MemcachedStartError"
)("MemcachedStartError", { cause: Schema.Defect() }) {
  override get message(): string {
    return `memcached did not start: ${this.cause instanceof Error ? this.cause.message : String(this.cause)}`
  }
}

/**
 * A running memcached.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  readonly host: string
  /** 0 with a unix socket. */
  readonly port: number
  /** The unix socket, if it listens on one. */
  readonly path: string | undefined
  /** `127.0.0.1:11211`, or `unix:/path`, as a list of servers takes it. */
  readonly address: string
  /** `1.6.18`. */
  readonly version: string
  /** The process; another one after a restart. */
  readonly pid: number
  /** Ends it without a chance to say goodbye (SIGKILL). */
  readonly kill: Effect.Effect<void>
  /** Lets it hang, every thread of it: connections stay open, nothing is answered (SIGSTOP). */
  readonly stop: Effect.Effect<void>
  /** Lets it go on after `stop` (SIGCONT). */
  readonly resume: Effect.Effect<void>
  /** Ends it if it runs, and starts another one on the same port, empty. */
  readonly restart: Effect.Effect<void, MemcachedStartError>
}

/**
 * Where the program is, or a failure that says how to install it.
 *
 * @category accessors
 * @since 0.1.0
 */
export const find = (binary = "memcached"): Effect.Effect<string, MemcachedMissingError> =>
  Effect.tryPromise({
    try: async () => {
      if (binary.includes("/")) return access(binary, constants.X_OK).then(() => binary)
      const candidates = (process.env["PATH"] ?? "").split(delimiter).map((directory) => join(directory, binary))
      return Promise.any(candidates.map((file) => access(file, constants.X_OK).then(() => file)))
    },
    catch: () => new MemcachedMissingError({ binary })
  })

const readVersion = (file: string): Effect.Effect<string, MemcachedStartError> =>
  Effect.tryPromise({
    try: async () => {
      const { stdout } = await promisify(execFile)(file, ["-V"])
      return stdout.trim().split(" ").at(-1) ?? ""
    },
    catch: (cause) => new MemcachedStartError({ cause })
  })

const directory = Effect.acquireRelease(
  Effect.tryPromise({
    try: () => mkdtemp(join(tmpdir(), "memcached-")),
    catch: (cause) => new MemcachedStartError({ cause })
  }),
  (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
)

const writeUsers = (file: string, users: ReadonlyArray<User>): Effect.Effect<void, MemcachedStartError> =>
  Effect.tryPromise({
    try: () => writeFile(file, users.map(({ password, username }) => `${username}:${password}\n`).join("")),
    catch: (cause) => new MemcachedStartError({ cause })
  })

/**
 * Starts memcached; it ends with the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  options: Options = {}
): Effect.fn.Return<Service, MemcachedMissingError | MemcachedStartError, Scope.Scope> {
  const binary = yield* find(options.binary)
  const version = yield* readVersion(binary)
  const { maxItemSize, memoryLimit, tls, users } = options
  const folder = options.unix === true || users !== undefined ? yield* directory : ""
  const args: Array<string> = []
  if (maxItemSize !== undefined) args.push("-I", maxItemSize)
  if (memoryLimit !== undefined) args.push("-m", String(memoryLimit))
  if (tls !== undefined) args.push("-Z", "-o", `ssl_chain_cert=${tls.certFile},ssl_key=${tls.keyFile}`)
  if (users !== undefined) {
    yield* writeUsers(join(folder, "users"), users)
    args.push("-Y", join(folder, "users"))
  }
  const server = new MemcachedProcess({
    binary,
    args: [...args, ...options.args ?? []],
    path: options.unix === true ? join(folder, "memcached.sock") : undefined,
    isEncrypted: tls !== undefined,
    user: users?.[0],
    side: options.side
  })
  const start = Effect.tryPromise({
    try: () => server.start(),
    catch: (cause) => new MemcachedStartError({ cause })
  })
  const kill = Effect.promise(() => server.kill())
  yield* Effect.acquireRelease(start, () => kill)
  return {
    host: server.host,
    port: server.port,
    path: server.path,
    address: server.path === undefined ? `${server.host}:${server.port}` : `unix:${server.path}`,
    version,
    get pid() {
      return server.pid
    },
    kill,
    stop: Effect.promise(() => server.hang()),
    resume: Effect.sync(() => server.signal("SIGCONT")),
    restart: Effect.andThen(kill, start)
  }
})

/**
 * The service of an installed memcached.
 *
 * @category services
 * @since 0.1.0
 */
export class RealMemcached extends Context.Service<RealMemcached, Service>()(
  "@effect-memcache/testing/RealMemcached"
) {
  /** Starts memcached; it ends with the scope. */
  static readonly make = make

  /** A memcached that lives as long as the layer. */
  static readonly layer = (
    options?: Options
  ): Layer.Layer<RealMemcached, MemcachedMissingError | MemcachedStartError> => layer(options)
}

/**
 * A memcached that lives as long as the layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options?: Options
): Layer.Layer<RealMemcached, MemcachedMissingError | MemcachedStartError> => Layer.effect(RealMemcached, make(options))
