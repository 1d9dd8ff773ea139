/**
 * Records what a real memcached answers to the exchanges below, for the tests of the meta dialect.
 *
 *     memcached -l 127.0.0.1 -p 11299 &
 *     node packages/protocol/test/meta/record.ts 11299
 *
 * The server must be fresh, since cas uniques are counted from its start, and it is flushed before each exchange. The
 * result goes to transcripts/memcached-<version>.json; bytes are kept as Latin-1 text.
 */
import { writeFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"

/** One connection: what is sent, and what came back until the `MN` that answers the `mn` sent last. */
export interface Exchange {
  readonly name: string
  readonly send: string
  readonly reply: string
}

/** A file of recorded exchanges. */
export interface Transcript {
  readonly server: string
  readonly exchanges: ReadonlyArray<Exchange>
}

const k32 = "o".repeat(32)
const k251 = "k".repeat(251)
const nineteen = "v s t c f h l k u O1 P2 L3 T4 N5 R6 b q C1 D1"

const conversations: ReadonlyArray<readonly [name: string, send: string]> = [
  ["get: every return flag", "ms k 2 F30 T100\r\nhi\r\nmg k v f c s t h l k O7\r\nmg k s t h O8\r\n"],
  ["get: hit without flags, misses", "ms k 2\r\nhi\r\nmg k\r\nmg no\r\nmg no v k O3\r\nmg no v q\r\n"],
  ["get: touch", "ms k 2\r\nhi\r\nmg k t T30 O1\r\nmg k T30 t O2\r\nmg no T30 O3\r\nmg k T-1 t\r\n"],
  ["get: vivify", "mg viv N30 v t O1\r\nmg viv N30 v t O2\r\n"],
  ["get: recache", "ms k 1 T100\r\nx\r\nmg k v R30\r\nmg k v R200\r\nmg k v R200\r\n"],
  ["get: stale", "ms st 3\r\nold\r\nmd st I T30\r\nmg st v t\r\nmg st v\r\nms st 3\r\nnew\r\nmg st v\r\n"],
  ["get: base64 keys", "ms Zm9v 2 b\r\nhi\r\nmg foo k v\r\nmg Zm9v b k v\r\nms foo 2\r\nyo\r\nmg Zm9v b k v\r\n"],
  ["get: quiet batch", "ms a 1\r\nx\r\nms b 1\r\ny\r\nmg a v q O1\r\nmg no v q O2\r\nmg b v q k O3\r\n"],
  [
    "set: modes",
    "ms k 1 MR\r\nx\r\nms k 1 ME O1\r\nb\r\nms k 1 ME\r\nz\r\nms k 1 MA\r\nc\r\nms k 1 MP\r\na\r\nmg k v\r\n"
  ],
  ["set: append and prepend to nothing", "ms k 1 MA\r\nx\r\nms k 1 MP k O1\r\nx\r\nms k 1 MA F9 T5\r\nx\r\n"],
  ["set: append keeps flags and exptime", "ms k 1 F5 T100\r\nx\r\nms k 1 MA F9 T5\r\ny\r\nmg k v f t\r\n"],
  ["set: compare", "ms k 1 C5 O1\r\nx\r\nms k 1\r\nx\r\nms k 1 C999999999 c k O2\r\ny\r\n"],
  ["set: compare with 0", "ms k 1\r\nx\r\nms k 1 C0\r\ny\r\nmg k v\r\n"],
  ["set: an empty value", "ms k 0\r\n\r\nmg k v s\r\n"],
  ["delete", "ms k 1\r\nx\r\nmd k C999999999 O1\r\nmd k k O2\r\nmd k k O3\r\nmd Zm9v b k\r\n"],
  ["arithmetic", "ma n v O1\r\nma n N60 J13 v t O2\r\nma n N60 J13 D5 v k\r\nma n MD D100 v\r\nma n\r\n"],
  ["arithmetic: create without exptime", "ma n N0 J5 v O1\r\nma n t v\r\n"],
  ["arithmetic: not a number", "ms k 1\r\nx\r\nma k v O1\r\n"],
  [
    "quiet: what is not hidden",
    "ms z 1 q O1\r\nx\r\nms no 1 MR q O2\r\nx\r\nmd no q O3\r\nma no q O4\r\nmg no q O5\r\n"
  ],
  ["debug", "ms k 1\r\nx\r\nme k\r\nme no\r\nms Zm9v 1 b\r\nx\r\nme Zm9v b\r\n"],
  ["noop with words behind it", "mn foo bar\r\nmg no\r\n"],
  ["classic lines in between", "set k 5 0 1\r\nx\r\nmg k v f O1\r\nget k no\r\nincr k 1\r\nbogus\r\n"]
]

// One line each, with a value that would show if it were read as a command.
const refusals: ReadonlyArray<string> = [
  "mg",
  "md",
  "ma",
  "me",
  "ms",
  "ms k",
  "ms k -1",
  "ms k S2",
  "ms k b 2",
  "ms k 2147483646",
  `mg ${k251} v`,
  `md ${k251}`,
  `ma ${k251}`,
  `me ${k251}`,
  `ms ${k251} 7`,
  "mg k v v",
  "mg k T5 T6",
  "mg k y",
  "mg k S",
  "mg k Tx y",
  "mg k Tx v v",
  "mg k T",
  "mg k Tx",
  "mg k N-x",
  "mg k !",
  "mg k v {",
  "mg k 5",
  "mg k ^",
  "mg k R5x",
  "mg k J",
  "mg k Dx",
  "mg k J1x Tx",
  "mg Zm9 b",
  `mg k O${k32}`,
  `mg k ${nineteen}`,
  "md k v v",
  "md k y",
  "md k Tx",
  `md k O${k32}`,
  "ma k v v",
  "ma k y",
  "ma k Dx",
  "ma k !",
  "ma k MX",
  "ma k M",
  "ma k Mi",
  "ma Zm9 b",
  "me k !",
  "me Zm9 b b",
  "ms k 7 !",
  "ms k 7 v \u00ff",
  "ms k 7 5",
  "ms k 7 v v",
  "ms k 7 y",
  "ms k 7 S7",
  "ms k 7 Fx",
  "ms k 7 F",
  "ms k 7 Tx",
  "ms k 7 Cx",
  "ms k 7 C-1",
  "ms k 7 MX",
  "ms k 7 M",
  "ms k 7 Me",
  "ms Zm9 7 b",
  `ms k 7 O${k32}`,
  `ms k 7 ${nineteen}`
]

const decode = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1")

const ask = (port: number, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1")
    const fences = text.split("\r\n").filter((line) => line.startsWith("mn")).length
    let reply = ""
    socket.on("error", reject)
    socket.on("data", (chunk) => {
      reply += decode(chunk)
      if (fences > 0 ? reply.split("MN\r\n").length <= fences : !reply.endsWith("\r\n")) return
      socket.destroy()
      resolve(reply)
    })
    socket.write(Buffer.from(text, "latin1"))
  })

const record = async (port: number): Promise<void> => {
  const version = (await ask(port, "version\r\n")).slice(8).trim()
  const exchanges: Array<Exchange> = []
  const cases = [
    ...conversations,
    ...refusals.map((line) => [line, line.startsWith("ms") ? `${line}\r\nversion\r\n` : `${line}\r\n`] as const)
  ]
  for (const [name, conversation] of cases) {
    await ask(port, "flush_all\r\nmn\r\n")
    const send = `${conversation}mn\r\n`
    exchanges.push({ name, send, reply: await ask(port, send) })
  }
  const transcript: Transcript = { server: `memcached ${version}`, exchanges }
  const file = join(import.meta.dirname, "transcripts", `memcached-${version}.json`)
  writeFileSync(file, `${JSON.stringify(transcript, undefined, 2)}\n`)
}

if (import.meta.main) await record(Number(process.argv[2]))
