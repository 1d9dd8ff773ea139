/**
 * That lines and blocks come out whole however the bytes came in, without searching or copying twice.
 */
import { bytes, byteString } from "@effect-memcache/protocol/Ascii"
import { ReceiveBuffer } from "@effect-memcache/protocol/ReceiveBuffer"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Generators from "./text/Generators.ts"
import { cut, cuts } from "./text/Reading.ts"

const make = (lenient: boolean, ...chunks: ReadonlyArray<string>): ReceiveBuffer => {
  const buffer = new ReceiveBuffer({ lenient })
  for (const chunk of chunks) buffer.push(bytes(chunk))
  return buffer
}

const lineOf = (buffer: ReceiveBuffer): string => byteString(buffer.line, buffer.lineStart, buffer.lineEnd)

/** The chunk, and how many of its bytes have been read one by one. */
const counted = (chunk: Uint8Array): { readonly chunk: Uint8Array; readonly reads: () => number } => {
  let reads = 0
  const proxy = new Proxy(chunk, {
    get: (target, property) => {
      if (typeof property === "string" && property >= "0" && property <= "9999999") reads++
      const value = Reflect.get(target, property, target)
      return typeof value === "function" ? value.bind(target) : value
    },
    set: (target, property, value) => Reflect.set(target, property, value, target)
  })
  return { chunk: proxy, reads: () => reads }
}

describe("readLine", () => {
  it("finds each line of a chunk, in place", () => {
    const buffer = new ReceiveBuffer({ lenient: false })
    const chunk = bytes("one\r\n\r\ntwo\r\n")
    buffer.push(chunk)
    const lines: Array<string> = []
    while (buffer.readLine(100) === undefined) {
      lines.push(lineOf(buffer))
      assert.strictEqual(buffer.line, chunk)
    }
    assert.deepStrictEqual(lines, ["one", "", "two"])
    assert.strictEqual(buffer.unread, 0)
  })

  it("puts a line together from many chunks", () => {
    const buffer = new ReceiveBuffer({ lenient: false })
    for (const chunk of ["a", "bc", "", "d\r", "\nrest"]) {
      assert.strictEqual(buffer.readLine(100), "more")
      buffer.push(bytes(chunk))
    }
    assert.strictEqual(buffer.readLine(100), undefined)
    assert.strictEqual(lineOf(buffer), "abcd")
    assert.strictEqual(buffer.unread, 4)
  })

  it("takes a bare LF only if it is lenient", () => {
    assert.strictEqual(make(false, "get a\n").readLine(100), "unterminated")
    const lenient = make(true, "get a\n\nx\r\n")
    const lines: Array<string> = []
    while (lenient.readLine(100) === undefined) lines.push(lineOf(lenient))
    assert.deepStrictEqual(lines, ["get a", "", "x"])
  })

  it("keeps a CR that is not before the LF", () => {
    const buffer = make(true, "a\rb\r\r\n")
    assert.strictEqual(buffer.readLine(100), undefined)
    assert.strictEqual(lineOf(buffer), "a\rb\r")
  })

  it("takes a line of exactly the limit and refuses a longer one, complete or not, in one piece or in many", () => {
    for (const [length, expected] of [[10, undefined], [11, "tooLong"]] as const) {
      assert.strictEqual(make(false, `${"x".repeat(length)}\r\n`).readLine(10), expected)
      const buffer = new ReceiveBuffer({ lenient: false })
      let fault: string | undefined = "more"
      for (const byte of `${"x".repeat(length)}\r\n`) {
        assert.strictEqual(fault, "more")
        buffer.push(bytes(byte))
        fault = buffer.readLine(10)
        if (fault === "tooLong") break
      }
      assert.strictEqual(fault, expected)
    }
    assert.strictEqual(make(false, "x".repeat(12)).readLine(10), "tooLong")
  })

  it("searches no byte twice, however slowly a line drips in", () => {
    const length = 2000
    const buffer = new ReceiveBuffer({ lenient: false })
    const carry = counted(new Uint8Array(4096))
    Object.assign(buffer, { carry: carry.chunk })
    let reads = 0
    for (let i = 0; i < length + 2; i++) {
      const { chunk, reads: readsOfChunk } = counted(bytes(i < length ? "x" : i === length ? "\r" : "\n"))
      buffer.push(chunk)
      assert.strictEqual(buffer.readLine(2048), i < length + 1 ? "more" : undefined)
      reads += readsOfChunk()
    }
    assert.strictEqual(buffer.lineEnd - buffer.lineStart, length)
    // One look for the LF, and one to copy the byte; of the copy only the CR is looked at.
    assert.isAtMost(reads, 2 * (length + 2))
    assert.isAtMost(carry.reads(), 1)
  })
})

