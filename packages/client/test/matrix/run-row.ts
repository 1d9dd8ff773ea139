/**
 * The process of one row: `node run-row.ts 11` runs it and prints its verdict as the last line. It never calls `exit`,
 * so that what is left open shows.
 */
import { run } from "./Harness.ts"
import { rows } from "./Rows.ts"

const number = Number(process.argv[2])
const row = rows.find((row) => row.number === number)
if (row === undefined) throw new Error(`There is no row ${process.argv[2]}.`)
console.log(`\n${JSON.stringify(await run(row))}`)
