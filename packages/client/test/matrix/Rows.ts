/**
 * All rows of the fault matrix, and why some of them cannot be run here.
 */
import * as NetworkNamespace from "@effect-memcache/testing/NetworkNamespace"
import { execFileSync } from "node:child_process"
import { reasonForNoRealMemcached } from "../Target.ts"
import * as Bytes from "./Bytes.ts"
import * as Cancellation from "./Cancellation.ts"
import * as Connecting from "./Connecting.ts"
import * as Death from "./Death.ts"
import * as Input from "./Input.ts"
import * as Load from "./Load.ts"
import * as Patience from "./Patience.ts"
import type { Need, Row } from "./Row.ts"

export const rows: ReadonlyArray<Row> = [
  ...Connecting.rows,
  ...Patience.rows,
  ...Cancellation.rows,
  ...Bytes.rows,
  ...Load.rows,
  ...Death.rows,
  ...Input.rows
]

const isThere = (command: string, ...args: ReadonlyArray<string>): boolean => {
  try {
    execFileSync(command, args, { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

const reasons: Readonly<Record<Need, () => string | undefined>> = {
  memcached: reasonForNoRealMemcached,
  openssl: () => isThere("openssl", "version") ? undefined : "There is no openssl to make certificates with.",
  namespaces: () => reasonForNoRealMemcached() ?? NetworkNamespace.unavailable()
}

/** Why a row cannot be run on this machine, if it cannot. */
export const reasonAgainst = ({ needs }: Row): string | undefined => needs === undefined ? undefined : reasons[needs]()
