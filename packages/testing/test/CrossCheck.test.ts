/**
 * Ten thousand random commands, pipelined, to the embedded server and to an installed one: every byte of the replies
 * must be the same, but for cas uniques and times. `CROSS_CHECK_SEED` repeats or varies a run.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { EmbeddedMemcached } from "../src/EmbeddedMemcached.ts"
import { RealMemcached } from "../src/RealMemcached.ts"
import { isMissing } from "./Installed.ts"
import { maskReplies } from "./MaskedReplies.ts"
import { CAS_KEYS, generate } from "./RandomCommands.ts"
import { RawClient } from "./RawClient.ts"

const SEED = Number(process.env["CROSS_CHECK_SEED"] ?? 20_260_101)
const COMMANDS = 10_000
const PHASE = 500

// A word that no value contains, at the end of what a phase answers.
const MARK = "mg end-of-phase k\r\n"
const MARKED = "EN kend-of-phase\r\n"

const run = async (client: RawClient, steps: ReadonlyArray<string>): Promise<string> => {
  client.send(`gets ${CAS_KEYS.join(" ")}\r\n`)
  const values = await client.until((text) => text.endsWith("\r\nEND\r\n") || text === "END\r\n")
  const uniques = new Map<string, string>()
  for (const [, key, unique] of values.matchAll(/VALUE (\S+) \d+ \d+ (\d+)\r\n/g)) uniques.set(key, unique)
  const bytes = steps.map((step) => step.replace(/\{cas:([^}]*)\}/g, (_, key: string) => uniques.get(key) ?? "77"))
  client.send(bytes.join("") + MARK)
  const replies = await client.until((text) => text.endsWith(MARKED))
  assert.isTrue(replies.endsWith(MARKED), "the server closed the connection")
  return replies
}

const open = ({ host, port }: { readonly host: string; readonly port: number }) =>
  Effect.acquireRelease(
    Effect.promise(() => RawClient.connect({ host, port })),
    (client) => Effect.sync(() => client.end())
  )

const firstDifference = (ours: ReadonlyArray<string>, theirs: ReadonlyArray<string>): string | undefined => {
  const at = ours.findIndex((line, index) => line !== theirs[index])
  if (at < 0 && ours.length === theirs.length) return undefined
  const around = (lines: ReadonlyArray<string>) =>
    lines.slice(Math.max(0, at - 3), at + 2).map((line) => JSON.stringify(line.slice(0, 120))).join("\n  ")
  return `reply ${at} differs; embedded:\n  ${around(ours)}\nreal:\n  ${around(theirs)}`
}

/** What the two servers answered: the first difference, or how often each code came. */
const compare = Effect.fnUntraced(function*() {
  // Its background threads hold items for moments, and then a shortened number is not padded.
  const real = yield* RealMemcached.make({ args: ["-o", "no_lru_crawler,no_lru_maintainer"] })
  const embedded = yield* EmbeddedMemcached.make()
  const [ours, theirs] = yield* Effect.all([open(embedded), open(real)])
  const steps = generate(SEED, COMMANDS)
  const codes = new Map<string, number>()
  for (let at = 0; at < COMMANDS; at += PHASE) {
    const phase = steps.slice(at, at + PHASE).map(({ bytes }) => bytes)
    const [mine, other] = yield* Effect.promise(() => Promise.all([run(ours, phase), run(theirs, phase)]))
    const lines = maskReplies(mine)
    const difference = firstDifference(lines, maskReplies(other))
    if (difference !== undefined) return { codes, difference: `seed ${SEED}, phase at ${at}: ${difference}` }
    for (const line of lines) {
      const [code] = /^[A-Z_]{2,}/.exec(line) ?? [""]
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
  }
  return { codes, difference: undefined }
}, Effect.scoped)

/**
 * The real server is not quite the same from run to run: while replies wait to be written it holds their items, and a
 * number that is shortened meanwhile is not padded. A difference of ours is there every time.
 */
const ATTEMPTS = 3

describe.skipIf(isMissing("memcached"))("the embedded and the installed memcached", () => {
  it.live(`answer ${COMMANDS} random commands alike`, () =>
    Effect.gen(function*() {
      let result = yield* compare()
      for (let attempt = 1; attempt < ATTEMPTS && result.difference !== undefined; attempt++) {
        yield* Effect.logInfo(`attempt ${attempt} differs: ${result.difference}`)
        result = yield* compare()
      }
      const { codes, difference } = result
      assert.isUndefined(difference)
      // A run in which hardly anything happened would agree too.
      for (
        const code of [
          "VALUE",
          "END",
          "STORED",
          "NOT_STORED",
          "EXISTS",
          "NOT_FOUND",
          "DELETED",
          "TOUCHED",
          "OK",
          "ERROR",
          "VA",
          "HD",
          "EN",
          "NS",
          "EX",
          "NF",
          "MN",
          "ME",
          "CLIENT_ERROR",
          "SERVER_ERROR"
        ]
      ) assert.isAtLeast(codes.get(code) ?? 0, code === "SERVER_ERROR" ? 1 : 10, code)
    }), 60_000)
})
