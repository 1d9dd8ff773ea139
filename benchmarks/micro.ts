/**
 * The protocol package alone, without sockets and servers: how fast each dialect's encoder and decoder are, and what
 * they allocate. For finding out what a change of theirs costs, within seconds.
 *
 * `npm run bench:micro`, with words to choose cases by: `npm run bench:micro -- decode meta`.
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Dialect } from "@effect-memcache/protocol/Dialect"
import type { Key } from "@effect-memcache/protocol/Key"
import * as ProtocolKey from "@effect-memcache/protocol/Key"
import { metaDialect } from "@effect-memcache/protocol/MetaDialect"
import { Pipeline } from "@effect-memcache/protocol/Pipeline"
import { ResponseReader } from "@effect-memcache/protocol/ResponseReader"
import { textDialect } from "@effect-memcache/protocol/TextDialect"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import { Session } from "node:inspector/promises"
import { median } from "./Summary.ts"

/** One thing that is done over and over. */
interface Case {
  readonly name: string
  /** Bytes that one of them reads or writes on the wire. */
  readonly bytes: number
  /** Does about a thousand and answers how many. */
  readonly run: () => number
}

const SAMPLES = 9
const SAMPLE_MILLISECONDS = 60

/** What a socket hands over at once, and what is written at once. */
const CHUNK = 65_536

const BATCH = 1000
const MAX_ITEM_SIZE = 1_048_576
const OPAQUE = 1_234_567

const keyOf = (i: number): Key => {
  const key = ProtocolKey.make(`bench:key:${String(i).padStart(6, "0")}`, "")
  if (typeof key !== "string") throw new Error("a key of the benchmark is wrong")
  return key
}

const keys = Array.from({ length: 100 }, (_, i) => keyOf(i))
const key = keys[0]!
const value = (size: number): Uint8Array => Buffer.alloc(size, "v")

const chunksOf = (bytes: Buffer): ReadonlyArray<Uint8Array> =>
  Array.from({ length: Math.ceil(bytes.length / CHUNK) }, (_, i) => bytes.subarray(i * CHUNK, (i + 1) * CHUNK))

const decoding = (dialect: Dialect, name: string, reply: string): Case => {
  const reader = new ResponseReader({ parse: dialect.parse, maxItemSize: MAX_ITEM_SIZE })
  const count = Math.max(20, Math.min(BATCH, Math.floor(1_000_000 / reply.length)))
  const chunks = chunksOf(Buffer.from(reply.repeat(count), "latin1"))
  return {
    name: `decode ${dialect.name} ${name}`,
    bytes: reply.length,
    run: () => {
      let replies = 0
      for (const chunk of chunks) {
        reader.push(chunk)
        while (reader.next(true) !== undefined) replies++
      }
      return replies
    }
  }
}

const encoding = (dialect: Dialect, name: string, command: Command): Case => {
  const buffer = new WriteBuffer()
  dialect.encode(buffer, command, OPAQUE)
  const bytes = buffer.take().length
  const count = Math.max(20, Math.min(BATCH, Math.floor(1_000_000 / bytes)))
  return {
    name: `encode ${dialect.name} ${name}`,
    bytes,
    run: () => {
      for (let i = 0; i < count; i++) {
        dialect.encode(buffer, command, OPAQUE + i)
        if (buffer.length >= CHUNK) buffer.take()
      }
      return count
    }
  }
}

/** The whole way of a command through a connection's ledger, a hundred at a time. */
const pipelining = (dialect: Dialect, name: string, command: Command, replyOf: (opaque: number) => string): Case => {
  const inFlight = 100
  // The opaques come round again, so that the replies need not be written anew.
  let opaque = 0
  const nextOpaque = (): number => OPAQUE + opaque++ % inFlight
  const pipeline = new Pipeline<undefined>({ dialect, maxItemSize: MAX_ITEM_SIZE, nextOpaque })
  const buffer = new WriteBuffer()
  const replies = Buffer.from(Array.from({ length: inFlight }, (_, i) => replyOf(OPAQUE + i)).join(""), "latin1")
  return {
    name: `pipeline ${dialect.name} ${name}`,
    bytes: replies.length / inFlight,
    run: () => {
      let settled = 0
      for (let round = 0; round < BATCH / inFlight; round++) {
        for (let i = 0; i < inFlight; i++) pipeline.enqueue(command, undefined)
        pipeline.stamp(1)
        while (pipeline.hasPending) {
          pipeline.encode(buffer, CHUNK, 0)
          buffer.take()
        }
        pipeline.push(replies)
        while (pipeline.next() !== undefined) settled++
      }
      return settled
    }
  }
}