describe("startsWith", () => {
  it("looks at the carry and then at the chunk, and only as far as there are bytes", () => {
    const buffer = make(true, "ge")
    assert.isTrue(buffer.startsWith("ge"))
    assert.isFalse(buffer.startsWith("get "))
    assert.strictEqual(buffer.readLine(100), "more")
    buffer.push(bytes("t a\r\nset"))
    assert.isTrue(buffer.startsWith("get "))
    assert.isFalse(buffer.startsWith("gets"))
    assert.strictEqual(buffer.readLine(100), undefined)
    assert.isTrue(buffer.startsWith("set"))
    assert.isFalse(buffer.startsWith("get"))
  })
})

describe("push", () => {
  it("loses nothing when the chunk before is not used up", () => {
    const buffer = make(false, "ab\r", "\ncd\r\n", "ef")
    assert.strictEqual(buffer.readLine(100), undefined)
    assert.strictEqual(lineOf(buffer), "ab")
    buffer.push(bytes("gh\r\n"))
    assert.strictEqual(buffer.readLine(100), undefined)
    assert.strictEqual(lineOf(buffer), "cd")
    assert.strictEqual(buffer.readLine(100), undefined)
    assert.strictEqual(lineOf(buffer), "efgh")
  })
})

describe("readBlock", () => {
  it("answers a view of the chunk that holds the whole block", () => {
    const buffer = new ReceiveBuffer({ lenient: false })
    const chunk = bytes("VALUE\r\nabc\r\nEND\r\n")
    buffer.push(chunk)
    buffer.readLine(100)
    const block = buffer.readBlock(3)
    if (typeof block === "string") return assert.fail(block)
    assert.strictEqual(byteString(block, 0, block.length), "abc")
    assert.strictEqual(block.buffer, chunk.buffer)
    assert.strictEqual(block.byteOffset, chunk.byteOffset + 7)
  })

  it("assembles a block of many chunks once, in one buffer of its own", () => {
    const buffer = new ReceiveBuffer({ lenient: false })
    const value = Uint8Array.from({ length: 1000 }, (_, i) => i & 0xff)
    const stream = new Uint8Array([...value, 0x0d, 0x0a])
    const chunks = cut(stream, [1, 2, 500, 700, 1000, 1001])
    let block: Uint8Array | string = buffer.readBlock(1000)
    const assembled = Reflect.get(buffer, "block") as Uint8Array
    for (const chunk of chunks) {
      assert.strictEqual(block, "more")
      buffer.push(chunk)
      block = buffer.readBlock(1000)
    }
    if (typeof block === "string") return assert.fail(block)
    assert.deepStrictEqual(block, value)
    assert.strictEqual(block.buffer, assembled.buffer)
    assert.strictEqual(block.buffer.byteLength, 1002)
  })

  it("reads a block and what follows it at every cut", () => {
    for (const chunks of cuts(bytes("12345\r\nab\r\n"))) {
      const buffer = new ReceiveBuffer({ lenient: false })
      const rest = [...chunks]
      let block = buffer.readBlock(5)
      while (block === "more") {
        buffer.push(rest.shift()!)
        block = buffer.readBlock(5)
      }
      assert.strictEqual(typeof block === "string" ? block : byteString(block, 0, 5), "12345")
      let fault = buffer.readLine(10)
      while (fault === "more") {
        buffer.push(rest.shift()!)
        fault = buffer.readLine(10)
      }
      assert.strictEqual(lineOf(buffer), "ab")
    }
  })

  it("takes an empty block", () => {
    const buffer = make(false, "\r\nx")
    assert.deepStrictEqual(buffer.readBlock(0), new Uint8Array(0))
    assert.strictEqual(buffer.unread, 1)
  })
})

