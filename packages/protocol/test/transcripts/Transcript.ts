/**
 * What a transcript file holds: requests that were sent to a real memcached and every byte that came back.
 */

/** Bytes as text, one UTF-16 unit each; a pair repeats its text. */
export type Bytes = string | readonly [text: string, times: number]

export interface Step {
  readonly send: ReadonlyArray<Bytes>
  /** What came back before the server fell silent. */
  readonly reply: string
  /** Whether the server closed the connection after it. */
  readonly closed: boolean
}

/** The steps of one connection, on an empty server. */
export interface Session {
  readonly name: string
  readonly steps: ReadonlyArray<Step>
}

export interface Transcript {
  readonly server: string
  readonly recorded: string
  readonly sessions: ReadonlyArray<Session>
}

/** The bytes of a step as one byte string. */
export const text = (send: ReadonlyArray<Bytes>): string =>
  send.map((part) => typeof part === "string" ? part : part[0].repeat(part[1])).join("")
