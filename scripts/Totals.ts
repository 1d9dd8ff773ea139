/**
 * Prints the totals of a run as the last line, as `scripts/check.ts` does.
 */
import type { Reporter, TestModule } from "vitest/node"

class Totals implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const count = (state: string): number => tests.filter((test) => test.result().state === state).length
    // A file that cannot be loaded has no test that could fail.
    const broken =
      modules.filter((module) => module.state() === "failed" && [...module.children.allTests("failed")].length === 0)
        .length
    const failures = count("failed") + broken
    const isLost = failures === 0 && (unhandledErrors.length > 0 || tests.length === 0)
    const skipped = count("skipped")
    console.log(
      `\n${count("passed")} passed, ${failures + (isLost ? 1 : 0)} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`
    )
  }
}

export default Totals
