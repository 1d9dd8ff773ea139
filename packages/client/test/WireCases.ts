/**
 * The recorded hard cases as a test can use them.
 */
import { readFileSync } from "node:fs"

export interface WireCase {
  readonly id: string
  readonly dialect: string
  readonly title: string
  readonly kind: "live" | "scripted"
  /** Byte strings; empty where the case has no text of its own. */
  readonly setup: string
  readonly send: string
  readonly reply_1_6_18: string
  readonly reply_1_6_45: string
}

/** `{a*3}` is `aaa`. */
const expand = (text: string): string =>
  text.replace(/\{(.)\*(\d+)\}/g, (_, unit: string, times: string) => unit.repeat(Number(times)))

const path = new URL("../../testing/test/fixtures/wire-cases.json", import.meta.url)

/** Those of the dialects that this client speaks. */
export const cases: ReadonlyArray<WireCase> = (JSON.parse(readFileSync(path, "utf8")) as ReadonlyArray<WireCase>)
  .filter(({ dialect }) => dialect.includes("text") || dialect.includes("meta"))
  .map((wireCase) => ({ ...wireCase, setup: expand(wireCase.setup), send: expand(wireCase.send) }))

export const byId = (id: string): WireCase => {
  const wireCase = cases.find((wireCase) => wireCase.id === id)
  if (wireCase === undefined) throw new Error(`there is no case ${id}`)
  return wireCase
}

/** Whether a server's answer is the recorded one, which `~rx:` says as a regular expression. */
export const isReply = (recorded: string, actual: string): boolean =>
  recorded.startsWith("~rx:") ? new RegExp(recorded.slice(4)).test(actual) : recorded === actual
