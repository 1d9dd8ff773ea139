/**
 * Makes a test of each row: named by its number, run in a process of its own, with a table of all of them in the end.
 */
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Children from "./Children.ts"
import type { Row } from "./Row.ts"
import { reasonAgainst } from "./Rows.ts"

export const suite = (name: string, rows: ReadonlyArray<Row>, width: number): void => {
  describe.concurrent(name, () => {
    const children = new Children.Children(width)
    for (const row of rows) {
      const title = `row ${row.number}: ${row.title}`
      const reason = reasonAgainst(row)
      if (reason !== undefined) console.log(`${title}: not run. ${reason}`)
      // A test waits for others of its kind, so its own limit says nothing; the process has one.
      it.skipIf(reason !== undefined)(title, { timeout: 600_000 }, async () => {
        const result = await children.result(row)
        assert.isEmpty(result.problems, Children.explain(result))
      })
    }
    afterAll(() => console.log(`\n${children.table()}`))
  })
}
