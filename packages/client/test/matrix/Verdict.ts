/**
 * What a row's process says of itself in its last line.
 */

export interface Fact {
  readonly name: string
  readonly measured: string
}

export interface Verdict {
  readonly row: number
  /** What was not as it must be, as sentences; they begin with the invariant (`A1`) or with "row". */
  readonly problems: ReadonlyArray<string>
  readonly facts: ReadonlyArray<Fact>
  /**
   * When the row was closed and judged, in Unix milliseconds: from then on the process has a second to end by itself. Up
   * to here the time is the harness's own.
   */
  readonly doneAt: number
}

/** The verdicts in an output; each has a line of its own. */
export const parseAll = (output: string): ReadonlyArray<Verdict> =>
  output.split("\n").filter((line) => line.startsWith("{\"row\":")).map((line) => JSON.parse(line) as Verdict)

/** The verdict in the last line of an output, if there is one. */
export const parse = (output: string): Verdict | undefined => parseAll(output.trimEnd().split("\n").at(-1) ?? "")[0]
