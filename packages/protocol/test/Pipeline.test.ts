/**
 * The ledger of a connection, given bytes by hand: who is answered with what, and what ends it.
 */
import { byteString } from "@effect-memcache/protocol/Ascii"
import type { Command } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import * as MetaEncoder from "@effect-memcache/protocol/meta/ResponseEncoder"
import { metaDialect } from "@effect-memcache/protocol/MetaDialect"
import { itemAt, Pipeline } from "@effect-memcache/protocol/Pipeline"
import type { Slot } from "@effect-memcache/protocol/Pipeline"
import * as Reply from "@effect-memcache/protocol/Reply"
import * as TextEncoding from "@effect-memcache/protocol/text/ResponseEncoder"
import { textDialect } from "@effect-memcache/protocol/TextDialect"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))
const text = (bytes: Uint8Array): string => byteString(bytes, 0, bytes.length)

const get = (...keys: ReadonlyArray<string>): Command => ({
  _tag: "Get",
  keys: keys as ReadonlyArray<string> as ReadonlyArray<Key>,
  withCas: false
})
const set = (key: string, value = "v"): Command => ({
  _tag: "Store",
  mode: "set",
  key: key as Key,
  flags: 0,
  exptime: 0,
  value: bytes(value),
  noreply: false
})
const remove = (key: string): Command => ({ _tag: "Delete", key: key as Key, noreply: false })

/** A pipeline whose owners are names, and what came of it. */
const make = (dialect: "meta" | "text" = "meta", options: { readonly hasBareMisses?: boolean } = {}) => {
  let opaque = 0
  const pipeline = new Pipeline<string>({
    dialect: dialect === "meta" ? metaDialect : textDialect,
    maxItemSize: 1000,
    nextOpaque: () => ++opaque
  })
  pipeline.speak(dialect === "meta" ? metaDialect : textDialect, { hasBareMisses: options.hasBareMisses ?? false })
  const buffer = new WriteBuffer()
  return {
    pipeline,
    enqueue: (owner: string, command: Command): Slot<string> => pipeline.enqueue(command, owner),
    /** Encodes everything and answers what goes over the wire. */
    write: (limit = Infinity): string => {
      pipeline.stamp(1)
      pipeline.encode(buffer, limit, 0)
      return text(buffer.take())
    },
    /** Feeds chunks and names the slots that they settle, with what was found. */
    read: (...chunks: ReadonlyArray<string>): Array<string> => {
      const settled: Array<string> = []
      for (const chunk of chunks) {
        pipeline.push(bytes(chunk))
        for (let slot = pipeline.next(); slot !== undefined; slot = pipeline.next()) settled.push(describeSlot(slot))
      }
      return settled
    }
  }
}

const describeSlot = (slot: Slot<string>): string => {
  const { reply } = slot
  const items = reply._tag === "Value" ? [itemAt(slot, 0)] : slot.items
  const found = items.length === 0 ? "" : `[${items.map((item) => item === undefined ? "-" : text(item.value))}]`
  return `${slot.owner}:${reply._tag}${found}`
}

