/**
 * That a server reads on where memcached would, whatever a client sends and however it arrives.
 */
import { bytes } from "@effect-memcache/protocol/Ascii"
import type { Command } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import type { ParseRequestLine, Request } from "@effect-memcache/protocol/Request"
import { RequestReader } from "@effect-memcache/protocol/RequestReader"
import * as RequestDecoder from "@effect-memcache/protocol/text/RequestDecoder"
import * as RequestEncoder from "@effect-memcache/protocol/text/RequestEncoder"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Generators from "./text/Generators.ts"
import { cut, cuts, requests } from "./text/Reading.ts"

const BAD_FORMAT = { _tag: "Refuse", reply: "CLIENT_ERROR bad command line format" } as const
const BAD_CHUNK = { _tag: "Refuse", reply: "CLIENT_ERROR bad data chunk" } as const
const VERSION = { _tag: "Command", command: { _tag: "Version" } } as const

const set = (key: string, value: string, noreply = false): Request => ({
  _tag: "Command",
  command: { _tag: "Store", mode: "set", key: key as Key, flags: 0, exptime: 0, value: bytes(value), noreply }
})

const read = (stream: string, maxBlockSize?: number): ReadonlyArray<Request> => requests([bytes(stream)], maxBlockSize)

const positions = Arbitrary.array(Generators.int(0, 4000), { maxLength: 30 })

describe("a request", () => {
  it("is a line, and its value if it has one", () => {
    assert.deepStrictEqual(read("version\r\nset a 0 0 3\r\nabc\r\nversion\r\n"), [VERSION, set("a", "abc"), VERSION])
  })

  it("may end its line, but not its value, in a bare LF", () => {
    assert.deepStrictEqual(read("version\nset a 0 0 1\nx\r\nversion\n"), [VERSION, set("a", "x"), VERSION])
    assert.deepStrictEqual(read("set a 0 0 1\nx\n\nversion\n"), [BAD_CHUNK, VERSION])
  })

  it("may hold commands, CR and LF in its value", () => {
    assert.deepStrictEqual(read("set a 0 0 13\r\nx\r\nflush_all\r\r\n"), [set("a", "x\r\nflush_all\r")])
    assert.deepStrictEqual(read("set a 0 0 0\r\n\r\n"), [set("a", "")])
  })

  it("has a value that is a view of the chunk if it lies in one", () => {
    const chunk = bytes("set a 0 0 3\r\nabc\r\n")
    const [request] = requests([chunk])
    const command = request._tag === "Command" ? request.command : undefined
    assert.strictEqual(command?._tag === "Store" ? command.value.buffer : undefined, chunk.buffer)
  })
})

describe("any cut of a stream", () => {
  it("gives the same requests: every cut of short streams", () => {
    for (const stream of ["get a\r\nx\r\n\r\n", "set a 0 0 0\r\n\r", "add a 0 0 1\nx"]) {
      const whole = requests([bytes(`${stream}\n`)])
      for (const chunks of cuts(bytes(stream))) assert.deepStrictEqual(requests([...chunks, bytes("\n")]), whole)
    }
  })

  it.prop(
    "gives the same requests: random cuts of random commands",
    [Arbitrary.array(Generators.command, { maxLength: 6 }), positions],
    ([commands, positions]) => {
      const buffer = new WriteBuffer()
      for (const command of commands) RequestEncoder.encode(buffer, command)
      assert.deepStrictEqual(
        requests(cut(buffer.take(), positions)),
        commands.map((command: Command): Request => ({ _tag: "Command", command }))
      )
    }
  )

  it.prop("gives the same requests for any bytes, and never throws", [Generators.bytes(0, 300), positions], (
    [stream, positions]
  ) => {
    assert.deepStrictEqual(requests(cut(stream, positions), 20), requests([stream], 20))
  })

  it.prop(
    "gives the same requests for mutated commands, and never throws",
    [
      Arbitrary.array(Generators.command, { minLength: 1, maxLength: 4 }),
      Arbitrary.array(Arbitrary.all([Generators.int(0, 4000), Generators.int(0, 255)]), { minLength: 1, maxLength: 6 }),
      positions
    ],
    ([commands, mutations, positions]) => {
      const buffer = new WriteBuffer()
      for (const command of commands) RequestEncoder.encode(buffer, command)
      const stream = buffer.take()
      for (const [at, byte] of mutations) stream[at % stream.length] = byte
      assert.deepStrictEqual(requests(cut(stream, positions), 20), requests([stream], 20))
    },
    { arbitrary: { runs: 300 } }
  )
})

describe("a value of another length than announced", () => {
  it("is refused after size + 2 bytes, and the rest is read as commands", () => {
    assert.deepStrictEqual(read("set p 0 0 1\r\n12\r\nversion\r\n"), [BAD_CHUNK, BAD_FORMAT, VERSION])
    assert.deepStrictEqual(read("set p 0 0 1\r\nabcdef\r\n"), [BAD_CHUNK, { _tag: "Refuse", reply: "ERROR" }])
    assert.deepStrictEqual(read("set p 0 0 4\r\nab\r\nversion\r\nversion\r\n"), [
      BAD_CHUNK,
      { _tag: "Refuse", reply: "ERROR" },
      VERSION
    ])
  })

  it("is refused in silence with noreply", () => {
    assert.deepStrictEqual(read("set a 0 0 1 noreply\r\nxyz\r\nversion\r\n"), [BAD_FORMAT, VERSION])
  })

  it("is refused in spite of a meta command's quiet flag", () => {
    const parse: ParseRequestLine = () => ({
      _tag: "Command",
      command: { _tag: "MetaSet", key: "a" as Key, value: new Uint8Array(0), flags: ["q"] },
      blockSize: 1
    })
    const reader = new RequestReader({ parse, maxBlockSize: 10 })
    reader.push(bytes("ms a 1 q\r\nxyz"))
    assert.deepStrictEqual(reader.next(), BAD_CHUNK)
  })
})

