/**
 * The codecs against what real servers were asked and answered: 1.6.18, and 1.6.45, whose refusals the server side
 * imitates.
 */
import { bytes, byteString } from "@effect-memcache/protocol/Ascii"
import type { ErrorReply, Reply } from "@effect-memcache/protocol/Reply"
import type { Request } from "@effect-memcache/protocol/Request"
import { RequestReader } from "@effect-memcache/protocol/RequestReader"
import * as RequestDecoder from "@effect-memcache/protocol/text/RequestDecoder"
import * as RequestEncoder from "@effect-memcache/protocol/text/RequestEncoder"
import * as ResponseEncoder from "@effect-memcache/protocol/text/ResponseEncoder"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { text } from "../transcripts/Transcript.ts"
import type { Step, Transcript } from "../transcripts/Transcript.ts"
import { cut, parseReply, replies, requests } from "./Reading.ts"

const load = (version: string): Transcript =>
  JSON.parse(readFileSync(join(import.meta.dirname, "..", "transcripts", `text-${version}.json`), "utf8"))

const OLD = load("1.6.18")
const NEW = load("1.6.45")

const steps = ({ sessions }: Transcript): ReadonlyArray<Step> => sessions.flatMap(({ steps }) => steps)

/** Since 1.6.40 an empty line follows the error about an over-long key in the get family. */
const hasEmptyLine = ({ reply }: Step): boolean => reply === "CLIENT_ERROR bad command line format\r\n\r\n"

const isError = (reply: Reply): reply is ErrorReply =>
  reply._tag === "Error" || reply._tag === "ClientError" || reply._tag === "ServerError"

describe("recorded replies", () => {
  it("are all read, except for the empty line after an over-long key, however they are cut", () => {
    for (const transcript of [OLD, NEW]) {
      for (const step of steps(transcript)) {
        const stream = bytes(step.reply)
        const found = replies([stream])
        assert.strictEqual(
          found.filter((reply) => reply._tag === "Malformed").length,
          hasEmptyLine(step) ? 1 : 0,
          step.reply
        )
        assert.deepStrictEqual(replies(Array.from(stream, (byte) => Uint8Array.of(byte))), found)
        assert.deepStrictEqual(replies(cut(stream, [7, 20, 21, 22, 100])), found)
      }
    }
    assert.strictEqual(steps(NEW).filter(hasEmptyLine).length, 2)
  })

  it("are written again byte for byte", () => {
    for (const step of [...steps(OLD), ...steps(NEW)]) {
      // The colon behind the word, and the empty line, are not ours.
      if (hasEmptyLine(step) || step.reply.includes("ERROR: ")) continue
      const sent = text(step.send)
      const statWord = sent.includes("cachedump") ? "ITEM" : sent.includes("detail dump") ? "PREFIX" : "STAT"
      const buffer = new WriteBuffer()
      for (const reply of replies([bytes(step.reply)])) ResponseEncoder.encode(buffer, reply, { statWord })
      const written = buffer.take()
      assert.strictEqual(byteString(written, 0, written.length), step.reply)
    }
  })

  it("hold every kind of reply", () => {
    const kinds = new Set(steps(OLD).flatMap(({ reply }) => replies([bytes(reply)]).map(({ _tag }) => _tag)))
    assert.deepStrictEqual([...kinds].sort(), [
      "ClientError",
      "Counter",
      "Deleted",
      "End",
      "Error",
      "Exists",
      "NotFound",
      "NotStored",
      "Ok",
      "Reset",
      "ServerError",
      "Stat",
      "Stored",
      "Touched",
      "Value",
      "Version"
    ])
  })
})

describe("recorded requests", () => {
  it("are the same commands after they were read and written again", () => {
    let count = 0
    for (const step of steps(NEW)) {
      for (const request of requests([bytes(text(step.send))], 2_000_000)) {
        if (request._tag !== "Command") continue
        const buffer = new WriteBuffer()
        RequestEncoder.encode(buffer, request.command)
        assert.deepStrictEqual(requests([buffer.take()], 2_000_000), [request])
        count++
      }
    }
    assert.isAbove(count, 100)
  })

  it("are refused where 1.6.45 refuses them, in its words, and nowhere else", () => {
    const deviations = new Map([["delete nope 1\r\n", 0], ["delete a b c d e\r\n", 0]])
    for (const { name, steps } of NEW.sessions) {
      const reader = new RequestReader({ parse: RequestDecoder.parse, maxBlockSize: 1_048_576 })
      for (const step of steps) {
        const sent = text(step.send)
        const found: Array<Request> = []
        reader.push(bytes(sent))
        for (let request = reader.next(); request !== undefined; request = reader.next()) {
          found.push(request)
          if (request._tag === "Close") break
        }
        if (deviations.has(sent)) {
          assert.deepStrictEqual(found.map((request) => request._tag), ["Refuse"])
          deviations.delete(sent)
          continue
        }
        const refusals = found.flatMap((request) =>
          request._tag === "Refuse"
            ? [parseReply(request.reply)]
            : request._tag === "TooLarge"
            ? [parseReply("SERVER_ERROR object too large for cache")]
            : []
        )
        // What the items themselves are refused is not the reader's business.
        const expected = replies([bytes(step.reply)]).filter(isError).filter(({ message }) =>
          !message.startsWith("cannot increment")
        )
        assert.deepStrictEqual(refusals, expected, `${name}: ${sent.slice(0, 60)}`)
        const closes = found.some((request) =>
          request._tag === "Close" || request._tag === "Command" && request.command._tag === "Quit"
        )
        assert.strictEqual(closes, step.closed, `${name}: ${sent.slice(0, 60)}`)
      }
    }
    assert.strictEqual(deviations.size, 0)
  })

  it("have one answer each, as many as are not hidden by noreply", () => {
    for (const { steps } of NEW.sessions) {
      const reader = new RequestReader({ parse: RequestDecoder.parse, maxBlockSize: 1_048_576 })
      for (const step of steps) {
        reader.push(bytes(text(step.send)))
        let owed = 0
        for (let request = reader.next(); request !== undefined; request = reader.next()) {
          if (request._tag === "Close") break
          if (request._tag !== "Command") owed++
          else if (request.command._tag === "Quit") break
          else if (!("noreply" in request.command) || !request.command.noreply) owed++
        }
        const answers = replies([bytes(step.reply)]).filter((reply) =>
          reply._tag !== "Value" && reply._tag !== "Stat" && reply._tag !== "Malformed"
        )
        assert.strictEqual(answers.length, owed, text(step.send).slice(0, 60))
      }
    }
  })
})