describe("in order", () => {
  for (const dialect of ["meta", "text"] as const) {
    it(`answers slots in the order of their commands (${dialect})`, () => {
      const { enqueue, pipeline, read, write } = make(dialect)
      enqueue("a", get("x"))
      enqueue("b", set("x"))
      enqueue("c", get("x", "y"))
      write()
      const settled = dialect === "meta"
        ? read("VA 1 f0 O1\r\n1\r\nHD O2\r\nVALUE y 0 2\r\n22\r\nEND\r\nMN\r\n")
        : read("VALUE x 0 1\r\n1\r\nEND\r\nSTORED\r\nVALUE y 0 2\r\n22\r\nEND\r\n")
      assert.deepStrictEqual(settled, [
        dialect === "meta" ? "a:Value[1]" : "a:End[1]",
        dialect === "meta" ? "b:Header" : "b:Stored",
        dialect === "meta" ? "c:Noop[-,22]" : "c:End[-,22]"
      ])
      assert.isUndefined(pipeline.poison)
      assert.strictEqual(pipeline.count, 0)
      assert.strictEqual(pipeline.bytes, 0)
    })
  }

  it("puts the items of a reply in another order where their keys are", () => {
    const { enqueue, read, write } = make()
    enqueue("a", get("x", "y", "z"))
    write()
    assert.deepStrictEqual(
      read("VALUE z 0 1\r\n3\r\nVALUE x 0 1\r\n1\r\nVALUE y 0 1\r\n2\r\nEND\r\nMN\r\n"),
      ["a:Noop[1,2,3]"]
    )
  })

  it("keeps the lines of a report", () => {
    const { enqueue, pipeline, write } = make("text")
    enqueue("a", { _tag: "Stats", report: undefined })
    write()
    pipeline.push(bytes("STAT pid 1\r\nSTAT uptime 2\r\nEND\r\n"))
    const slot = pipeline.next()
    assert.deepStrictEqual(slot?.stats.map(({ name, value }) => [name, value]), [["pid", "1"], ["uptime", "2"]])
  })

  it("settles ten thousand replies of one chunk", () => {
    const { enqueue, pipeline, read, write } = make()
    for (let i = 1; i <= 10_000; i++) enqueue(String(i), get("k"))
    write()
    let reply = ""
    for (let i = 1; i <= 10_000; i++) reply += `VA ${String(i).length} f0 O${i}\r\n${i}\r\n`
    const settled = read(reply)
    assert.strictEqual(settled.length, 10_000)
    assert.isTrue(settled.every((line, i) => line === `${i + 1}:Value[${i + 1}]`))
    assert.strictEqual(pipeline.count, 0)
  })

  it("reads thirty thousand keys in any order without going over them again and again", () => {
    const keys = Array.from({ length: 30_000 }, (_, i) => `some:longer:prefix:${i}`)
    for (const isAbandoned of [false, true]) {
      const { enqueue, pipeline, read, write } = make()
      const slot = enqueue("a", get(...keys))
      enqueue("b", get("k"))
      write()
      if (isAbandoned) pipeline.abandon(slot)
      const order = keys.map((key, i) => [(i * 7919) % 30_000, key] as const).sort(([a], [b]) => a - b)
      const reply = order.map(([, key]) => `VALUE ${key} 0 1\r\n1\r\n`).join("")
      const before = process.cpuUsage()
      const settled = read(`${reply}END\r\nMN\r\n`)
      // Two tenths of a second; comparing every key with every other takes nine.
      assert.isBelow(process.cpuUsage(before).user / 1_000_000, 2)
      assert.strictEqual(settled.length, isAbandoned ? 0 : 1)
      assert.strictEqual(pipeline.count, 1)
      assert.isUndefined(pipeline.poison)
    }
  })
})

describe("before the write", () => {
  it("leaves no byte of a command that was abandoned", () => {
    const { enqueue, pipeline, write } = make()
    enqueue("a", get("first"))
    const slot = enqueue("b", set("secret"))
    enqueue("c", get("last"))
    pipeline.abandon(slot)
    assert.strictEqual(write(), "mg first v f O1\r\nmg last v f O2\r\n")
    assert.strictEqual(pipeline.count, 2)
    assert.strictEqual(slot.state, "done")
  })

  it("writes the rest whichever were abandoned", () => {
    for (let mask = 0; mask < 32; mask++) {
      for (const isStamped of [false, true]) {
        const { enqueue, pipeline, write } = make("text")
        const slots = ["a", "b", "c", "d", "e"].map((key) => enqueue(key, get(key)))
        if (isStamped) pipeline.stamp(5)
        slots.forEach((slot, i) => (mask >> i) & 1 && pipeline.abandon(slot))
        slots.forEach((slot, i) => (mask >> i) & 1 && pipeline.abandon(slot))
        enqueue("f", get("f"))
        const left = ["a", "b", "c", "d", "e"].filter((_, i) => !((mask >> i) & 1)).concat("f")
        assert.deepStrictEqual([...pipeline.waiting()].map((slot) => slot.owner), left)
        assert.strictEqual(pipeline.count, left.length)
        assert.strictEqual(write(), left.map((key) => `get ${key}\r\n`).join(""))
        assert.isFalse(pipeline.hasPending)
        assert.isTrue([...pipeline.waiting()].every((slot) => slot.deadline > 0))
      }
    }
  })

  it("keeps nothing of commands that were abandoned while nothing could be written", () => {
    const { enqueue, pipeline } = make()
    for (let i = 0; i < 100; i++) pipeline.abandon(enqueue("a", set("k", "value")))
    assert.isFalse(pipeline.hasPending)
    assert.strictEqual(pipeline.count, 0)
    assert.strictEqual(pipeline.bytes, 0)
  })

  it("writes whole commands up to the limit, and at least one", () => {
    const { enqueue, pipeline, write } = make("text")
    for (const key of ["a", "b", "c"]) enqueue(key, set(key, "x".repeat(100)))
    assert.strictEqual(write(1), `set a 0 0 100\r\n${"x".repeat(100)}\r\n`)
    assert.isTrue(pipeline.hasPending)
    assert.include(write(130), "set c")
    assert.isFalse(pipeline.hasPending)
  })

  it("gives a deadline once, and answers the earliest", () => {
    const { pipeline } = make()
    const a = pipeline.enqueue(get("a"), "a")
    const b = pipeline.enqueue(get("b"), "b", 30)
    assert.strictEqual(pipeline.stamp(50), 30)
    assert.deepStrictEqual([a.deadline, b.deadline], [50, 30])
    assert.isUndefined(pipeline.stamp(60))
    const c = pipeline.enqueue(get("c"), "c")
    assert.strictEqual(pipeline.stamp(70), 70)
    assert.deepStrictEqual([a.deadline, c.deadline], [50, 70])
  })
})

