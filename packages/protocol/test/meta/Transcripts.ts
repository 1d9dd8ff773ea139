/**
 * The recorded exchanges with real servers, as bytes.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { bytes } from "../../src/Ascii.ts"
import type { Transcript } from "./record.ts"

/** One connection. Refused lines are recorded under their own text. */
export interface Exchange {
  readonly name: string
  readonly isRefusal: boolean
  readonly send: Uint8Array
  readonly reply: Uint8Array
}

const load = (version: string): ReadonlyArray<Exchange> => {
  const file = join(import.meta.dirname, `transcripts/memcached-${version}.json`)
  const { exchanges } = JSON.parse(readFileSync(file, "utf8")) as Transcript
  return exchanges.map(({ name, reply, send }) => ({
    name,
    isRefusal: send.startsWith(`${name}\r\n`),
    send: bytes(send),
    reply: bytes(reply)
  }))
}

/** Debian's memcached. */
export const debian = load("1.6.18")

/** The newest memcached, after which the server side is made. */
export const newest = load("1.6.45")

/** The exchange of that name. */
export const get = (exchanges: ReadonlyArray<Exchange>, name: string): Exchange => {
  const exchange = exchanges.find((exchange) => exchange.name === name)
  if (exchange === undefined) throw new Error(`no exchange is called "${name}"`)
  return exchange
}
