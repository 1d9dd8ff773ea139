/**
 * A network of two, for faults that only a network has: packets that vanish, a cable that is out, a slow line.
 *
 * Two network namespaces of its own, one for the server and one for the client, joined by a cable that nothing else uses:
 * the machine's own network is not touched. It takes Linux, root, and the programs of Debian's `iproute2` and `iptables`;
 * `unavailable` says what is missing. A process lives in one namespace, so the client under test is a child process:
 *
 * ```ts
 * it.live.skipIf(NetworkNamespace.unavailable() !== undefined)("survives a cable that is out", () =>
 *   Effect.gen(function*() {
 *     const network = yield* NetworkNamespace.make()
 *     const server = yield* RealMemcached.make({ side: network.server })
 *     const child = yield* network.client.spawn(process.execPath, ["client.ts", server.address])
 *     yield* network.set([{ _tag: "Unplugged" }])
 *     yield* Effect.sleep("3 seconds")
 *     yield* network.clear
 *   }))
 * ```
 *
 * Whatever was made is gone when the scope closes, and also when this process is killed.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { ChildProcess, SpawnOptions } from "node:child_process"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { DEVICE, environment, execute, launcher, NamespacePair, uniqueName } from "./internal/NamespacePair.ts"
import type { Direction } from "./Toxic.ts"

/**
 * Packets to (`up`) or from (`down`) the server's port, or any, vanish. Nobody is told.
 *
 * @category models
 * @since 0.1.0
 */
export interface Drop {
  readonly _tag: "Drop"
  readonly direction: Direction
  readonly port?: number | undefined
}

/**
 * Some packets vanish, each with this probability, above 0 and up to 1.
 *
 * @category models
 * @since 0.1.0
 */
export interface Loss {
  readonly _tag: "Loss"
  readonly direction: Direction
  readonly probability: number
}

/**
 * The line carries no more than this, at least 1000.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rate {
  readonly _tag: "Rate"
  readonly direction: Direction
  readonly bytesPerSecond: number
}

/**
 * The cable is out, at the server's end.
 *
 * @category models
 * @since 0.1.0
 */
export interface Unplugged {
  readonly _tag: "Unplugged"
}

/**
 * What is wrong with the network. Of two rates in one direction the later one counts; drops and losses add up.
 *
 * @category models
 * @since 0.1.0
 */
export type NetworkFault = Drop | Loss | Rate | Unplugged

/**
 * There can be no namespaces here.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnavailableError extends Schema.TaggedError<UnavailableError>(
  "@effect-memcache/testing/NamespaceUnavailableError"
)("NamespaceUnavailableError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

/**
 * A program that makes or changes the network did not do it.
 *
 * @category errors
 * @since 0.1.0
 */
export class NetworkError
  extends Schema.TaggedError<NetworkError>("@effect-memcache/testing/NetworkError")("NetworkError", {
    cause: Schema.Defect()
  })
{
  override get message(): string {
    return `The network was not changed: ${this.cause instanceof Error ? this.cause.message : String(this.cause)}`
  }
}

/**
 * What a program has said.
 *
 * @category models
 * @since 0.1.0
 */
export interface Output {
  /** The exit code; `null` after a signal. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * One end of the cable.
 *
 * @category models
 * @since 0.1.0
 */
export interface Side {
  /** Its address, which only the two ends know. */
  readonly host: string
  /** What stands before a command so that it runs here. */
  readonly launcher: ReadonlyArray<string>
  /** Starts a program here; it is killed with the scope. With `stdio` and "ipc" as for `child_process.spawn`. */
  readonly spawn: (
    program: string,
    args: ReadonlyArray<string>,
    options?: SpawnOptions
  ) => Effect.Effect<ChildProcess, NetworkError, Scope.Scope>
  /** Runs a program here to its end; it is killed if that is interrupted. */
  readonly run: (program: string, args: ReadonlyArray<string>) => Effect.Effect<Output, NetworkError>
}

/**
 * Two ends and what lies between them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  readonly client: Side
  readonly server: Side
  /** Lets exactly this be wrong, for the connections that exist too. Takes some ten milliseconds. */
  readonly set: (faults: ReadonlyArray<NetworkFault>) => Effect.Effect<void, NetworkError>
  /** Lets nothing be wrong. */
  readonly clear: Effect.Effect<void, NetworkError>
  /**
   * Takes the client's connections to this port away from it: its process sees ECONNABORTED. Answers how many there were,
   * which is 0 where the kernel cannot do that (`CONFIG_INET_DIAG_DESTROY`).
   */
  readonly abort: (port: number) => Effect.Effect<number, NetworkError>
}