describe("tombstones", () => {
  it("skips a late reply and never delivers it", () => {
    const { enqueue, pipeline, read, write } = make("text")
    const slot = enqueue("a", get("x"))
    write()
    pipeline.abandon(slot)
    enqueue("b", get("x"))
    write()
    assert.strictEqual(pipeline.count, 2)
    assert.deepStrictEqual(read("VALUE x 0 3\r\nold\r\nEND\r\nVALUE x 0 3\r\nnew\r\nEND\r\n"), ["b:End[new]"])
    assert.strictEqual(pipeline.count, 0)
    assert.strictEqual(slot.items.length, 0)
  })

  const reply = "VA 10 f0 O1\r\n0123\r\n6789\r\nVA 3 f0 O2\r\nnew\r\n"

  it("skips it wherever it is cut, and whenever the caller gives up", () => {
    for (let cut = 0; cut <= reply.length; cut++) {
      for (const when of [0, 1, 2]) {
        const { enqueue, pipeline, read, write } = make()
        const slot = enqueue("a", get("x"))
        enqueue("b", get("y"))
        write()
        const settled: Array<string> = []
        if (when === 0) pipeline.abandon(slot)
        settled.push(...read(reply.slice(0, cut)))
        if (when === 1) pipeline.abandon(slot)
        settled.push(...read(reply.slice(cut, cut + 3)))
        if (when === 2) pipeline.abandon(slot)
        settled.push(...read(reply.slice(cut + 3)))
        const wasInTime = when > 0 && cut + (when === 2 ? 3 : 0) >= reply.indexOf("VA 3")
        assert.deepStrictEqual(
          settled,
          [...(wasInTime ? ["a:Value[0123\r\n6789]"] : []), "b:Value[new]"],
          `${cut} ${when}`
        )
        assert.isUndefined(pipeline.poison)
        assert.strictEqual(pipeline.count, 0)
        assert.strictEqual(pipeline.bytes, 0)
      }
    }
  })

  it("still judges a reply that nobody waits for", () => {
    const { enqueue, pipeline, read, write } = make()
    const slot = enqueue("a", get("x"))
    enqueue("b", get("y"))
    write()
    pipeline.abandon(slot)
    assert.deepStrictEqual(read("EN O2\r\n"), [])
    assert.isDefined(pipeline.poison)
  })

  it("stays until the fence of its multi-get", () => {
    const { enqueue, pipeline, read, write } = make()
    const slot = enqueue("a", get("x", "y"))
    enqueue("b", get("x", "y"))
    write()
    assert.deepStrictEqual(read("VALUE x 0 1\r\n1\r\n"), [])
    pipeline.abandon(slot)
    assert.deepStrictEqual(read("VALUE y 0 1\r\n2\r\nEND\r\n"), [])
    assert.deepStrictEqual(read("MN\r\nVALUE y 0 1\r\n3\r\nEND\r\nMN\r\n"), ["b:Noop[-,3]"])
    assert.isUndefined(pipeline.poison)
  })

  it("is not among those who wait", () => {
    const { enqueue, pipeline, write } = make()
    const a = enqueue("a", get("x"))
    write()
    pipeline.abandon(a)
    enqueue("b", get("x"))
    assert.deepStrictEqual([...pipeline.waiting()].map((slot) => slot.owner), ["b"])
    assert.strictEqual(pipeline.oldest, a)
  })
})

