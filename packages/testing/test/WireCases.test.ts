/**
 * The live hard cases of the wire, recorded from two servers, in both text dialects.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { EmbeddedMemcached } from "../src/EmbeddedMemcached.ts"
import { RealMemcached } from "../src/RealMemcached.ts"
import { isMissing } from "./Installed.ts"
import { fencesIn, RawClient } from "./RawClient.ts"

interface WireCase {
  readonly id: string
  readonly dialect: string
  readonly kind: "live" | "scripted"
  readonly title: string
  readonly setup: string
  readonly send: string
  readonly reply_1_6_18: string
  readonly reply_1_6_45: string
}

const file = join(import.meta.dirname, "fixtures", "wire-cases.json")
const cases = (JSON.parse(readFileSync(file, "utf8")) as ReadonlyArray<WireCase>)
  .filter(({ dialect, kind }) => kind === "live" && dialect !== "binary")

const unfold = (text: string): string => text.replace(/\{(.)\*(\d+)\}/g, (_, unit, times) => unit.repeat(Number(times)))

const play = (server: { readonly host: string; readonly port: number }, { send, setup }: WireCase, pieces: number) =>
  Effect.promise(async () => {
    const client = await RawClient.connect(server)
    // The case that compares with cas unique 1 means one that no item has.
    await client.ask(`flush_all\r\nset spare 0 0 1\r\nx\r\n${unfold(setup)}`)
    const bytes = unfold(send)
    const length = Math.ceil(bytes.length / pieces)
    for (let at = 0; at < bytes.length; at += length) {
      client.send(bytes.slice(at, at + length))
      await new Promise((resolve) => setImmediate(resolve))
    }
    const reply = await client.ask("", fencesIn(bytes))
    client.end()
    return reply
  })

const PATTERN = "~rx:"

const check = (reply: string, expected: string): void => {
  if (expected.startsWith(PATTERN)) assert.match(reply, new RegExp(expected.slice(PATTERN.length)))
  else assert.strictEqual(reply, unfold(expected))
}

describe("wire cases", { timeout: 20_000 }, () => {
  it("are there", () => {
    assert.strictEqual(cases.length, 14)
  })

  it.live.each(cases)("$id on the embedded server: $title", (wireCase) =>
    Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      check(yield* play(server, wireCase, 1), wireCase.reply_1_6_45)
      check(yield* play(server, wireCase, 7), wireCase.reply_1_6_45)
    }))

  it.live.skipIf(isMissing("memcached"))("hold for the installed memcached", () =>
    Effect.gen(function*() {
      const server = yield* RealMemcached.make()
      const isNew = Number(server.version.split(".")[2]) >= 40
      for (const wireCase of cases) {
        check(yield* play(server, wireCase, 1), isNew ? wireCase.reply_1_6_45 : wireCase.reply_1_6_18)
      }
    }))
})
