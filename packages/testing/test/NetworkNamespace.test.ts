/**
 * Every fault of the network, as a process at one end of it sees it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { execFile, fork } from "node:child_process"
import { once } from "node:events"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { promisify } from "node:util"
import * as NetworkNamespace from "../src/NetworkNamespace.ts"
import { RealMemcached } from "../src/RealMemcached.ts"
import { isMissing } from "./Installed.ts"

const reason = NetworkNamespace.unavailable()
if (reason !== undefined) process.stderr.write(`The tests with network namespaces are skipped. ${reason}\n`)

interface Message {
  readonly event: "connect" | "data" | "error" | "close"
  readonly text: string
}

const TYPESCRIPT = ["--conditions=@effect-memcache/source", "--disable-warning=ExperimentalWarning"]

/** A client at its end of the network. */
const connect = Effect.fnUntraced(function*(network: NetworkNamespace.Service, port: number) {
  const args = [
    ...TYPESCRIPT,
    join(import.meta.dirname, "fixtures", "network-peer.ts"),
    network.server.host,
    String(port)
  ]
  const stdio = ["ignore", "ignore", "inherit", "ipc"] as const
  const child = yield* network.client.spawn(process.execPath, args, { stdio: [...stdio] })
  const events: Array<string> = []
  let received = ""
  child.on("message", ({ event, text }: Message) => {
    if (event === "data") received += text
    else events.push(text === "" ? event : `${event} ${text}`)
  })
  return {
    events,
    get received() {
      return received
    },
    send: (text: string) => child.send(text)
  }
})

const waitUntil = (isSo: () => boolean) =>
  Effect.promise(async () => {
    const deadline = performance.now() + 12_000
    while (!isSo() && performance.now() < deadline) await delay(5)
    assert.isTrue(isSo())
  })

// Whoever inherits an orphan may take its time to notice that it has ended.
const isAlive = (pid: number): boolean => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "latin1").includes(") Z ")
  } catch {
    return false
  }
}

/** The file that the namespace of a side is known by. */
const fileOf = (launcher: ReadonlyArray<string>): string => launcher[1].slice("--net=".length)

const make = Effect.gen(function*() {
  const network = yield* NetworkNamespace.make()
  const server = yield* RealMemcached.make({ args: ["-t", "1"], side: network.server })
  return { network, server }
})

/** The same with a client that has been answered. */
const connected = Effect.gen(function*() {
  const { network, server } = yield* make
  const client = yield* connect(network, server.port)
  client.send("mn\r\n")
  yield* waitUntil(() => client.received === "MN\r\n")
  return { network, server, client }
})

