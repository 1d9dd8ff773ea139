/**
 * Rows of the fault matrix: replies that are none, whatever they begin like.
 */
import { bytes } from "@effect-memcache/protocol/Ascii"
import type { Dialect } from "@effect-memcache/protocol/Dialect"
import { metaDialect } from "@effect-memcache/protocol/MetaDialect"
import { ResponseReader } from "@effect-memcache/protocol/ResponseReader"
import { textDialect } from "@effect-memcache/protocol/TextDialect"
import * as Checker from "@effect-memcache/testing/Checker"
import type { Settled } from "@effect-memcache/testing/Checker"
import * as FaultScript from "@effect-memcache/testing/FaultScript"
import type * as FaultServer from "@effect-memcache/testing/FaultServer"
import { quantile } from "@effect-memcache/testing/Ledger"
import * as Memory from "@effect-memcache/testing/Memory"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Fuzz from "./Fuzz.ts"
import type { Checked, Promised, Row, Run } from "./Row.ts"
import { SLACK } from "./Row.ts"

const MEBIBYTE = 1_048_576

/** MiB by which the process may grow, the server in it included. */
const SMALL = 8

const PATIENT = 2000

const PROTOCOLS = ["meta", "text"] as const

type Protocol = typeof PROTOCOLS[number]

/** A client that speaks one dialect, and what it is told instead of an answer. */
interface Victim {
  readonly server: FaultServer.Service
  readonly checked: Checked
  /** One read that is answered with these steps, when the client is connected; the read after it must be right. */
  readonly told: (...steps: ReadonlyArray<FaultScript.Step>) => Effect.Effect<Settled<unknown, Promised>>
  /** How those after it ended. */
  readonly next: Array<Settled<unknown, Promised>>
}

const victim = Effect.fnUntraced(function*(
  row: Run,
  protocol: Protocol
): Effect.fn.Return<Victim, never, Scope.Scope> {
  const server = yield* row.faultServer()
  const { checked } = yield* row.client({
    servers: server.address,
    protocol,
    connectTimeout: PATIENT,
    deadHost: { failureLimit: 1000 }
  })
  yield* checked.set("a")
  yield* checked.get("a")
  const next: Array<Settled<unknown, Promised>> = []
  const told = (...steps: ReadonlyArray<FaultScript.Step>) =>
    Effect.gen(function*() {
      yield* server.script([FaultScript.on({ verb: ["mg", "get"], times: 1 }, ...steps)])
      const settled = yield* checked.get("a")
      next.push(yield* checked.get("a"))
      return settled
    })
  return { server, checked, told, next }
})

const areAll = (settled: ReadonlyArray<{ readonly ended: string }>, ended: string): boolean =>
  settled.length > 0 && settled.every((one) => one.ended === ended)

/** Every one of them a `ProtocolError`, and the read after each of them a hit on a new connection. */
const judge = (row: Run, name: string, settled: ReadonlyArray<Settled<unknown, Promised>>, { next }: Victim): void => {
  row.expect(name, areAll(settled, "ProtocolError unknown"), Checker.endings(settled))
  row.expect(`${name}: the next`, areAll(next, "hit"), Checker.endings(next))
}

const longest = (row: Run, settled: ReadonlyArray<Settled<unknown, Promised>>, limit: number): number =>
  Math.max(...settled.map((one) => row.took(one, limit)))

const header = (protocol: Protocol, length: string, value = ""): string =>
  protocol === "meta" ? `VA ${length} f0 O{opaque}\r\n${value}` : `VALUE a 0 ${length}\r\n${value}`

const AT_ONCE = 10
const TIMES = 20

const hugeLength: Row = {
  number: 38,
  title: "a value of 4294967295 bytes",
  expected: "ProtocolError ≤ 10 ms; RSS + ≤ 8 MiB",
  quick: true,
  deadline: PATIENT,
  connects: 2 * (TIMES + 1),
  run: Effect.fnUntraced(function*(row) {
    for (const protocol of PROTOCOLS) {
      const one = yield* victim(row, protocol)
      const memory = Memory.measure()
      const settled: Array<Settled<unknown, Promised>> = []
      for (let i = 0; i < TIMES; i++) {
        settled.push(yield* one.told(FaultScript.replyBytes(header(protocol, "4294967295", "begins"))))
      }
      const grown = memory.growth() / MEBIBYTE
      judge(row, protocol, settled, one)
      const median = quantile(Float64Array.from(settled, ({ settle, start }) => settle - start), 0.5)
      row.expect(`${protocol}: median ms`, median <= AT_ONCE, median)
      const slowest = longest(row, settled, AT_ONCE)
      row.expect(`${protocol}: slowest`, slowest <= AT_ONCE + SLACK, slowest)
      row.expect(`${protocol}: MiB`, grown <= SMALL, grown)
    }
  })
}

