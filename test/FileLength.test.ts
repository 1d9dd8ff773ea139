import { assert, it } from "@effect/vitest"
import * as Sources from "./Sources.ts"

const limit = 450

/** Files that are longer for a reason, which stands here for the reader who wonders. */
const reasons: Readonly<Record<string, string>> = {}

const lines = (file: string): number => Sources.read(file).trimEnd().split("\n").length

it(`no source file is longer than ${limit} lines without a reason`, () => {
  const long = Sources.files().filter((file) => lines(file) > limit && !(file in reasons))
  assert.deepStrictEqual(long.map((file) => `${file}: ${lines(file)} lines`), [])
})

it("no reason outlives the file that it was given for", () => {
  const files = new Set(Sources.files())
  assert.deepStrictEqual(Object.keys(reasons).filter((file) => !files.has(file) || lines(file) <= limit), [])
})