// For documentation (RFC 5737): nobody else has them.
const ADDRESS = { client: "192.0.2.1", server: "192.0.2.2" }

const PROGRAMS = ["ip", "tc", "ss", "iptables-restore", "nsenter"]

let answer: { readonly reason: string | undefined } | undefined

/**
 * Why there can be no namespaces here, in a sentence; `undefined` if there can. Tries it, once.
 *
 * @category guards
 * @since 0.1.0
 */
export const unavailable = (): string | undefined => {
  answer ??= { reason: findObstacle() }
  return answer.reason
}

const findObstacle = (): string | undefined => {
  if (process.platform !== "linux") return "Network namespaces exist on Linux only."
  if (process.getuid?.() !== 0) return "Network namespaces can be made by root only."
  const run = (command: ReadonlyArray<string>, input = ""): string | undefined => {
    const { error, status, stderr } = spawnSync(command[0], command.slice(1), {
      env: environment(),
      input,
      encoding: "utf8"
    })
    return status === 0 ? undefined : `${command.join(" ")}: ${error?.message ?? stderr.trim()}`
  }
  const missing = PROGRAMS.filter((program) => run(["sh", "-c", `command -v ${program}`]) !== undefined)
  if (missing.length > 0) {
    return `Network namespaces need ${missing.join(", ")} (Debian: apt-get install iproute2 iptables util-linux).`
  }
  const name = `${uniqueName()}-trial`
  const enter = launcher(name)
  const fault = run(["ip", "netns", "add", name]) ?? run(["ip", "-n", name, "link", "set", "lo", "up"]) ??
    run([...enter, "iptables-restore"], rules(loss({ probability: 0.5 }, "INPUT"))) ??
    run([...enter, "tc", ...rate("lo", 1000)])
  run(["ip", "netns", "del", name])
  return fault === undefined ? undefined : `This machine does not let root make a network of its own: ${fault}`
}

const rules = (lines: string): string => `*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${lines}COMMIT\n`

const loss = ({ probability }: { readonly probability: number }, chain: "INPUT" | "OUTPUT"): string =>
  `-A ${chain} -m statistic --mode random --probability ${probability.toFixed(6)} -j DROP\n`

// The burst is three packets, or what passes in ten milliseconds. What has waited for 400 ms is dropped, as a router does.
const rate = (device: string, bytesPerSecond: number): ReadonlyArray<string> => {
  const burst = Math.max(4500, Math.ceil(bytesPerSecond / 100))
  const limits = ["rate", `${Math.round(bytesPerSecond * 8)}bit`, "burst", `${burst}b`, "latency", "400ms"]
  return ["qdisc", "replace", "dev", device, "root", "tbf", ...limits]
}

/** What one end does to packets: which it does not take in, and how fast it sends. */
interface End {
  readonly incoming: string
  readonly bytesPerSecond: number | undefined
}

const UNLIMITED: End = { incoming: "", bytesPerSecond: undefined }

/** The end that takes in what goes in this direction refuses it; the other one sends slowly. */
const ends = (faults: ReadonlyArray<NetworkFault>): { readonly client: End; readonly server: End } => {
  const client = { ...UNLIMITED }
  const server = { ...UNLIMITED }
  for (const fault of faults) {
    if (fault._tag === "Unplugged") continue
    for (const direction of fault.direction === "both" ? ["up", "down"] as const : [fault.direction]) {
      const [sender, receiver] = direction === "up" ? [client, server] : [server, client]
      switch (fault._tag) {
        case "Drop": {
          const port = fault.port === undefined
            ? ""
            : `-p tcp --${direction === "up" ? "dport" : "sport"} ${between(fault.port, 1, 65_535)} `
          receiver.incoming += `-A INPUT ${port}-j DROP\n`
          break
        }
        case "Loss":
          between(fault.probability, Number.MIN_VALUE, 1)
          receiver.incoming += loss(fault, "INPUT")
          break
        case "Rate":
          sender.bytesPerSecond = between(fault.bytesPerSecond, 1000, Number.MAX_SAFE_INTEGER)
          break
      }
    }
  }
  return { client, server }
}

