import { bytes } from "@effect-memcache/protocol/Ascii"
import { assert, describe, it } from "@effect/vitest"
import * as TextAuthentication from "../src/TextAuthentication.ts"

const parse = (line: string) => {
  const raw = bytes(line)
  const parsed = TextAuthentication.parse(raw, 0, raw.length)
  return parsed._tag === "Command" ? parsed.blockSize : parsed._tag === "Refuse" ? parsed.reply : parsed._tag
}

const users = [{ username: "ada", password: "se cret" }, { username: "bob", password: "pw" }]

describe("TextAuthentication", () => {
  it.each([
    { line: "set any 0 0 11", answer: 11 },
    { line: "set any what ever 11 noreply", answer: 11 },
    { line: "set any 0 0 16385", answer: "CLIENT_ERROR auth token too long" },
    { line: "set any 0 0 x", answer: "CLIENT_ERROR unauthenticated" },
    { line: "set any 0 0", answer: "CLIENT_ERROR unauthenticated" },
    { line: "get some", answer: "CLIENT_ERROR unauthenticated" },
    { line: "version", answer: "CLIENT_ERROR unauthenticated" },
    { line: "quit", answer: "Close" },
    { line: "mn", answer: "Close" }
  ])("\"$line\" before the door answers $answer", ({ answer, line }) => {
    assert.strictEqual(parse(line), answer)
  })

  it.each([
    { token: "bob pw", answer: "STORED" },
    { token: "ada se cret", answer: "STORED" },
    { token: "ada secret", answer: "CLIENT_ERROR authentication failure" },
    { token: "eve pw", answer: "CLIENT_ERROR authentication failure" },
    { token: "bobpw", answer: "CLIENT_ERROR bad authentication token format" }
  ])("the token \"$token\" answers $answer", ({ answer, token }) => {
    assert.strictEqual(TextAuthentication.check(users, bytes(token)), answer)
  })
})
