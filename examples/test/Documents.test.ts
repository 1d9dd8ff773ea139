/**
 * What the README and the documents show is what the repository runs: every program is a file of `examples/programs`,
 * and prints what is shown below it.
 */
import { EmbeddedMemcached } from "@effect-memcache/testing/EmbeddedMemcached"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"

const root = new URL("../../", import.meta.url)
const documents = ["README.md", ...readdirSync(new URL("docs/", root)).map((name) => `docs/${name}`)]
const programs = readdirSync(new URL("examples/programs/", root)).map((name) => `examples/programs/${name}`)

interface Shown {
  readonly document: string
  readonly file: string | undefined
  readonly code: string
  readonly output: string | undefined
}

/** The TypeScript blocks of a document, with the file named above and the output shown below each. */
const blocksOf = (document: string): ReadonlyArray<Shown> => {
  const text = readFileSync(new URL(document, root), "utf8")
  const block =
    /(?:<!-- (examples\/\S+) -->\n+)?```ts\n([\s\S]*?)```\n(?:\n[^\n`#|]*(?:\n[^\n`#|]+)*:\n\n```text\n([\s\S]*?)```)?/g
  return [...text.matchAll(block)].map(([, file, code, output]) => ({ document, file, code, output }))
}

const shown = documents.flatMap(blocksOf)

const run = (file: string, servers: string) =>
  Effect.callback<{ readonly code: number | null; readonly output: string }>((resume) => {
    const child = spawn(process.execPath, ["--conditions=@effect-memcache/source", file], {
      cwd: root,
      env: { ...process.env, MEMCACHE_SERVERS: servers, NO_COLOR: "1", FORCE_COLOR: undefined }
    })
    let output = ""
    child.stdout.on("data", (data) => output += data)
    child.stderr.on("data", (data) => output += data)
    child.on("close", (code) => resume(Effect.succeed({ code, output })))
    return Effect.sync(() => child.kill())
  })

describe("the documents", () => {
  it("show programs, and all of them", () => {
    assert.isAbove(shown.length, 0)
    assert.deepStrictEqual([...new Set(shown.map(({ file }) => file))].sort(), programs.sort())
  })

  it("show each program as it stands in its file", () => {
    for (const { code, document, file } of shown) {
      assert.strictEqual(code, readFileSync(new URL(file!, root), "utf8"), `${document}: ${file}`)
    }
  })

  for (const { document, file, output } of shown) {
    it.live(`${document} tells what ${file} prints`, () =>
      Effect.gen(function*() {
        const server = yield* EmbeddedMemcached.make()
        const result = yield* run(file!, server.address)
        assert.strictEqual(result.code, 0, result.output)
        if (output === undefined) assert.isAbove(result.output.length, 0)
        else assert.strictEqual(result.output, output)
      }))
  }
})

describe("the tour", () => {
  it.live("ends by itself, and tells the same in plain text when it is piped", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedMemcached.make()
      const { code, output } = yield* run("examples/tour.ts", server.address)
      assert.strictEqual(code, 0, output)
      assert.notInclude(output, "\u001b")
      for (const line of ["1  Values keep their types", "300 stored", "300 found", "1000, none lost", "20 changes"]) {
        assert.include(output, line)
      }
    }), 20_000)
})