describe("fenced multi-gets", () => {
  it("reads past error lines, and keeps the first", () => {
    const { enqueue, pipeline, read, write } = make()
    const slot = enqueue("a", get("x", "y", "z"))
    enqueue("b", get("k"))
    assert.strictEqual(write(), "get x y z\r\nmn\r\nmg k v f O2\r\n")
    assert.deepStrictEqual(
      read("VALUE x 0 1\r\n1\r\nSERVER_ERROR backend failure\r\nERROR\r\nVALUE z 0 1\r\n3\r\nEND\r\nMN\r\nEN O2\r\n"),
      ["a:ServerError[1,-,3]", "b:End"]
    )
    assert.deepStrictEqual(slot.reply, { _tag: "ServerError", message: "backend failure" })
    assert.isUndefined(pipeline.poison)
  })

  it("does not take END for a miss after a failed get in text", () => {
    for (const isAbandoned of [false, true]) {
      const { enqueue, pipeline, read, write } = make("text")
      const slot = enqueue("a", get("x", "y"))
      enqueue("b", get("k"))
      write()
      if (isAbandoned) pipeline.abandon(slot)
      read("SERVER_ERROR backend failure\r\n")
      assert.deepStrictEqual(read("END\r\n"), [])
      assert.isDefined(pipeline.poison)
    }
  })

  it("takes END for a miss after a failed get where an error line is all that comes back for a key", () => {
    const { enqueue, pipeline, read, write } = make("text")
    pipeline.speak({ ...textDialect, isPerKey: true }, { hasBareMisses: false })
    enqueue("a", get("x"))
    enqueue("b", get("k"))
    write()
    assert.deepStrictEqual(read("SERVER_ERROR Connection refused\r\nEND\r\n"), ["a:ServerError", "b:End"])
    assert.isUndefined(pipeline.poison)
  })

  it("takes a value, or another command's reply, after a failed get in text", () => {
    const { enqueue, pipeline, read, write } = make("text")
    enqueue("a", get("x"))
    enqueue("b", get("k"))
    enqueue("c", get("k"))
    write()
    assert.deepStrictEqual(
      read("SERVER_ERROR out of memory\r\nVALUE k 0 1\r\n1\r\nEND\r\nEND\r\n"),
      ["a:ServerError", "b:End[1]", "c:End"]
    )
    assert.isUndefined(pipeline.poison)
  })
})

