/**
 * The judge of the comparison with the peers. Whoever says of others what they do wrong has to be right about it.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Row } from "../benchmarks/faults/Rows.ts"
import type { Facts, Seen } from "../benchmarks/faults/Trial.ts"
import type { Grade, Run } from "../benchmarks/faults/Verdict.ts"
import { findingsOf, grades, gravest } from "../benchmarks/faults/Verdict.ts"

const row = (about: Partial<Row> = {}): Row => ({
  number: "1",
  title: "port refused",
  explanation: "",
  fault: { kind: "refuse" },
  play: () => Promise.resolve(),
  ...about
})

const seen = (ended: Seen["ended"], about: Partial<Seen> = {}): Seen => ({
  key: "a",
  verb: "get",
  ended,
  milliseconds: 250,
  lag: 0,
  detail: "",
  ...about
})

const facts = (about: Partial<Facts> = {}): Facts => ({
  seen: [seen("error"), seen("value")],
  memory: 3,
  recovery: 120,
  unusable: undefined,
  cannot: false,
  ...about
})

/** By way of JSON, as it comes from the process that has seen it. */
const run = ({ facts: made = facts(), ...about }: Partial<Run> = {}): Run => ({
  client: "memjs",
  row: "1",
  facts: JSON.parse(JSON.stringify(made)) as Facts,
  code: 0,
  isBloated: false,
  resident: 80,
  ended: 20,
  stderr: "",
  injected: [],
  accepts: 1,
  ...about
})

const stuck = (about: Partial<Run>): Run => ({ ...run(about), facts: undefined })

const told = (run: Run, about: Partial<Row> = {}): ReadonlyArray<readonly [Grade, string]> =>
  findingsOf(row(about), run).map(({ grade, text }) => [grade, text])

const THROWN = `
/client/lib/connection.js:12
      throw error

TypeError: Cannot read properties of undefined (reading 'type') at 127.0.0.1:43210
    at Socket.<anonymous> (/client/lib/connection.js:12:7)
`

const FATAL = `
<--- Last few GCs --->

[1:0x1]     2000 ms: Mark-Compact 255.9 (257.1) -> 255.8 (257.3) MB

FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
`

describe("a run in which nothing was wrong", () => {
  const table: ReadonlyArray<readonly [why: string, run: Run, row?: Partial<Row>]> = [
    [
      "errors, values and stores are what is hoped for",
      run({ facts: facts({ seen: [seen("stored"), seen("error")] }) })
    ],
    ["a store that is refused is an answer", run({ facts: facts({ seen: [seen("refused")] }) })],
    ["nobody asked for recovery", run({ facts: facts({ recovery: undefined }) })],
    ["96 MiB are allowed", run({ facts: facts({ memory: 96 }) })],
    ["150 ms beyond the deadline are allowed", run({ facts: facts({ seen: [seen("error", { milliseconds: 400 })] }) })],
    [
      "what the event loop was late by is not the client's",
      run({ facts: facts({ seen: [seen("error", { milliseconds: 500, lag: 100 })] }) })
    ],
    [
      "no time is judged where the work takes some",
      run({ facts: facts({ seen: [seen("value", { milliseconds: 3000 })] }) }),
      { isUntimed: true }
    ],
    [
      "no time is judged where commands are looked for",
      run({ facts: facts({ seen: [seen("error", { milliseconds: 3000 })] }) }),
      { isInjection: true }
    ],
    [
      "a key that nobody can have stored is a miss",
      run({ facts: facts({ seen: [seen("miss")] }) }),
      { isInjection: true }
    ],
    ["the end of the process is judged in few rows", run({ ended: undefined })],
    ["a process may take a second to end", run({ ended: 1000 }), { isEnding: true }],
    ["what is printed is no failure", run({ stderr: THROWN })],
    ["a process may be killed when all has been seen", run({ code: null })]
  ]
  for (const [why, run, row] of table) {
    it(`is ok: ${why}`, () => {
      assert.deepStrictEqual(told(run, row), [])
      assert.deepStrictEqual(gravest([]), { grade: "ok", text: "ok" })
    })
  }
})