const between = (n: number, min: number, max: number): number => {
  if (!(n >= min && n <= max)) throw new RangeError(`${n} is not from ${min} to ${max}`)
  return n
}

const attempt = <A>(run: () => Promise<A>): Effect.Effect<A, NetworkError> =>
  Effect.tryPromise({ try: run, catch: (cause) => new NetworkError({ cause }) })

const makeSide = (name: string, host: string): Side => {
  const start = launcher(name)
  const kill = async (child: ChildProcess): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, "exit")
    child.kill("SIGKILL")
    await gone
  }
  const begin: Side["spawn"] = (program, args, options = {}) =>
    Effect.acquireRelease(
      attempt(async () => {
        const [enter, ...rest] = [...start, program, ...args]
        const child = spawn(enter, rest, { env: environment(), ...options })
        await once(child, "spawn")
        return child
      }),
      (child) => Effect.promise(() => kill(child))
    )
  return {
    host,
    launcher: start,
    spawn: begin,
    run: (program, args) =>
      Effect.scoped(Effect.flatMap(begin(program, args, { stdio: ["ignore", "pipe", "pipe"] }), (child) => {
        let stdout = ""
        let stderr = ""
        child.stdout?.setEncoding("utf8").on("data", (text: string) => stdout += text)
        child.stderr?.setEncoding("utf8").on("data", (text: string) => stderr += text)
        return attempt(async () => {
          const [code]: ReadonlyArray<number | null> = await once(child, "close")
          return { code: code ?? null, stdout, stderr }
        })
      }))
  }
}

/**
 * Makes a network of two; it is gone with the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(
  function*(): Effect.fn.Return<Service, UnavailableError | NetworkError, Scope.Scope> {
    const reason = unavailable()
    if (reason !== undefined) return yield* new UnavailableError({ reason })
    const pair = yield* Effect.acquireRelease(
      Effect.sync(() => new NamespacePair()),
      (pair) => Effect.promise(() => pair.remove())
    )
    yield* attempt(() => pair.make(ADDRESS))

    const now = { client: UNLIMITED, server: UNLIMITED, isUnplugged: false }
    const changeEnd = async (side: "client" | "server", next: End): Promise<void> => {
      const enter = launcher(pair[side])
      const { bytesPerSecond, incoming } = now[side]
      now[side] = next
      if (next.incoming !== incoming) await execute([...enter, "iptables-restore"], rules(next.incoming))
      if (next.bytesPerSecond === bytesPerSecond) return
      const change = next.bytesPerSecond === undefined
        ? ["qdisc", "del", "dev", DEVICE, "root"]
        : rate(DEVICE, next.bytesPerSecond)
      await execute([...enter, "tc", ...change])
    }
    const plug = async (isUnplugged: boolean): Promise<void> => {
      if (isUnplugged === now.isUnplugged) return
      now.isUnplugged = isUnplugged
      await execute(["ip", "-n", pair.server, "link", "set", DEVICE, isUnplugged ? "down" : "up"])
    }
    const set = (faults: ReadonlyArray<NetworkFault>): Effect.Effect<void, NetworkError> =>
      Effect.suspend(() => {
        const next = ends(faults)
        const isUnplugged = faults.some(({ _tag }) => _tag === "Unplugged")
        return Effect.asVoid(attempt(() =>
          Promise.all([changeEnd("client", next.client), changeEnd("server", next.server), plug(isUnplugged)])
        ))
      })
    return {
      client: makeSide(pair.client, ADDRESS.client),
      server: makeSide(pair.server, ADDRESS.server),
      set,
      clear: set([]),
      abort: (port) =>
        attempt(async () => {
          const filter = ["dst", ADDRESS.server, "dport", "=", String(port)]
          const rows = await execute([...launcher(pair.client), "ss", "-KHtn", ...filter])
          return rows.split("\n").filter((row) => row !== "").length
        })
    }
  }
)