describe("poison", () => {
  const rows: ReadonlyArray<
    readonly [name: string, dialect: "meta" | "text", commands: ReadonlyArray<Command>, string]
  > = [
    ["a line that nobody asked for", "meta", [], "EN\r\n"],
    ["half a line that nobody asked for", "meta", [], "E"],
    ["a line break that nobody asked for", "text", [], "\r\n"],
    ["half a line behind the last reply", "meta", [get("x")], "EN O1\r\nE"],
    ["a reply that comes twice", "meta", [get("x")], "EN O1\r\nEN O1\r\n"],
    ["another opaque", "meta", [get("x")], "EN O2\r\n"],
    ["the opaque of the next request", "meta", [get("x"), get("y")], "EN O2\r\nEN O1\r\n"],
    ["no opaque", "meta", [get("x")], "VA 1 f0\r\n1\r\n"],
    ["a bare miss of a server that has none", "meta", [get("x")], "EN\r\n"],
    ["another key", "text", [get("x")], "VALUE y 0 1\r\n1\r\nEND\r\n"],
    ["another key in a fence", "meta", [get("x", "y")], "VALUE z 0 1\r\n1\r\nEND\r\nMN\r\n"],
    ["a second value under one key", "text", [get("x", "y")], "VALUE x 0 1\r\n1\r\nVALUE x 0 1\r\n2\r\nEND\r\n"],
    ["a second value under the only key", "text", [get("x")], "VALUE x 0 1\r\n1\r\nVALUE x 0 1\r\n2\r\nEND\r\n"],
    ["a value without CRLF", "meta", [get("x")], "VA 1 f0 O1\r\n123\r\n"],
    ["a value above the limit", "meta", [get("x")], "VA 1001 f0 O1\r\n"],
    ["a length of 4294967295", "text", [get("x")], "VALUE x 0 4294967295\r\n"],
    ["a malformed line", "meta", [get("x")], "VA -5 f0 O1\r\n"],
    ["garbage", "text", [get("x")], "\u0081\u0000\u0001\r\n"],
    ["a line without end", "text", [get("x")], "x".repeat(3000)],
    ["another command's word", "text", [remove("x")], "STORED\r\n"],
    ["a text END in a meta get", "meta", [get("x")], "END\r\n"],
    ["MN without a fence", "text", [get("x", "y")], "MN\r\n"]
  ]
  for (const [name, dialect, commands, reply] of rows) {
    it(`is ${name}`, () => {
      for (const chunks of [[reply], Array.from(reply)]) {
        const { enqueue, pipeline, read, write } = make(dialect)
        commands.forEach((command, i) => enqueue(String(i), command))
        write()
        const before = read(...chunks)
        assert.isDefined(pipeline.poison)
        const isSettledFirst = name === "half a line behind the last reply" || name === "a reply that comes twice"
        assert.deepStrictEqual(before, isSettledFirst ? ["0:End"] : [])
        assert.isUndefined(pipeline.next())
        assert.isUndefined(pipeline.next())
      }
    })
  }

  it("is an error line in answer to a value, once it is delivered", () => {
    for (const [line, tag] of [["ERROR", "Error"], ["CLIENT_ERROR bad data chunk", "ClientError"]]) {
      const { enqueue, pipeline, read, write } = make("text")
      enqueue("a", set("x"))
      enqueue("b", set("y"))
      write()
      assert.deepStrictEqual(read(`${line}\r\nSTORED\r\n`), [`a:${tag}`])
      assert.isDefined(pipeline.poison)
      assert.deepStrictEqual([...pipeline.waiting()].map((slot) => slot.owner), ["b"])
    }
  })

  it("is not SERVER_ERROR, nor any error line without a value before it", () => {
    const { enqueue, pipeline, read, write } = make("text")
    enqueue("a", set("x"))
    enqueue("b", remove("x"))
    enqueue("c", remove("x"))
    write()
    assert.deepStrictEqual(
      read("SERVER_ERROR out of memory storing object\r\nERROR\r\nCLIENT_ERROR bad command line format\r\n"),
      ["a:ServerError", "b:Error", "c:ClientError"]
    )
    assert.isUndefined(pipeline.poison)
  })

  it("is not a bare miss of a server that has them", () => {
    const { enqueue, pipeline, read, write } = make("meta", { hasBareMisses: true })
    enqueue("a", get("x"))
    enqueue("b", remove("x"))
    write()
    assert.deepStrictEqual(read("EN\r\nNF \r\n"), ["a:End", "b:NotFound"])
    assert.isUndefined(pipeline.poison)
  })
})

describe("bounds", () => {
  it("counts a batch once, and every byte", () => {
    const { pipeline, read, write } = make()
    const first = pipeline.enqueue(get("a"), "a", 0, 1)
    pipeline.enqueue(set("b", "x".repeat(100)), "b", 0, 0)
    pipeline.enqueue(get("c"), "c", 0, 0)
    assert.strictEqual(pipeline.count, 1)
    assert.isAbove(pipeline.bytes, 100)
    pipeline.abandon(first)
    assert.strictEqual(pipeline.count, 0)
    write()
    read("HD O1\r\nEN O2\r\n")
    assert.strictEqual(pipeline.bytes, 0)
  })
})

const int = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

