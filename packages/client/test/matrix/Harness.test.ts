/**
 * That the harness finds what it looks for: every row here has something wrong with it.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Broken } from "./Broken.ts"
import { rows } from "./Broken.ts"
import { Children, explain } from "./Children.ts"

const assertFound = (row: Broken, problems: ReadonlyArray<string>, explanation: string): void => {
  assert.isNotEmpty(problems, explanation)
  assert.isEmpty(problems.filter((problem) => !row.problem.test(problem)), explanation)
}

describe("the harness finds", () => {
  const children = new Children(2)
  // One process after another with each of them would take longer than the whole matrix should.
  const inside = children.verdicts(rows.filter(({ isOutside }) => !isOutside))

  for (const row of rows) {
    it.concurrent(row.title, { timeout: 120_000 }, async () => {
      if (row.isOutside) {
        const result = await children.result(row)
        return assertFound(row, result.problems, explain(result))
      }
      const verdict = (await inside).find((verdict) => verdict.row === row.number)
      assertFound(row, verdict?.problems ?? [], JSON.stringify(verdict, undefined, 2))
    })
  }
})
