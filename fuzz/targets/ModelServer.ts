/**
 * A server that knows to whom each reply belongs: every value it answers begins with its key and the number of its
 * request, so that a value in the wrong hands tells where it came from.
 *
 * It answers the requests that were written, not the slots that wrote them, and has no idea of the pipeline.
 */
import { bytes } from "@effect-memcache/protocol/Ascii"
import type { Command } from "@effect-memcache/protocol/Command"
import type { Program } from "./Program.ts"

/** A part of a reply: a line, or the value behind it. */
export interface Part {
  readonly text: string
  readonly isHeader: boolean
}

/** What a request is answered, and what the client must make of it if the bytes arrive as they are. */
export interface Answer {
  readonly parts: ReadonlyArray<Part>
  /** The values by the index of their key; for counters the number; absent where the reply carries none. */
  readonly values: ReadonlyArray<string | undefined>
  /** Whether the client may give up the connection over this, although it is a legal reply. */
  readonly mayEnd: boolean
}

const line = (text: string): Part => ({ text: `${text}\r\n`, isHeader: true })
const block = (text: string): Part => ({ text: `${text}\r\n`, isHeader: false })

/** What a value of this key and request is. Some hold line ends and words, as values may. */
export const valueOf = (key: string, serial: number, choice: number): string =>
  `${key}#${serial};${["", "x", "\r\n", "\r\nEND", "END\r\nxxxxxxxxx", "v".repeat(70)][choice % 6]}`

const ERRORS = ["SERVER_ERROR out of memory", "ERROR", "CLIENT_ERROR bad command line format"]

/** How requests are answered. */
export interface Manner {
  readonly isMeta: boolean
  /** A miss of a meta command is a bare `EN` or `NF`, as memcached 1.6.10 to 1.6.17 has it. */
  readonly hasBareMisses: boolean
}

/** Answers one command; `serial` is its number on this connection. */
export const answer = (
  command: Command,
  opaque: string,
  serial: number,
  manner: Manner,
  program: Program
): Answer => {
  const choice = program.next()
  const kind = choice % 16
  const isMiss = kind === 5 || kind === 6
  // Few, because some of them end the connection.
  if (kind >= 14) return error(command, ERRORS[kind === 14 ? 0 : 1 + (choice >> 4) % 2], manner)
  const value = (key: string): string => valueOf(key, serial, choice >> 3)
  const plain = (text: string): Answer => ({ parts: [line(text)], values: [], mayEnd: false })
  const header = (code: string): Answer => plain(`${code}${opaque}`)
  const miss = (code: string): Answer => manner.hasBareMisses ? plain(code) : header(code)
  switch (command._tag) {
    case "Get":
    case "GetAndTouch":
      return values(command.keys, command.withCas, value, choice)
    case "MetaGet": {
      if (isMiss) return miss("EN")
      const text = value(command.key)
      if (!command.flags.includes("v")) return header("HD")
      const echo = command.flags.includes("k") ? ` k${command.key}` : ""
      return { parts: [line(`VA ${text.length} f0${opaque}${echo}`), block(text)], values: [text], mayEnd: false }
    }
    case "MetaSet":
      return isMiss ? header("NS") : header("HD")
    case "MetaDelete":
      return isMiss ? miss("NF") : header("HD")
    case "MetaArithmetic": {
      if (isMiss) return miss("NF")
      const text = String(serial)
      return { parts: [line(`VA ${text.length}${opaque}`), block(text)], values: [text], mayEnd: false }
    }
    case "MetaNoop":
      return plain("MN")
    case "MetaDebug":
      return isMiss ? plain("EN") : plain(`ME ${command.key} exp=-1 la=${serial}`)
    case "Store":
    case "Cas":
      return plain(isMiss ? "NOT_STORED" : "STORED")
    case "Arithmetic":
      return isMiss ? plain("NOT_FOUND") : { ...plain(String(serial)), values: [String(serial)] }
    case "Delete":
      return plain(isMiss ? "NOT_FOUND" : "DELETED")
    case "Touch":
      return plain(isMiss ? "NOT_FOUND" : "TOUCHED")
    case "FlushAll":
    case "Verbosity":
      return plain("OK")
    case "Version":
      return plain(`VERSION 1.6.${serial}`)
    case "Stats":
      return { parts: [line(`STAT pid ${serial}`), line("STAT x y"), line("END")], values: [], mayEnd: false }
    default:
      return plain("ERROR")
  }
}

/** `VALUE` for every key but the misses, in the order of the keys or turned round. */
const values = (
  keys: ReadonlyArray<string>,
  withCas: boolean,
  value: (key: string) => string,
  choice: number
): Answer => {
  const found = keys.map((key, i) => ((choice >> (i % 5)) & 4) === 4 ? undefined : value(key))
  const parts = keys.map((key, i): ReadonlyArray<Part> => {
    const text = found[i]
    return text === undefined ? [] : [line(`VALUE ${key} 0 ${text.length}${withCas ? " 7" : ""}`), block(text)]
  })
  if (choice >= 128) parts.reverse()
  return { parts: [...parts.flat(), line("END")], values: found, mayEnd: false }
}

/** An error line; for several keys in the meta dialect there is a proxy that still says `END`. */
const error = (command: Command, text: string, { isMeta }: Manner): Answer => {
  const isRead = command._tag === "Get" || command._tag === "GetAndTouch"
  // Behind a storage command the client must end the connection; after a failed text get an `END` is ambiguous.
  const isStorage = command._tag === "Store" || command._tag === "Cas" || command._tag === "MetaSet"
  const mayEnd = (isStorage && !text.startsWith("SERVER")) || (isRead && !isMeta)
  return { parts: [line(text)], values: [], mayEnd }
}

/** The bytes of some parts. */
export const encode = (parts: ReadonlyArray<Part>): Uint8Array => bytes(parts.map((part) => part.text).join(""))

/** Lines that answer no request of the model, as a confused or hostile server may send them. */
export const STRAYS = [
  "END\r\n",
  "MN\r\n",
  "STORED\r\n",
  "OK\r\n",
  "ERROR\r\n",
  "SERVER_ERROR out of memory\r\n",
  "EN\r\n",
  "HD\r\n",
  "\r\n",
  "HD O1\r\n",
  "VA 1 f0 O1\r\nz\r\n",
  "VALUE zzzz 0 5\r\nzzzz#\r\nEND\r\n",
  "VALUE zzzz 0 -5\r\n",
  "\0",
  "x",
  "RESET\r\n",
  "VALUE zzzz 0 4294967295\r\n",
  "STAT a b\r\n",
  "NOT_FOUND\r\n",
  "NF\r\n",
  "DELETED\r\n",
  "VERSION 1\r\n",
  "TOUCHED\r\n",
  "ME zzzz x\r\n",
  "CLIENT_ERROR bad\r\n",
  "EX\r\n",
  "NS\r\n",
  "VA 99999999999999999999\r\n"
].map(bytes)
