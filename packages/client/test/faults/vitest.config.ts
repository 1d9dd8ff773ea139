/**
 * Runs the tests with faults apart from all others: they take minutes, want the machine for themselves, and none of them
 * may run beside another file.
 */
import { join } from "node:path"
import { defineConfig } from "vitest/config"

const conditions = ["@effect-memcache/source"]

export default defineConfig({
  root: join(import.meta.dirname, "../.."),
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    name: "faults",
    // Not `.test.ts`, so that `npm test` does not find them.
    include: ["test/faults/*.fault.ts", "test/matrix/*.fault.ts"],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 30_000
  }
})
