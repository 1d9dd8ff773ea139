import type { Command } from "@effect-memcache/protocol/Command"
import type { Key } from "@effect-memcache/protocol/Key"
import type { ErrorReply } from "@effect-memcache/protocol/Reply"
import { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import type { Reason } from "@effect-memcache/transport/MemcacheErrorReason"
import type { Outcome } from "@effect-memcache/transport/Outcome"
import { rejection, statusOf } from "@effect-memcache/transport/Rejection"
import { assert, it } from "@effect/vitest"
import * as Option from "effect/Option"

const set: Command = {
  _tag: "Store",
  mode: "set",
  key: "k" as Key,
  flags: 0,
  exptime: 0,
  value: new Uint8Array(0),
  noreply: false
}

const line = (text: string): ErrorReply => {
  const [, word, message] = /^([A-Z_]+) ?(.*)$/.exec(text)!
  const tags = { ERROR: "Error", CLIENT_ERROR: "ClientError", SERVER_ERROR: "ServerError" } as const
  return { _tag: tags[word as keyof typeof tags], message }
}

const table: ReadonlyArray<readonly [line: string, tag: Reason["_tag"], outcome: Outcome]> = [
  ["ERROR", "UnsupportedError", "rejected"],
  ["ERROR Too many open connections", "ConnectError", "not-sent"],
  ["ERROR: shutdown not enabled", "UnsupportedError", "rejected"],
  ["ERROR metadump not allowed", "UnsupportedError", "rejected"],
  ["ERROR something new", "UnsupportedError", "rejected"],
  ["CLIENT_ERROR bad command line format", "ClientError", "rejected"],
  ["CLIENT_ERROR bad data chunk", "ClientError", "rejected"],
  ["CLIENT_ERROR cannot increment or decrement non-numeric value", "NotNumberError", "rejected"],
  ["CLIENT_ERROR invalid numeric delta argument", "ClientError", "rejected"],
  ["CLIENT_ERROR invalid exptime argument", "ClientError", "rejected"],
  ["CLIENT_ERROR flush_all not allowed", "UnsupportedError", "rejected"],
  ["CLIENT_ERROR stats cachedump not allowed", "UnsupportedError", "rejected"],
  ["CLIENT_ERROR stats detail not allowed", "UnsupportedError", "rejected"],
  ["CLIENT_ERROR watch commands not allowed", "UnsupportedError", "rejected"],
  ["CLIENT_ERROR invalid flag", "UnsupportedError", "rejected"],
  ["CLIENT_ERROR invalid or duplicate flag", "UnsupportedError", "rejected"],
  ["CLIENT_ERROR duplicate flag", "ClientError", "rejected"],
  ["CLIENT_ERROR invalid mode for ms M token", "UnsupportedError", "rejected"],
  ["CLIENT_ERROR bad token in command line format", "ClientError", "rejected"],
  ["CLIENT_ERROR opaque token too long", "ClientError", "rejected"],
  ["CLIENT_ERROR options flags are too long", "ClientError", "rejected"],
  ["CLIENT_ERROR error decoding key", "ClientError", "rejected"],
  ["CLIENT_ERROR parsing request", "ClientError", "rejected"],
  ["CLIENT_ERROR bad key", "ClientError", "rejected"],
  ["CLIENT_ERROR unauthenticated", "AuthenticationError", "rejected"],
  ["CLIENT_ERROR authentication failure", "AuthenticationError", "rejected"],
  ["CLIENT_ERROR bad authentication token format", "AuthenticationError", "rejected"],
  ["CLIENT_ERROR auth token too long", "AuthenticationError", "rejected"],
  ["SERVER_ERROR object too large for cache", "ValueTooLargeError", "rejected"],
  ["SERVER_ERROR out of memory storing object", "OutOfMemoryError", "rejected"],
  ["SERVER_ERROR out of memory writing get response", "OutOfMemoryError", "rejected"],
  ["SERVER_ERROR: shutdown not enabled", "UnsupportedError", "rejected"],
  ["SERVER_ERROR Command disabled", "UnsupportedError", "rejected"],
  ["SERVER_ERROR backend failure", "ServerError", "unknown"],
  ["SERVER_ERROR Connection refused", "ServerError", "rejected"],
  ["SERVER_ERROR Connection timed out", "ServerError", "unknown"],
  ["SERVER_ERROR timeout", "ServerError", "unknown"],
  ["SERVER_ERROR connection error", "ServerError", "unknown"],
  ["SERVER_ERROR unavailable", "ServerError", "unknown"],
  ["SERVER_ERROR 307 busy", "ServerError", "rejected"],
  ["SERVER_ERROR 302 try again", "ServerError", "rejected"],
  ["SERVER_ERROR deadline exceeded", "ServerError", "unknown"],
  ["SERVER_ERROR remote error", "ServerError", "unknown"],
  ["SERVER_ERROR", "ServerError", "rejected"]
]

it.each(table)("%s is a %s, %s", (text, tag, outcome) => {
  const error = rejection(line(text), set, "cache1:11211")
  assert.strictEqual(error.reason._tag, tag)
  assert.strictEqual(error.outcome, outcome)
  assert.deepStrictEqual(error.server, Option.some("cache1:11211"))
  assert.deepStrictEqual(error.reason.command, Option.some("set"))
})

it("a colon behind the word is not part of the text", () => {
  const error = rejection({ _tag: "ServerError", message: ": shutdown not enabled" }, set, "s:1")
  assert.strictEqual(error.reason.detail, "shutdown not enabled")
})

it.each([
  ["ERROR", "ERROR"],
  ["CLIENT_ERROR bad data chunk", "CLIENT_ERROR"],
  ["SERVER_ERROR out of memory storing object", "SERVER_ERROR"]
])("the error of the line %s remembers that it was %s, and prints as any other", (text, status) => {
  const error = rejection(line(text), set, "s:1")
  assert.strictEqual(statusOf(error), status)
  assert.deepStrictEqual(
    Object.getOwnPropertySymbols(error).filter((key) => Object.prototype.propertyIsEnumerable.call(error, key)),
    []
  )
})

it("an error that no server said has no status", () => {
  assert.isUndefined(statusOf(MemcacheError.noServer({})))
})
