/**
 * Request streams, read as a server reads them: both decoders behind the reader. The embedded server stands on this.
 */
import type { Command } from "@effect-memcache/protocol/Command"
import * as MetaDecoder from "@effect-memcache/protocol/meta/RequestDecoder"
import * as MetaEncoder from "@effect-memcache/protocol/meta/RequestEncoder"
import type { ParseRequestLine } from "@effect-memcache/protocol/Request"
import { RequestReader } from "@effect-memcache/protocol/RequestReader"
import * as TextDecoder from "@effect-memcache/protocol/text/RequestDecoder"
import * as TextEncoder from "@effect-memcache/protocol/text/RequestEncoder"
import { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import * as Corpus from "../Corpus.ts"
import { Random } from "../Random.ts"
import type { Target } from "../Target.ts"
import { check, checkSame } from "../Target.ts"
import { ofRequest } from "./Text.ts"

const MAX_BLOCK_SIZE = 256

const OPAQUE = 7

interface Reading {
  readonly texts: ReadonlyArray<string>
  readonly commands: ReadonlyArray<Command>
}

const readAll = (parse: ParseRequestLine, input: Uint8Array, sizeOf: () => number): Reading => {
  const reader = new RequestReader({ parse, maxBlockSize: MAX_BLOCK_SIZE })
  const texts: Array<string> = []
  const commands: Array<Command> = []
  for (let at = 0; at < input.length;) {
    const end = Math.min(at + sizeOf(), input.length)
    reader.push(input.subarray(at, end))
    at = end
    for (let request = reader.next(); request !== undefined; request = reader.next()) {
      texts.push(ofRequest(request))
      check(texts.length <= input.length, "more requests than bytes")
      if (request._tag === "Command") commands.push(request.command)
      if (request._tag !== "Close") continue
      check(reader.next()?._tag === "Close", "a reader goes on after it has closed")
      return { texts, commands }
    }
  }
  return { texts, commands }
}

/** The command as it is read back from what an encoder wrote of it; `undefined` if no encoder of ours writes it. */
const written = (command: Command): { readonly bytes: Uint8Array; readonly expected: Command } | undefined => {
  const buffer = new WriteBuffer()
  if (!command._tag.startsWith("Meta")) {
    TextEncoder.encode(buffer, command)
    const isJoined = command._tag === "Store" && (command.mode === "append" || command.mode === "prepend")
    return { bytes: buffer.take(), expected: isJoined ? { ...command, flags: 0, exptime: 0 } : command }
  }
  if (!MetaEncoder.supports(command)) return undefined
  const isOpaque = MetaEncoder.encode(buffer, command, OPAQUE)
  const expected = isOpaque && "flags" in command
    ? { ...command, flags: [...command.flags as ReadonlyArray<string>, `O${OPAQUE}`] } as Command
    : command
  return { bytes: buffer.take(), expected }
}

const target = (name: "meta" | "text", parse: ParseRequestLine): Target => ({
  name: `${name}-request-stream`,
  about: "a stream to the server's reader in three chunkings; every command that was read is written and read again",
  kind: "lines",
  share: 4,
  seeds: () => [...Corpus.recordedRequests(), ...Corpus.handmade("requests")],
  run: (input) => {
    const whole = readAll(parse, input, () => Infinity)
    const random = new Random(input.length * 65_537 + (input[0] ?? 0) * 257 + (input[input.length >> 1] ?? 0))
    checkSame(readAll(parse, input, () => 1 + random.below(24)).texts, whole.texts, "read in random chunks")
    checkSame(readAll(parse, input, () => 1).texts, whole.texts, "read byte by byte")
    let size = input.length * 3
    for (const command of whole.commands) {
      const again = written(command)
      if (again === undefined) continue
      size += again.bytes.length
      const texts = readAll(parse, again.bytes, () => Infinity).texts
      checkSame(texts, [ofRequest({ _tag: "Command", command: again.expected })], "read, written and read again")
    }
    return size
  }
})

/** The request decoders of both dialects, behind the reader. */
export const targets: ReadonlyArray<Target> = [target("meta", MetaDecoder.parse), target("text", TextDecoder.parse)]