describe("a block without its CRLF", () => {
  const STREAMS = ["abcdeOK\r\n", "abc\rXOK\r\n", "abcX\nOK\r\n", "abc\n\rOK\r\n"]

  it("is unterminated after size + 2 bytes, at every cut, kept or skipped", () => {
    for (const stream of STREAMS) {
      for (const chunks of cuts(bytes(stream))) {
        for (const method of ["readBlock", "skipBlock"] as const) {
          const buffer = new ReceiveBuffer({ lenient: false })
          const rest = [...chunks]
          let outcome = buffer[method](3)
          while (outcome === "more") {
            buffer.push(rest.shift()!)
            outcome = buffer[method](3)
          }
          assert.strictEqual(outcome, "unterminated")
          assert.strictEqual(buffer.unread + rest.reduce((sum, chunk) => sum + chunk.length, 0), 4)
        }
      }
    }
  })
})

describe("skipBlock", () => {
  it("reads past a block at every cut, and the next one too", () => {
    for (const chunks of cuts(bytes("123\r\n\r\n4\r\nx"))) {
      const buffer = new ReceiveBuffer({ lenient: false })
      const rest = [...chunks]
      for (const size of [3, 0, 1]) {
        let fault = buffer.skipBlock(size)
        while (fault === "more") {
          buffer.push(rest.shift()!)
          fault = buffer.skipBlock(size)
        }
        assert.strictEqual(fault, undefined)
      }
      assert.strictEqual(buffer.unread + rest.length, 1)
    }
  })

  it("forgets that the block before was unterminated", () => {
    const buffer = make(false, "123XX4\r\n")
    assert.strictEqual(buffer.skipBlock(3), "unterminated")
    assert.strictEqual(buffer.skipBlock(1), undefined)
  })

  it("looks at no byte of the block", () => {
    const buffer = new ReceiveBuffer({ lenient: false })
    const { chunk, reads } = counted(bytes(`${"x".repeat(1000)}\r\n`))
    buffer.push(chunk)
    assert.strictEqual(buffer.skipBlock(1000), undefined)
    assert.strictEqual(reads(), 2)
  })
})

describe("any mixture of lines and blocks", () => {
  it.prop(
    "comes out as it went in",
    [
      Arbitrary.array(Arbitrary.all([Generators.boolean, Generators.bytes(0, 200)]), { maxLength: 8 }),
      Arbitrary.array(Generators.int(0, 2000), { maxLength: 20 })
    ],
    ([pieces, positions]) => {
      const asLine = (piece: Uint8Array): Uint8Array => piece.filter((byte) => byte !== 0x0a && byte !== 0x0d)
      const stream = pieces.flatMap(([isLine, piece]) => [...(isLine ? asLine(piece) : piece), 0x0d, 0x0a])
      const chunks = [...cut(Uint8Array.from(stream), positions)]
      const buffer = new ReceiveBuffer({ lenient: false })
      for (const [isLine, piece] of pieces) {
        const read = () => isLine ? buffer.readLine(200) : buffer.readBlock(piece.length)
        let outcome = read()
        while (outcome === "more") {
          buffer.push(chunks.shift()!)
          outcome = read()
        }
        const found = isLine ? buffer.line.slice(buffer.lineStart, buffer.lineEnd) : outcome
        assert.deepStrictEqual(found, isLine ? asLine(piece) : piece)
      }
    }
  )
})
