/**
 * The process of one row: `node run-row.ts 11` runs it and prints its verdict as the last line. It never calls `exit`,
 * so that what is left open shows. Of several rows, each has its line.
 */
import * as Broken from "./Broken.ts"
import { run } from "./Harness.ts"
import * as Network from "./Network.ts"
import { rows } from "./Rows.ts"

for (const number of process.argv.slice(2)) {
  const row = [...rows, ...Broken.rows].find((row) => row.number === Number(number))
  if (row === undefined) throw new Error(`There is no row ${number}.`)
  if (row.needs === "namespaces" && !Network.isInside()) await Network.enclose([import.meta.filename, number])
  else console.log(`\n${JSON.stringify(await run(row))}`)
}