describe.skipIf(reason !== undefined || isMissing("memcached"))("NetworkNamespace", { timeout: 30_000 }, () => {
  it.live("joins two ends and leaves the machine's own network as it was", () =>
    Effect.gen(function*() {
      const devices = () => readFileSync("/proc/net/dev", "latin1").split("\n").map((line) => line.split(":")[0])
      const before = devices()
      const { client, network, server } = yield* connected
      assert.strictEqual(server.address, `${network.server.host}:${server.port}`)
      assert.deepStrictEqual(devices(), before)
      assert.deepStrictEqual(client.events, ["connect"])
    }))

  it.live("drops what would begin a connection, without a word", () =>
    Effect.gen(function*() {
      const { network, server } = yield* make
      yield* network.set([{ _tag: "Drop", direction: "up", port: server.port }])
      const client = yield* connect(network, server.port)
      const pending = network.client.run("ss", ["-Htn", "state", "syn-sent"])
      while ((yield* pending).stdout === "") yield* Effect.sleep("10 millis")
      yield* Effect.sleep("100 millis")
      assert.include((yield* pending).stdout, `${network.server.host}:${server.port}`)
      assert.deepStrictEqual(client.events, [])
      yield* network.clear
      yield* waitUntil(() => client.events.length > 0)
      assert.deepStrictEqual(client.events, ["connect"])
    }))

  const silences: ReadonlyArray<readonly [string, (port: number) => NetworkNamespace.NetworkFault]> = [
    ["packets to the port vanish", (port) => ({ _tag: "Drop", direction: "up", port })],
    ["packets from the port vanish", (port) => ({ _tag: "Drop", direction: "down", port })],
    ["all packets vanish", () => ({ _tag: "Drop", direction: "both" })],
    ["every packet is lost", () => ({ _tag: "Loss", direction: "up", probability: 1 })],
    ["the cable is out", () => ({ _tag: "Unplugged" })]
  ]
  for (const [name, fault] of silences) {
    it.live(`while ${name} nothing is answered, and afterwards everything`, () =>
      Effect.gen(function*() {
        const { client, network, server } = yield* connected
        yield* network.set([fault(server.port)])
        client.send("get a\r\n")
        yield* Effect.sleep("300 millis")
        assert.strictEqual(client.received, "MN\r\n")
        yield* network.clear
        yield* waitUntil(() => client.received === "MN\r\nEND\r\n")
        assert.deepStrictEqual(client.events, ["connect"])
      }))
  }

  it.live("leaves other ports alone", () =>
    Effect.gen(function*() {
      const { client, network, server } = yield* connected
      yield* network.set([{ _tag: "Drop", direction: "both", port: server.port - 1 }])
      client.send("get a\r\n")
      yield* waitUntil(() => client.received === "MN\r\nEND\r\n")
    }))

  it.live("loses some packets, which TCP sends again", () =>
    Effect.gen(function*() {
      const { client, network } = yield* connected
      yield* network.set([{ _tag: "Loss", direction: "both", probability: 0.2 }])
      let expected = "MN\r\n"
      for (let i = 0; i < 30; i++) {
        client.send(`mg a v O${i}\r\n`)
        expected += `EN O${i}\r\n`
        yield* Effect.sleep("5 millis")
      }
      yield* waitUntil(() => client.received.length >= expected.length)
      assert.strictEqual(client.received, expected)
      const lost = yield* Effect.forEach([network.client, network.server], (side) =>
        Effect.map(side.run("iptables", ["-nvxL", "INPUT"]), ({ stdout }) =>
          Number(/^ *(\d+) .*DROP/m.exec(stdout)?.[1])))
      assert.isAbove(lost[0] + lost[1], 0)
    }))

  it.live("carries no more bytes a second than the rate, in its direction", () =>
    Effect.gen(function*() {
      const { client, network } = yield* connected
      const size = 200_000
      const limited = Effect.forEach([network.client, network.server], (side) =>
        Effect.map(side.run("tc", ["qdisc", "show"]), ({ stdout }) => stdout.includes("rate 2Mbit")))
      client.send(`set a 0 0 ${size}\r\n${"x".repeat(size)}\r\n`)
      yield* waitUntil(() =>
        client.received.endsWith("STORED\r\n")
      )
      yield* network.set([{ _tag: "Rate", direction: "down", bytesPerSecond: 250_000 }])
      assert.deepStrictEqual(yield* limited, [false, true])
      const start = performance.now()
      client.send("get a\r\n")
      yield* waitUntil(() => client.received.endsWith("END\r\n"))
      assert.isAtLeast(performance.now() - start, 500)
      yield* network.set([{ _tag: "Rate", direction: "up", bytesPerSecond: 250_000 }])
      assert.deepStrictEqual(yield* limited, [true, false])
      yield* network.clear
      assert.deepStrictEqual(yield* limited, [false, false])
    }))

  it.live("takes its connections away from the client", () =>
    Effect.gen(function*() {
      const { client, network, server } = yield* connected
      assert.strictEqual(yield* network.abort(server.port - 1), 0)
      assert.strictEqual(yield* network.abort(server.port), 1)
      yield* waitUntil(() => client.events.includes("close"))
      assert.deepStrictEqual(client.events, ["connect", "error ECONNABORTED", "close"])
    }))

  it.live("runs a program to its end, and kills it when nobody waits any more", () =>
    Effect.gen(function*() {
      const network = yield* NetworkNamespace.make()
      const output = yield* network.client.run("sh", ["-c", "echo out; echo err >&2; exit 3"])
      assert.deepStrictEqual(output, { code: 3, stdout: "out\n", stderr: "err\n" })
      const running = () =>
        readdirSync("/proc").filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
          try {
            return readFileSync(`/proc/${pid}/cmdline`, "latin1") === `sleep\0${60 + process.pid}\0`
          } catch {
            return false
          }
        })
      const fiber = yield* Effect.forkScoped(network.client.run("sleep", [String(60 + process.pid)]))
      yield* waitUntil(() => running().length === 1)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(running(), [])
    }))

  it.live("is gone with its scope, and everything that runs in it", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { network, server } = yield* Scope.provide(connected, scope)
      const files = [network.client, network.server].map(({ launcher }) => fileOf(launcher))
      assert.deepStrictEqual(files.map(existsSync), [true, true])
      // Nobody's child any more, so that no finalizer knows it.
      const { stdout } = yield* network.client.run("sh", ["-c", "sleep 60 > /dev/null 2>&1 & echo $!"])
      assert.isTrue(isAlive(Number(stdout)))
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(files.map(existsSync), [false, false])
      assert.isFalse(isAlive(server.pid))
      yield* waitUntil(() => !isAlive(Number(stdout)))
    }))

  it.live("is gone when its owner is killed", () =>
    Effect.gen(function*() {
      const child = fork(join(import.meta.dirname, "fixtures", "network-owner.ts"), { execArgv: TYPESCRIPT })
      const [{ launcher, pid }] = yield* Effect.promise(() => once(child, "message"))
      assert.deepStrictEqual([existsSync(fileOf(launcher)), isAlive(pid)], [true, true])
      child.kill("SIGKILL")
      yield* waitUntil(() => !existsSync(fileOf(launcher)) && !isAlive(pid))
    }))

  it.live("sweeps what a dead owner could not delete, and nothing else", () =>
    Effect.gen(function*() {
      const dead = `effect-memcache-${process.pid}-1-1-client`
      const other = `another-${process.pid}-1-1-client`
      const ip = (verb: string, name: string) => Effect.promise(() => promisify(execFile)("ip", ["netns", verb, name]))
      for (const name of [dead, other]) {
        const remove = Effect.suspend(() => existsSync(`/run/netns/${name}`) ? ip("del", name) : Effect.void)
        yield* Effect.acquireRelease(ip("add", name), () => remove)
      }
      const living = yield* NetworkNamespace.make()
      yield* NetworkNamespace.make()
      assert.isFalse(existsSync(`/run/netns/${dead}`))
      assert.isTrue(existsSync(`/run/netns/${other}`))
      assert.isTrue(existsSync(fileOf(living.client.launcher)))
    }))

  it.live("takes no number that means nothing, and says what the system refused", () =>
    Effect.gen(function*() {
      const network = yield* NetworkNamespace.make()
      const wrong: ReadonlyArray<NetworkNamespace.NetworkFault> = [
        { _tag: "Drop", direction: "up", port: 0 },
        { _tag: "Loss", direction: "up", probability: 0 },
        { _tag: "Loss", direction: "up", probability: 1.1 },
        { _tag: "Rate", direction: "down", bytesPerSecond: Number.NaN }
      ]
      for (const fault of wrong) {
        const exit = yield* Effect.exit(network.set([fault]))
        assert.instanceOf(Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined, RangeError)
      }
      const error = yield* Effect.flip(network.set([{ _tag: "Drop", direction: "up", port: 1.5 }]))
      assert.match(error.message, /^The network was not changed: .*iptables-restore/)
    }))
})