describe("a run in which one thing was wrong", () => {
  const table: ReadonlyArray<readonly [grade: Grade, text: string, run: Run, row?: Partial<Row>]> = [
    ["command injected", "command injected (set, flush_all)", run({ injected: ["set", "flush_all"] })],
    [
      "uncaught exception",
      "uncaught exception: TypeError: Cannot read properties of undefined (reading 'type') at the server",
      run({ code: 1, stderr: THROWN })
    ],
    [
      "uncaught exception",
      "uncaught exception: not one line of it",
      run({ code: 1, stderr: "\n not one line of it\n." })
    ],
    ["uncaught exception", "uncaught exception: ", run({ code: 134 })],
    [
      "uncaught exception",
      "process aborted: FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
      stuck({ code: null, stderr: FATAL, resident: 293 })
    ],
    [
      "uncaught exception",
      "could not store before the fault: Error: no",
      run({ facts: facts({ unusable: "could not store before the fault: Error: no" }) })
    ],
    ["hangs", "hangs (never settles)", run({ code: 13, stderr: "Warning: Detected unsettled top-level await" })],
    ["hangs", "hangs (process stuck for 30 s, 293 MiB)", stuck({ code: null, resident: 293 })],
    [
      "hangs",
      "hangs (2 of 3 open after 5 s)",
      run({
        facts: facts({ seen: [seen("value"), ...[0, 1].map(() => seen("pending", { milliseconds: 5000 }))] })
      })
    ],
    ["wrong value", "wrong value (1 of 2)", run({ facts: facts({ seen: [seen("wrong"), seen("value")] }) })],
    ["memory", "memory grew beyond 700 MiB", stuck({ code: null, isBloated: true })],
    ["memory", "memory grew by 97 MiB", run({ facts: facts({ memory: 97 }) })],
    ["does not recover", "does not recover (3 s)", run({ facts: facts({ recovery: Infinity }) })],
    ["false miss", "failure told as a miss (1 of 2)", run({ facts: facts({ seen: [seen("miss"), seen("value")] }) })],
    [
      "late",
      "late by 201 ms (2 of 3)",
      run({
        facts: facts({
          seen: [
            seen("value"),
            seen("error", { milliseconds: 401 }),
            seen("value", { milliseconds: 461, lag: 10 })
          ]
        })
      })
    ],
    ["not an error", "rejected with no Error (1 of 1)", run({ facts: facts({ seen: [seen("not an error")] }) })],
    ["does not end", "process does not end", run({ ended: 1001 }), { isEnding: true }],
    ["does not end", "process does not end", run({ ended: undefined }), { closesEarly: true }],
    ["cannot", "cannot (has no cancellation)", run({ facts: facts({ seen: [], cannot: true }) })]
  ]
  for (const [grade, text, run, row] of table) {
    it(`is told: ${text}`, () => assert.deepStrictEqual(told(run, row), [[grade, text]]))
  }

  it("is told of every grade but those that are no finding of a run", () => {
    const findings = new Set(table.map(([grade]) => grade))
    assert.deepStrictEqual(grades.filter((grade) => !findings.has(grade)), ["not its protocol", "ok"])
  })

  it("is told in a line that fits the table", () => {
    const [[, text] = []] = told(run({ code: 1, stderr: `Error: ${"a".repeat(500)}` }))
    assert.strictEqual(text?.length, "uncaught exception: ".length + 120)
  })
})

describe("a run in which much was wrong", () => {
  it("is told of all of it", () => {
    const all = told(
      run({
        code: 1,
        stderr: "Error: gone",
        injected: ["set"],
        ended: undefined,
        facts: facts({
          memory: 500,
          recovery: Infinity,
          seen: [seen("wrong"), seen("miss"), seen("not an error"), seen("error", { milliseconds: 5000 })]
        })
      }),
      { isEnding: true }
    )
    assert.deepStrictEqual(all.map(([grade]) => grade), [
      "command injected",
      "uncaught exception",
      "wrong value",
      "memory",
      "does not recover",
      "false miss",
      "late",
      "not an error",
      "does not end"
    ])
  })

  it("is not told that what a crash left open hangs", () => {
    const pending = facts({ seen: [seen("pending", { milliseconds: 5000 })] })
    assert.deepStrictEqual(told(run({ code: 1, stderr: "Error: gone", facts: pending })).map(([grade]) => grade), [
      "uncaught exception"
    ])
  })

  it("is not told that what hangs is late, too", () => {
    const pending = facts({ seen: [seen("pending", { milliseconds: 5000 })] })
    assert.deepStrictEqual(told(run({ facts: pending })).map(([grade]) => grade), ["hangs"])
  })
})

describe("the gravest", () => {
  it("is the first by grade, in whatever order they were found", () => {
    const findings = grades.map((grade) => ({ grade, text: `was ${grade}` }))
    for (let i = 0; i < grades.length; i++) {
      const rest = findings.slice(i)
      assert.strictEqual(gravest(rest), findings[i])
      assert.strictEqual(gravest(rest.toReversed()), findings[i])
    }
  })

  it("of equal ones is the one that was found first", () => {
    const [first, second] = ["one", "two"].map((text) => ({ grade: "hangs" as const, text }))
    assert.strictEqual(gravest([first!, second!]), first)
  })
})
