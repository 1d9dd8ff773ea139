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
  /** When the row's scope was closed, in Unix milliseconds: from then on the process has a second to end by itself. */
  readonly closedAt: number
}

/** The verdict in the last line of an output, if there is one. */
export const parse = (output: string): Verdict | undefined => {
  try {
    return JSON.parse(output.trimEnd().split("\n").at(-1) ?? "") as Verdict
  } catch {
    return undefined
  }
}
