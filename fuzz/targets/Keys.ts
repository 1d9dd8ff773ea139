/**
 * Keys as a program may give them: any text, number or bytes. What passes the check must be one word of one command.
 */
import * as ClientKey from "@effect-memcache/client/Key"
import { isKeyError } from "@effect-memcache/client/KeyError"
import { bytes } from "@effect-memcache/protocol/Ascii"
import type { Command } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import * as ProtocolKey from "@effect-memcache/protocol/Key"
import * as MetaDecoder from "@effect-memcache/protocol/meta/RequestDecoder"
import { RequestReader } from "@effect-memcache/protocol/RequestReader"
import * as TextEncoder from "@effect-memcache/protocol/text/RequestEncoder"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import * as Result from "effect/Result"
import * as Corpus from "../Corpus.ts"
import type { Target } from "../Target.ts"
import { check, checkSame } from "../Target.ts"
import { latin1, ofRequest } from "./Text.ts"

/** A value that would be a command of its own behind a header that was cut short. */
const VALUE = bytes("\r\nquit\r\n")

/** The written command, read back by the strict reader, is exactly this one. */
const checkCommand = (command: Command): number => {
  const buffer = new WriteBuffer()
  TextEncoder.encode(buffer, command)
  const line = buffer.take()
  const reader = new RequestReader({ parse: MetaDecoder.parse, maxBlockSize: 16 })
  reader.push(line)
  const texts: Array<string> = []
  for (let request = reader.next(); request !== undefined; request = reader.next()) {
    texts.push(ofRequest(request))
    if (request._tag === "Close") break
  }
  checkSame(texts, [ofRequest({ _tag: "Command", command })], "a command with this key")
  return line.length
}

const checkKey = (key: Key): number =>
  checkCommand({ _tag: "Get", keys: [key, key], withCas: false }) +
  checkCommand({ _tag: "Store", mode: "set", key, flags: 0, exptime: 0, value: VALUE, noreply: false })

const checkMade = (made: Result.Result<ClientKey.Key, unknown>, text: string): number => {
  if (Result.isFailure(made)) {
    check(isKeyError(made.failure), "a failure is no KeyError")
    check(!String(made.failure).includes("\n"), "the text of a key error has a line end in it")
    return text.length
  }
  const { wire } = made.success
  check(Buffer.from(wire, "latin1").toString("utf8") === text, "the key on the wire is another text")
  return text.length + checkKey(wire)
}

/** The checks of both packages. */
export const targets: ReadonlyArray<Target> = [{
  name: "key",
  about: "texts, prefixes, numbers and bytes to the key check; a KeyError, or one word of one command",
  kind: "bytes",
  share: 4,
  seeds: () => Corpus.handmade("keys"),
  run: (input) => {
    const given = input.subarray(1)
    switch ((input[0] ?? 0) % 6) {
      case 0:
        return checkMade(ClientKey.make(latin1(given)), latin1(given))
      case 1: {
        const text = Buffer.from(given).toString("utf16le")
        return checkMade(ClientKey.make(text), text)
      }
      case 2: {
        const [prefix = "", key = ""] = latin1(given).split("\0", 2)
        return checkMade(ClientKey.make(key, { prefix }), prefix + key)
      }
      case 3: {
        const number = new DataView(new Uint8Array([...given.subarray(0, 8), 0, 0, 0, 0, 0, 0, 0, 0]).buffer)
        for (const n of [number.getFloat64(0), number.getInt32(0), number.getBigInt64(0)]) {
          checkMade(ClientKey.make(n), String(n))
        }
        return 8
      }
      case 4: {
        const key = ProtocolKey.toBase64(given)
        check(ProtocolKey.isKey(key) === (given.length > 0 && given.length <= 186), "a length is judged wrongly")
        if (!ProtocolKey.isKey(key)) return given.length
        check(latin1(ProtocolKey.fromBase64(key)!) === latin1(given), "base64 reads back as other bytes")
        return given.length + checkKey(key)
      }
      default: {
        const raw = ProtocolKey.fromBase64(latin1(given))
        if (raw === undefined || raw.length > 186) return given.length
        const key = ProtocolKey.toBase64(raw)
        check(ProtocolKey.isKey(key) && latin1(ProtocolKey.fromBase64(key)!) === latin1(raw), "base64 changes bytes")
        return given.length + checkKey(key)
      }
    }
  }
}]