/** No number of bytes, and how many it would be for a reader that takes what it can. */
const LENGTHS: ReadonlyArray<readonly [text: string, size: number]> = [
  ["-5", 5],
  ["0x10", 16],
  ["1e3", 1000],
  ["1".repeat(25), 5],
  ["", 0],
  ["5.0", 5],
  ["+5", 5],
  [" 5", 5],
  ["5x", 5],
  ["\u00b2", 2]
]

const DIALECTS: Readonly<Record<Protocol, Dialect>> = { meta: metaDialect, text: textDialect }

const isMalformed = (protocol: Protocol, text: string): boolean => {
  const reader = new ResponseReader({ parse: DIALECTS[protocol].parse, maxItemSize: MEBIBYTE })
  reader.push(bytes(text))
  return reader.next(true)?._tag === "Malformed"
}

const noLength: Row = {
  number: 39,
  title: "lengths −5, 0x10, 1e3, of 25 digits, and none",
  expected: "ProtocolError each",
  quick: true,
  deadline: PATIENT,
  connects: 2 * (LENGTHS.length + 1),
  run: Effect.fnUntraced(function*(row) {
    for (const protocol of PROTOCOLS) {
      const read = LENGTHS.filter(([length]) => !isMalformed(protocol, header(protocol, length, "hello\r\n")))
      row.expect(`${protocol}: decoded`, read.length === 0, read.length === 0 ? LENGTHS.length : read.join(", "))
      const one = yield* victim(row, protocol)
      const settled: Array<Settled<unknown, Promised>> = []
      for (const [length, size] of LENGTHS) {
        const value = "x".repeat(size)
        settled.push(yield* one.told(FaultScript.replyBytes(header(protocol, length, `${value}\r\n`))))
      }
      judge(row, protocol, settled, one)
    }
  })
}

const HUGE = 256 * MEBIBYTE
const LINE_LIMIT = 4096
const PIECE = 512

/** Lines that begin like a reply and never end. */
const BEGINNINGS = ["VA ", "VA 5 f0 k", "HD ", "SERVER_ERROR ", "VERSION "]

const endlessLine: Row = {
  number: 40,
  title: "a line that never ends",
  expected: "ProtocolError after ≤ 4 KiB of it; RSS + ≤ 8 MiB of 256",
  quick: true,
  deadline: PATIENT,
  connects: 2 * BEGINNINGS.length + 1,
  run: Effect.fnUntraced(function*(row) {
    const one = yield* victim(row, "meta")
    const { log } = one.server
    const sent = (from: number, to: number): number =>
      log.entries.reduce(
        (sum, entry) => entry._tag === "Written" && entry.at >= from && entry.at <= to ? sum + entry.bytes : sum,
        0
      )
    const trickled: Array<Settled<unknown, Promised>> = []
    for (const beginning of BEGINNINGS) {
      const line = beginning.padEnd(64 * PIECE, "a")
      trickled.push(yield* one.told(FaultScript.slice(PIECE, { every: 10, bytes: line })))
    }
    judge(row, "in pieces", trickled, one)
    const most = Math.max(...trickled.map(({ settle, start }) => sent(start, settle)))
    row.expect("bytes of it at most", most <= LINE_LIMIT, most)
    const memory = Memory.measure()
    const poured: Array<Settled<unknown, Promised>> = []
    for (const beginning of BEGINNINGS) {
      poured.push(yield* one.told(FaultScript.push(beginning), FaultScript.endless("a", { limit: HUGE })))
    }
    const grown = memory.growth() / MEBIBYTE
    judge(row, "256 MiB", poured, one)
    row.expect("MiB", grown <= SMALL, grown)
  })
}

/** As long as a header of memcached's binary protocol, which is 24 bytes. */
const HEADER = 24

/** A reply line begins with a capital letter or a digit. */
const isBeginning = (byte: number): boolean => /[A-Z0-9]/.test(String.fromCharCode(byte))

const LF = 0x0a
const GARBAGE = 30

