import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
const text = (file: string): string => readFileSync(join(root, file), "utf8")

interface Manifest {
  readonly name: string
  readonly version: string
  readonly type: string
  readonly files: ReadonlyArray<string>
  readonly engines: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

const manifest = (directory: string) => JSON.parse(text(join(directory, "package.json"))) as Manifest

const names = readdirSync(join(root, "packages"))

describe.each(names)("the package %s", (name) => {
  const { dependencies = {}, engines, exports, files, peerDependencies = {}, type, version } = manifest(
    `packages/${name}`
  )

  it("is ESM for the Nodes that the README promises", () => {
    assert.strictEqual(type, "module")
    assert.deepStrictEqual(engines, { node: ">=22.19" })
  })

  it("ships its sources and what is built of them, and no build information", () => {
    assert.deepStrictEqual(files, ["src", "dist/**/*.js", "dist/**/*.d.ts", "dist/**/*.map"])
  })

  it("exports its modules as all the others do, with the types before the code", () => {
    assert.deepStrictEqual(exports, manifest("packages/protocol").exports)
    assert.deepStrictEqual(Object.keys(exports["./*"] as object), ["@effect-memcache/source", "types", "default"])
  })

  it("depends on nothing but its siblings, in the version that it has itself", () => {
    for (const [dependency, range] of Object.entries(dependencies)) {
      assert.isTrue(dependency.startsWith("@effect-memcache/"), dependency)
      assert.strictEqual(range, version)
    }
  })

  it("has no peers but Effect and its platform", () => {
    const peers = { "@effect/platform-node": "^4.1.0", effect: "^4.1.0" }
    assert.deepStrictEqual(peerDependencies, name === "protocol" ? {} : peers)
  })

  it("carries the license", () => {
    assert.strictEqual(text(`packages/${name}/LICENSE`), text("LICENSE"))
  })
})

describe("the toolchain", () => {
  it("is pinned exactly", () => {
    for (const [dependency, range] of Object.entries(manifest(".").devDependencies!)) {
      assert.match(range, /^\d+\.\d+\.\d+(-[\w.]+)?$/, dependency)
    }
  })

  it("is locked without naming a registry, so that everybody's own is asked", () => {
    const lock = JSON.parse(text("package-lock.json")) as {
      readonly packages: Readonly<Record<string, { readonly resolved?: string }>>
    }
    const hosts = Object.entries(lock.packages).filter(([, { resolved }]) => resolved?.includes("://"))
    assert.deepStrictEqual(hosts, [])
  })
})
