import { assert, describe, it } from "@effect/vitest"
import * as ImportEdges from "./ImportEdges.ts"
import * as Sources from "./Sources.ts"

const edge = (file: string, specifier: string | undefined): ImportEdges.Import => ({
  file: `packages/${file}`,
  specifier
})

describe("the packages", () => {
  const imports = Sources.files().flatMap((file) => Sources.imports(file, Sources.read(file)))

  it("are found, all four", () => {
    const names = new Set(Sources.files().map((file) => file.split("/")[1]))
    assert.deepStrictEqual([...names].sort(), ["client", "protocol", "testing", "transport"])
  })

  it("import only what the design allows", () => {
    assert.deepStrictEqual(ImportEdges.violations(imports), [])
  })

  it("have no cycles, neither among their files nor among themselves", () => {
    assert.deepStrictEqual(ImportEdges.cycles(ImportEdges.graph(imports)), [])
  })
})

describe("the rule", () => {
  const allowed: ReadonlyArray<readonly [file: string, specifier: string]> = [
    ["transport/src/Connection.ts", "effect/Effect"],
    ["transport/src/Connection.ts", "@effect-memcache/protocol/Pipeline"],
    ["transport/src/NodeTransport.ts", "@effect/platform-node/NodeSocket"],
    ["transport/src/NodeTransport.ts", "node:tls"],
    ["client/src/Memcache.ts", "@effect-memcache/transport/NodeTransport"],
    ["client/src/Memcache.ts", "@effect-memcache/protocol/Key"],
    ["client/src/Compression.ts", "node:zlib"],
    ["testing/src/Embedded.ts", "node:net"],
    ["testing/src/Embedded.ts", "@effect/platform-node/NodeSocketServer"],
    ["testing/src/Embedded.ts", "@effect-memcache/protocol/Key"]
  ]
  it.each(allowed)("lets %s import %s", (file, specifier) => {
    assert.deepStrictEqual(ImportEdges.violations([edge(file, specifier)]), [])
  })

  const refused: ReadonlyArray<readonly [file: string, specifier: string | undefined]> = [
    ["protocol/src/Key.ts", "effect/Effect"],
    ["protocol/src/Key.ts", "node:buffer"],
    ["protocol/src/Key.ts", "@effect-memcache/protocol/Limits"],
    ["protocol/src/Key.ts", undefined],
    ["transport/src/Connection.ts", "effect"],
    ["transport/src/Connection.ts", "@effect/platform-node/NodeSocket"],
    ["transport/src/NodeTransport.ts", "@effect/platform-node/NodeFileSystem"],
    ["transport/src/NodeTransport.ts", "@effect/platform-node"],
    ["transport/src/Connection.ts", "node:net"],
    ["transport/src/Connection.ts", "@effect-memcache/client/Memcache"],
    ["transport/src/Connection.ts", "@effect-memcache/testing/Embedded"],
    ["client/src/Memcache.ts", "@effect/platform-node/NodeSocket"],
    ["client/src/Memcache.ts", "node:net"],
    ["client/src/Memcache.ts", "@effect-memcache/testing/Embedded"],
    ["testing/src/Embedded.ts", "@effect-memcache/transport/Transport"],
    ["testing/src/Embedded.ts", "@effect-memcache/client/Memcache"],
    ["testing/src/Embedded.ts", "lodash"],
    ["unknown/src/New.ts", "effect/Effect"]
  ]
  it.each(refused)("refuses that %s imports %s", (file, specifier) => {
    assert.lengthOf(ImportEdges.violations([edge(file, specifier)]), 1)
  })

  it("refuses a relative import that leaves its package", () => {
    const imports = Sources.imports("packages/client/src/Memcache.ts", `import "../../testing/src/Embedded.ts"`)
    assert.lengthOf(ImportEdges.violations(imports), 1)
  })

  it("lets one module of the client import node:crypto, and refuses a second", () => {
    const one = [
      edge("client/src/internal/distribution/hashes/Digest.ts", "node:crypto"),
      edge("client/src/internal/distribution/hashes/Digest.ts", "node:crypto")
    ]
    assert.deepStrictEqual(ImportEdges.violations(one), [])
    assert.lengthOf(
      ImportEdges.violations([...one, edge("client/src/internal/distribution/Ketama.ts", "node:crypto")]),
      1
    )
  })
})

describe("the reader", () => {
  it("sees every way to import", () => {
    const text = `/// <reference types="a" />
      import * as B from "b"
      import type { C } from "c"
      import "d"
      export { E } from "e"
      export * as F from "./f.ts"
      export const g = () => import("g")
      export type H = import("h").H
      export const i = require("i")
      export const j = () => import(g.name)
      // import "a comment"
      export const k = 'import "a string"'`
    const specifiers = Sources.imports("packages/x/src/dir/Y.ts", text).map((found) => found.specifier)
    assert.sameMembers(specifiers, ["a", "b", "c", "d", "e", "./f.ts", "g", "h", "i", undefined])
  })

  it("resolves a relative import against its file", () => {
    const [found] = Sources.imports("packages/x/src/dir/Y.ts", `import "../Z.ts"`)
    assert.strictEqual(found!.target, "packages/x/src/Z.ts")
  })
})

describe("the search for cycles", () => {
  const search = (edges: Record<string, ReadonlyArray<string>>) =>
    ImportEdges.cycles(new Map(Object.entries(edges).map(([from, to]) => [from, new Set(to)])))

  it("finds nothing in a diamond", () => {
    assert.deepStrictEqual(search({ a: ["b", "c"], b: ["d"], c: ["d"] }), [])
  })

  it("finds a file that imports itself", () => {
    assert.deepStrictEqual(search({ a: ["a"] }), [["a", "a"]])
  })

  it("finds a long cycle once, behind a way that leads to it", () => {
    assert.deepStrictEqual(search({ a: ["d"], d: ["c"], c: ["b"], b: ["d"] }), [["b", "d", "c", "b"]])
  })

  it("finds two packages that need each other", () => {
    const imports = [
      edge("client/src/A.ts", "@effect-memcache/transport/B"),
      edge("transport/src/B.ts", "@effect-memcache/client/A")
    ]
    assert.deepStrictEqual(ImportEdges.cycles(ImportEdges.graph(imports)), [["client", "transport", "client"]])
  })

  it("finds two files that need each other", () => {
    const imports = [
      ...Sources.imports("packages/x/src/A.ts", `import type { B } from "./B.ts"`),
      ...Sources.imports("packages/x/src/B.ts", `export * from "./A.ts"`)
    ]
    assert.lengthOf(ImportEdges.cycles(ImportEdges.graph(imports)), 1)
  })
})