/**
 * A server that answers each command with its number, by the encoders of a server, so that an answer which reaches
 * another slot shows.
 */
const answer = (
  dialect: "meta" | "text",
  slot: Slot<string>,
  kind: number
): { readonly bytes: Uint8Array; readonly want: string } => {
  const buffer = new WriteBuffer()
  const { command, owner } = slot
  const flags = slot.opaque === 0 ? [] : [`O${slot.opaque}`]
  const body = bytes(`${owner}\r\n`.repeat(kind + 1))
  const textValue = (key: Key): Reply.Value => Object.assign(Reply.value(true), { key, value: body })
  const word = (code: "HD" | "NS" | "NF" | "EN", reply: Reply.Reply): string => {
    if (slot.opaque !== 0) MetaEncoder.encode(buffer, { code, flags })
    else TextEncoding.encode(buffer, reply)
    return code === "HD" && slot.opaque !== 0 ? "Header" : reply._tag
  }
  const finish = (want: string) => ({ bytes: buffer.take().slice(), want: `${owner}:${want}` })
  if (kind === 3 && (dialect === "meta" || command._tag !== "Get")) {
    TextEncoding.encode(buffer, { _tag: "ServerError", message: owner })
    if (slot.isFenced) MetaEncoder.encode(buffer, { code: "MN", flags: [] })
    return finish("ServerError")
  }
  switch (command._tag) {
    case "Get": {
      const isHit = (i: number) => (kind + i) % 2 === 0
      const found = command.keys.map((_, i) => isHit(i) ? text(body) : "-")
      if (slot.opaque !== 0) {
        if (isHit(0)) MetaEncoder.encode(buffer, { code: "VA", flags: ["f0", ...flags], value: body })
        else MetaEncoder.encode(buffer, { code: "EN", flags })
        return finish(isHit(0) ? `Value[${found}]` : "End")
      }
      command.keys.forEach((key, i) => isHit(i) && TextEncoding.encode(buffer, textValue(key)))
      TextEncoding.encode(buffer, Reply.status("End", true))
      if (slot.isFenced) MetaEncoder.encode(buffer, { code: "MN", flags: [] })
      const isEmpty = found.every((item) => item === "-")
      return finish(`${slot.isFenced ? "Noop" : "End"}${isEmpty ? "" : `[${found}]`}`)
    }
    case "Store":
      return finish(kind === 0 ? word("HD", { _tag: "Stored" }) : word("NS", Reply.status("NotStored", true)))
    default:
      return finish(kind === 0 ? word("HD", { _tag: "Deleted" }) : word("NF", Reply.status("NotFound", true)))
  }
}