const get = (keys: ReadonlyArray<Key>): Command => ({ _tag: "Get", keys, withCas: false })
const set = (size: number): Command => ({
  _tag: "Store",
  mode: "set",
  key,
  flags: 16,
  exptime: 0,
  value: value(size),
  noreply: false
})
const increment: Command = { _tag: "Arithmetic", mode: "incr", key, delta: 1n, create: undefined, noreply: false }

const text = (size: number): string => "v".repeat(size)
const metaValue = (size: number, opaque = OPAQUE): string => `VA ${size} f16 O${opaque}\r\n${text(size)}\r\n`
const textValue = (size: number): string => `VALUE ${key} 16 ${size}\r\n${text(size)}\r\n`

const cases: ReadonlyArray<Case> = [
  decoding(metaDialect, "value of 100 bytes", metaValue(100)),
  decoding(metaDialect, "value of 10 KB", metaValue(10_240)),
  decoding(metaDialect, "stored", `HD O${OPAQUE}\r\n`),
  decoding(metaDialect, "miss", `EN\r\n`),
  decoding(textDialect, "value of 100 bytes", textValue(100)),
  decoding(textDialect, "value of 10 KB", textValue(10_240)),
  decoding(textDialect, "stored", "STORED\r\n"),
  decoding(textDialect, "miss", "END\r\n"),
  ...[metaDialect, textDialect].flatMap((dialect) => [
    encoding(dialect, "get", get([key])),
    encoding(dialect, "get of 100 keys", get(keys)),
    encoding(dialect, "set of 100 bytes", set(100)),
    encoding(dialect, "set of 10 KB", set(10_240)),
    encoding(dialect, "increment", increment)
  ]),
  pipelining(metaDialect, "get of 100 bytes", get([key]), (opaque) => metaValue(100, opaque)),
  pipelining(metaDialect, "set of 100 bytes", set(100), (opaque) => `HD O${opaque}\r\n`),
  pipelining(textDialect, "get of 100 bytes", get([key]), () => `${textValue(100)}END\r\n`),
  pipelining(textDialect, "set of 100 bytes", set(100), () => "STORED\r\n")
]

/** Nanoseconds for one: the median of several samples. */
const timeOf = ({ run }: Case): number => {
  const sample = (): number => {
    const start = performance.now()
    let count = 0
    let end = start
    while (end - start < SAMPLE_MILLISECONDS) {
      count += run()
      end = performance.now()
    }
    return (end - start) * 1_000_000 / count
  }
  sample()
  return median(Array.from({ length: SAMPLES }, sample))
}

const inspector = new Session()
inspector.connect()

/** Objects and bytes on the heap for one: V8 is asked to note every allocation. */
const allocationsOf = async ({ run }: Case): Promise<{ readonly objects: number; readonly bytes: number }> => {
  await inspector.post("HeapProfiler.startSampling", {
    samplingInterval: 1,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true
  })
  const count = run()
  const { profile } = (await inspector.post("HeapProfiler.stopSampling")) as unknown as Stopped
  const inside = nodesInside("run", profile.head)
  const own = profile.samples.filter(({ nodeId }) => inside.has(nodeId))
  return { objects: own.length / count, bytes: own.reduce((sum, { size }) => sum + size, 0) / count }
}

/** What V8 answers; the types of Node leave out what is needed here. */
interface Stopped {
  readonly profile: {
    readonly head: Node
    readonly samples: ReadonlyArray<{ readonly nodeId: number; readonly size: number }>
  }
}

interface Node {
  readonly id: number
  readonly callFrame: { readonly functionName: string }
  readonly children: ReadonlyArray<Node>
}

/** The calls below a function of this name, itself among them: the profiler allocates, too. */
const nodesInside = (functionName: string, head: Node): ReadonlySet<number> => {
  const ids = new Set<number>()
  const walk = (node: Node, isAbove: boolean): void => {
    const isInside = isAbove || node.callFrame.functionName === functionName
    if (isInside) ids.add(node.id)
    for (const child of node.children) walk(child, isInside)
  }
  walk(head, false)
  return ids
}

const chosen = cases.filter(({ name }) => process.argv.slice(2).every((word) => name.split(" ").includes(word)))
const column = (text: string): string => text.padStart(12)

console.log(`${"".padEnd(36)}${column("ns each")}${column("MB/s")}${column("objects")}${column("heap bytes")}`)
for (const one of chosen) {
  const nanoseconds = timeOf(one)
  const { bytes, objects } = await allocationsOf(one)
  const megabytes = one.bytes / nanoseconds * 1000
  const cells = [nanoseconds.toFixed(0), megabytes.toFixed(0), objects.toFixed(1), bytes.toFixed(0)]
  console.log(`${one.name.padEnd(36)}${cells.map(column).join("")}`)
}
inspector.disconnect()
