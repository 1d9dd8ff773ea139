import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fill, names, page } from "../scripts/Reliability.ts"

const root = join(import.meta.dirname, "..")
const text = readFileSync(page, "utf8")
const security = readFileSync(join(root, "SECURITY.md"), "utf8")

/** Without what formatting changes: the width of tables, and where lines break. */
const plain = (page: string): string => page.replaceAll(/-{3,}/g, "---").replaceAll(/\s+/g, " ")

const section = (page: string, name: string): string =>
  page.split(`<!-- begin: ${name} -->`)[1]?.split(`<!-- end: ${name} -->`)[0] ?? ""

describe("the page on reliability", () => {
  it("has the figures of the last runs (npm run reliability)", () => {
    const filled = fill(text)
    assert.deepStrictEqual(names.filter((name) => plain(section(text, name)) !== plain(section(filled, name))), [])
  })

  it("has every section that is made of measurements", () => {
    assert.deepStrictEqual(names.filter((name) => !text.includes(`<!-- begin: ${name} -->`)), [])
  })

  it("tells every reason of an error", () => {
    const source = readFileSync(join(root, "packages/transport/src/MemcacheErrorReason.ts"), "utf8")
    const reasons = [...source.matchAll(/^export class (\w+)/gm)].map(([, name]) => name!)
    assert.isAbove(reasons.length, 10)
    assert.deepStrictEqual(reasons.filter((name) => !text.includes(`| \`${name}\``)), [])
  })

  it("and that on security name files that exist", () => {
    const files = [
      ...`${text}${security}`.matchAll(/`((?:packages|test|scripts|fuzz|soak|benchmarks|interop)\/[\w/.-]+)`/g)
    ]
      .map(([, file]) => file!)
    assert.isAbove(files.length, 10)
    assert.deepStrictEqual(files.filter((file) => !existsSync(join(root, file))), [])
  })
})
