/**
 * Says which test projects exist: one per package, the examples, and the workspace's own rules.
 *
 * Tests resolve the packages to their sources, so that no build has to be fresh for a test to be right.
 */
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { defineConfig } from "vitest/config"

const root = import.meta.dirname
const conditions = ["@effect-memcache/source"]

const project = (
  name: string,
  directory: string,
  include = ["test/**/*.test.ts"],
  exclude: ReadonlyArray<string> = []
) => ({
  extends: true as const,
  root: join(root, directory),
  test: { name, include, exclude: [...exclude] }
})

/** Its rows measure time in processes of their own, and want the machine for themselves. */
const matrix = ["test/matrix/*.test.ts"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      ...readdirSync(join(root, "packages")).map((name) => project(name, `packages/${name}`, undefined, matrix)),
      project("matrix", "packages/client", matrix),
      project("examples", "examples"),
      project("fuzz", "fuzz"),
      project("soak", "soak"),
      project("interop", "interop"),
      project("workspace", ".")
    ],
    passWithNoTests: true,
    // Tests with real sockets and processes share two cores with others: five seconds is not always a hang.
    testTimeout: 15_000,
    hookTimeout: 30_000
  }
})