describe("against a model", () => {
  const step = Arbitrary.all([int(0, 5), int(0, 3), int(0, 40)])
  const scripts = Arbitrary.all([
    int(0, 1),
    Arbitrary.array(step, { minLength: 1, maxLength: 60 }),
    Arbitrary.array(int(1, 30), { minLength: 1, maxLength: 10 })
  ])

  it.effect.prop(
    "answers every slot with its own command's reply, whatever is abandoned and however replies are cut",
    [scripts],
    ([[which, steps, cuts]]) =>
      Effect.sync(() => {
        const dialect = which === 0 ? "meta" : "text"
        const { enqueue, pipeline, read, write } = make(dialect)
        const slots: Array<Slot<string>> = []
        const owed: Array<Slot<string>> = []
        const expected = new Map<string, string>()
        const got: Array<string> = []
        const kinds = new Map<string, number>()
        const abandoned = new Set<string>()
        let stream = ""
        let number = 0
        let cutIndex = 0
        const flush = () => {
          const pending = slots.filter((slot) => slot.state === "pending")
          const wire = write()
          assert.strictEqual(wire === "", pending.length === 0)
          for (const slot of pending) {
            owed.push(slot)
            const { bytes, want } = answer(dialect, slot, kinds.get(slot.owner)!)
            expected.set(slot.owner, want)
            stream += text(bytes)
          }
        }
        const deliver = (length: number) => {
          got.push(...read(stream.slice(0, length)))
          stream = stream.slice(length)
        }
        for (const [action, kind, which] of steps) {
          if (action <= 2) {
            const owner = `#${number++}`
            kinds.set(owner, kind)
            const commands = [get(`k${which}`), get("x", `y${which}`, "z"), set(`k${which}`), remove("k")]
            slots.push(enqueue(owner, commands[which % 4]))
          } else if (action === 3) flush()
          else if (action === 4) deliver(cuts[cutIndex++ % cuts.length])
          else if (slots.length > 0) {
            const slot = slots[which % slots.length]
            if (slot.state !== "done") abandoned.add(slot.owner)
            pipeline.abandon(slot)
          }
        }
        flush()
        while (stream.length > 0) deliver(cuts[cutIndex++ % cuts.length])
        assert.isUndefined(pipeline.poison)
        assert.deepStrictEqual(
          got,
          owed.filter((slot) => !abandoned.has(slot.owner)).map((slot) => expected.get(slot.owner)!)
        )
        assert.strictEqual(pipeline.count, 0)
        assert.strictEqual(pipeline.bytes, 0)
        assert.isUndefined(pipeline.oldest)
        assert.isTrue(slots.every((slot) => slot.state === "done"))
      }),
    { arbitrary: { runs: 300 } }
  )

  const damage = Arbitrary.all([int(0, 3), int(0, 30), int(0, 30)])
  const damaged = Arbitrary.all([
    int(0, 1),
    Arbitrary.array(Arbitrary.all([int(0, 3), int(0, 2)]), { minLength: 1, maxLength: 20 }),
    Arbitrary.array(damage, { minLength: 1, maxLength: 4 })
  ])

  it.effect.prop(
    "gives no value to another key, whatever replies are lost, doubled, exchanged or made up",
    [damaged],
    ([[which, requests, damages]]) =>
      Effect.sync(() => {
        const dialect = which === 0 ? "meta" : "text"
        const { enqueue, read, write } = make(dialect)
        const slots = requests.map(([verb], i) => {
          const commands = [get(`k${i}`), get(`x${i}`, `y${i}`, `z${i}`), set(`k${i}`), remove(`k${i}`)]
          return enqueue(`#${i};`, commands[verb])
        })
        write()
        const answers = slots.map((slot, i) => answer(dialect, slot, requests[i][1]))
        const replies = answers.map(({ bytes }) => text(bytes))
        for (const [action, a, b] of damages) {
          const [i, j] = [a % replies.length, b % replies.length]
          if (action === 0) replies.splice(i, 1, "")
          else if (action === 1) replies.splice(j, 0, replies[i])
          else if (action === 2) [replies[i], replies[j]] = [replies[j], replies[i]]
          else replies.splice(i, 0, ["END\r\n", "EN\r\n", "MN\r\n", "STORED\r\n", "VALUE q1 0 1\r\nx\r\n"][b % 5])
        }
        const settled = read(...replies)
        settled.forEach((line, i) => {
          const items = /\[(.*)\]$/s.exec(line)?.[1].split(/,|\r\n/) ?? []
          for (const item of items) assert.include(["", "-", `#${i};`], item, line)
          // An opaque leaves nothing to chance.
          if (slots[i].opaque !== 0) assert.strictEqual(line, answers[i].want)
        })
      }),
    { arbitrary: { runs: 1000 } }
  )

  it.effect.prop(
    "never throws, whatever comes",
    [Arbitrary.all([int(0, 1), Arbitrary.array(Arbitrary.array(int(0, 255), { maxLength: 40 }), { maxLength: 5 })])],
    ([[which, chunks]]) =>
      Effect.sync(() => {
        const { enqueue, pipeline, read, write } = make(which === 0 ? "meta" : "text")
        enqueue("a", get("a", "b"))
        enqueue("b", set("a"))
        write()
        const words = ["VA 3 O1\r\n", "VALUE a 0 9\r\n", "SERVER_ERROR ", "END\r\n", "HD O2", "\r\n"]
        for (const chunk of chunks) {
          if (pipeline.poison !== undefined) break
          // Half of it is made of what a server says.
          read(chunk.map((n) => n < 128 ? String.fromCharCode(n * 2) : words[n % words.length]).join(""))
        }
        assert.isAtMost(pipeline.count, 2)
      })
  )
})
