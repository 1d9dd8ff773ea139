import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Soak } from "../scripts/Reliability.ts"
import { fill, names, page, soak } from "../scripts/Reliability.ts"

const root = join(import.meta.dirname, "..")
const text = readFileSync(page, "utf8")
const security = readFileSync(join(root, "SECURITY.md"), "utf8")

const section = (page: string, name: string): string =>
  page.split(`<!-- begin: ${name} -->`)[1]?.split(`<!-- end: ${name} -->`)[0] ?? ""

/** What dprint makes of a text in Markdown. */
const formatted = (markdown: string): string => {
  const dprint = join(root, "node_modules", ".bin", "dprint")
  const { error, stderr, stdout } = spawnSync(dprint, ["fmt", "--stdin", "page.md"], {
    cwd: root,
    encoding: "utf8",
    input: markdown
  })
  if (error !== undefined || stderr !== "") throw new Error(`dprint: ${String(error ?? stderr)}`)
  return stdout
}

const soaked = (about: Partial<Soak> = {}): Soak => ({
  command: "npm run soak -- --minutes 30",
  date: "2026-11-22",
  node: "v24.21.0",
  memcached: "1.6.18",
  seconds: 1800,
  operations: 14_335_310,
  operationsPerSecond: 7964,
  connections: 418,
  slowestMilliseconds: 1298,
  worstLagMilliseconds: 55,
  endings: { hit: 464_630, "not stored": 42_316 },
  errors: { "ServerDeadError not-sent": 180_821 },
  troubles: { "cut: rst": 2, "400 ms late": 7 },
  checks: [
    { invariant: "A1", name: "wrong values", measured: "0", isPassed: true },
    { invariant: "A5", name: "heap, MiB in 10 minutes (at most 1)", measured: "-0.38", isPassed: false },
    { invariant: "", name: "a | b", measured: "1,464,630", isPassed: true }
  ],
  ...about
})

describe("what is told of a soak", () => {
  it("is as dprint formats it, so that the page that was filled in is the page that is formatted", () => {
    for (const run of [undefined, soaked(), soaked({ errors: {}, checks: soaked().checks.slice(0, 1) })]) {
      assert.strictEqual(formatted(`${soak(run)}\n`), `${soak(run)}\n`)
    }
  })

  it("names the time in the unit in which one would say it", () => {
    const told = (seconds: number): string => /operations in (.*?) \(/.exec(soak(soaked({ seconds })))?.[1] ?? ""
    assert.deepStrictEqual(
      [1, 20, 119, 120, 150, 1800, 1801, 7199, 7200, 9000, 86_400].map(told),
      [
        "1 s",
        "20 s",
        "119 s",
        "2 minutes",
        "2.5 minutes",
        "30 minutes",
        "30 minutes",
        "120 minutes",
        "2 hours",
        "2.5 hours",
        "24 hours"
      ]
    )
  })

  it("counts what has a number in its name, too, and says so where there was nothing", () => {
    assert.include(soak(soaked()), "\n- What went wrong on purpose: 2 × cut: rst, 7 × 400 ms late.")
    assert.include(soak(soaked({ errors: {} })), "\n- Errors, with their outcome: none.\n")
  })
})

describe("the page on reliability", () => {
  it("has the figures of the last runs (npm run reliability)", () => {
    const filled = fill(text)
    assert.deepStrictEqual(names.filter((name) => section(text, name) !== section(filled, name)), [])
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