const garbage: Row = {
  number: 42,
  title: "24 bytes of garbage",
  expected: "ProtocolError; never a miss, never a value",
  quick: true,
  deadline: PATIENT / 2,
  connects: 2 * (3 * GARBAGE + 1) + 2 * 2,
  run: Effect.fnUntraced(function*(row) {
    const { Random } = yield* Effect.promise(Fuzz.load)
    const random = new Random(42)
    const noise = (isFirst: (byte: number) => boolean, isOther: (byte: number) => boolean): string => {
      const byte = (isIt: (byte: number) => boolean): string => {
        for (;;) {
          const found = random.below(256)
          if (isIt(found)) return String.fromCharCode(found)
        }
      }
      return byte(isFirst) + Array.from({ length: HEADER - 1 }, () => byte(isOther)).join("")
    }
    const isNoEnd = (byte: number) => byte !== LF
    const kinds: ReadonlyArray<readonly [name: string, garbage: () => string]> = [
      ["a binary header", () => "\x81" + noise(isNoEnd, isNoEnd).slice(1)],
      ["no first byte of a reply", () => noise((byte) => !isBeginning(byte), isNoEnd)],
      ["any byte, and an end of the line", () => `${noise(isNoEnd, isNoEnd)}\r\n`]
    ]
    // Without an end of the line these may still become replies. That takes the deadline, beside everything else.
    const waiting = yield* Effect.forkScoped(
      Effect.forEach(
        PROTOCOLS,
        Effect.fnUntraced(function*(protocol) {
          const one = yield* victim(row, protocol)
          return yield* one.told(FaultScript.replyBytes(noise(isBeginning, isNoEnd)))
        }),
        { concurrency: "unbounded" }
      )
    )
    for (const protocol of PROTOCOLS) {
      const one = yield* victim(row, protocol)
      for (const [name, garbage] of kinds) {
        const settled: Array<Settled<unknown, Promised>> = []
        for (let i = 0; i < GARBAGE; i++) settled.push(yield* one.told(FaultScript.replyBytes(garbage())))
        judge(row, `${protocol}: ${name}`, settled, one)
        const slowest = longest(row, settled, SLACK)
        row.expect(`${protocol}: ${name}: slowest ms`, slowest <= 2 * SLACK, slowest)
      }
    }
    const undecided = Checker.endings(yield* Fiber.join(waiting))
    row.expect("the beginning of a reply", undecided["TimeoutError unknown"] === PROTOCOLS.length, undecided)
  })
}

const HELLO = "hello"

/** What stands where CRLF must stand: two bytes at least, because with less the client waits for more. */
const ENDS = ["XX", "\n\r", "\r\r\n", "\nEN\r\n", "\r", "!\r\n"].map((end) => end.padEnd(2, "EN\r\n"))

/** Beyond one chunk, so that the value is put together. */
const LONG = 200_000

const noEnd: Row = {
  number: 44,
  title: "a value without CRLF behind it",
  expected: "ProtocolError",
  quick: true,
  deadline: PATIENT,
  connects: 2 * (2 * ENDS.length + 2),
  run: Effect.fnUntraced(function*(row) {
    for (const protocol of PROTOCOLS) {
      const one = yield* victim(row, protocol)
      const settled: Array<Settled<unknown, Promised>> = []
      for (const end of ENDS) {
        settled.push(yield* one.told(FaultScript.replyBytes(header(protocol, String(HELLO.length), HELLO + end))))
        const long = "x".repeat(LONG) + end
        settled.push(yield* one.told(FaultScript.replyBytes(header(protocol, String(LONG), long))))
      }
      judge(row, protocol, settled, one)
      yield* nobodyWaits(row, protocol, one)
    }
  })
}

/** Also where the value is read past because its reader has gone: the next must not be found in the rest of it. */
const nobodyWaits = Effect.fnUntraced(function*(row: Run, protocol: Protocol, { checked, server }: Victim) {
  const { closed } = server.log.counters
  const torn = header(protocol, String(HELLO.length), `${HELLO}XX`)
  yield* server.script([
    FaultScript.on({ verb: ["mg", "get"], times: 1 }, FaultScript.delay(50), FaultScript.replyBytes(torn))
  ])
  yield* Effect.timeoutOption(checked.get("a"), 20)
  const behind = yield* checked.get("a")
  row.expect(`${protocol}: behind one that is gone`, behind.ended === "ProtocolError unknown", behind.ended)
  const gone = yield* Effect.timeoutOption(server.until((log) => log.counters.closed > closed), PATIENT)
  row.expect(`${protocol}: its connection`, Option.isSome(gone), Option.isSome(gone) ? "gone" : "open")
  const next = yield* checked.get("a")
  row.expect(`${protocol}: after that`, next.ended === "hit", next.ended)
})

export const rows: ReadonlyArray<Row> = [hugeLength, noLength, endlessLine, garbage, noEnd]