describe("a value that is too large", () => {
  it("is read past, and its command comes with the size and without the value", () => {
    const expected = [
      {
        _tag: "TooLarge",
        command: {
          _tag: "Store",
          mode: "set",
          key: "a" as Key,
          flags: 0,
          exptime: 0,
          value: new Uint8Array(0),
          noreply: false
        },
        size: 5
      },
      VERSION
    ] as const
    assert.deepStrictEqual(read("set a 0 0 5\r\nabcde\r\nversion\r\n", 4), expected)
    const stream = bytes("set a 0 0 5\r\nabcde\r\nversion\r\n")
    assert.deepStrictEqual(requests(Array.from(stream, (byte) => Uint8Array.of(byte)), 4), expected)
    assert.deepStrictEqual(read("set a 0 0 4\r\nabcd\r\n", 4), [set("a", "abcd")])
  })

  it("is never held, however large it claims to be", () => {
    const reader = new RequestReader({ parse: RequestDecoder.parse, maxBlockSize: 1024 })
    reader.push(bytes("set a 0 0 2000000000\r\n"))
    const chunk = new Uint8Array(1_000_000)
    for (let i = 0; i < 10; i++) {
      assert.strictEqual(reader.next(), undefined)
      reader.push(chunk)
    }
    assert.strictEqual(reader.next(), undefined)
  })

  it("takes its line end with it, whatever that is", () => {
    assert.deepStrictEqual(read("set a 0 0 5\r\nabcdeXXversion\r\n", 4).map((request) => request._tag), [
      "TooLarge",
      "Command"
    ])
  })
})

describe("a refused storage line", () => {
  it("takes its value with it if the length can be read", () => {
    assert.deepStrictEqual(read("set a abc 0 9\r\nflush_all\r\nversion\r\n"), [BAD_FORMAT, VERSION])
    assert.deepStrictEqual(read(`set ${"k".repeat(251)} 0 0 9\r\nflush_all\r\nversion\r\n`), [BAD_FORMAT, VERSION])
  })

  it("is refused in silence with noreply, and still takes its value with it", () => {
    assert.deepStrictEqual(read("set a abc 0 9 noreply\r\nflush_all\r\nversion\r\n"), [VERSION])
  })

  it("leaves its value to be read as commands otherwise", () => {
    assert.deepStrictEqual(read("set a 0 0 -1\r\nversion\r\n"), [BAD_FORMAT, VERSION])
  })

  it("is answered when its value is complete", () => {
    const stream = bytes("set a abc 0 3\r\nabc\r\n")
    for (let end = 1; end < stream.length; end++) assert.deepStrictEqual(requests([stream.subarray(0, end)]), [])
    assert.deepStrictEqual(requests([stream]), [BAD_FORMAT])
  })
})

describe("a line that is too long", () => {
  const long = (text: string, length: number): string => text + "x".repeat(length - text.length)

  it("closes beyond 2048 bytes, finished or not, and for ever", () => {
    assert.deepStrictEqual(read(`${long("bogus ", 2048)}\r\n`), [{ _tag: "Refuse", reply: "ERROR" }])
    for (
      const stream of [long("delete ", 2050), `${long("delete ", 2049)}\r\n`, long("gat 1 ", 2050), long(" get ", 2050)]
    ) {
      const reader = new RequestReader({ parse: RequestDecoder.parse, maxBlockSize: 1 })
      reader.push(bytes(stream))
      assert.deepStrictEqual(reader.next(), { _tag: "Close" })
      reader.push(bytes("version\r\n"))
      assert.deepStrictEqual(reader.next(), { _tag: "Close" })
    }
  })

  it("is read up to a mebibyte if it begins with get or gets, in one piece or in many", () => {
    for (const verb of ["get", "gets"]) {
      const keys = Array.from({ length: 1000 }, (_, i) => `key${i}` as Key)
      const stream = bytes(`${verb} ${keys.join(" ")}\r\nversion\r\n`)
      const expected = [{ _tag: "Command", command: { _tag: "Get", keys, withCas: verb === "gets" } }, VERSION] as const
      assert.deepStrictEqual(requests([stream]), expected)
      assert.deepStrictEqual(requests(Array.from(stream, (byte) => Uint8Array.of(byte))), expected)
    }
    assert.deepStrictEqual(read(long("get ", 1_048_576 + 2)), [{ _tag: "Close" }])
  })

  it("has no length to begin with after it was read", () => {
    const stream = `get ${"k ".repeat(2000)}\r\n${long("delete ", 2050)}`
    assert.deepStrictEqual(read(stream).map((request) => request._tag), ["Command", "Close"])
  })
})

describe("close", () => {
  it("ends an HTTP request before its headers are read", () => {
    const reader = new RequestReader({ parse: RequestDecoder.parse, maxBlockSize: 1 })
    reader.push(bytes("version\r\nGET / HTTP/1.1\r\nversion\r\n"))
    assert.deepStrictEqual(reader.next(), VERSION)
    assert.deepStrictEqual(reader.next(), { _tag: "Close" })
    assert.deepStrictEqual(reader.next(), { _tag: "Close" })
  })
})
