/**
 * The door of a server with text authentication (`-Y`): nothing but one `set` is understood before it.
 *
 * The key, flags and exptime of that `set` mean nothing and need not be legal, so its line is read here and not by the
 * request parser.
 *
 * @since 0.1.0
 */
import { byteString } from "@effect-memcache/protocol/Ascii"
import * as Key from "@effect-memcache/protocol/Key"
import type { RequestLine } from "@effect-memcache/protocol/Request"

/**
 * Somebody who may come in.
 *
 * @category models
 * @since 0.1.0
 */
export interface User {
  readonly username: string
  readonly password: string
}

const MAX_TOKEN_SIZE = 16_384

// A first line that is too short to be a set ends the connection (memcached 1.6.45).
const MIN_LINE_LENGTH = 5

/**
 * Reads a command line of somebody who is not known yet. An accepted line is a `set` whose value is the token.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (bytes: Uint8Array, start: number, end: number): RequestLine => {
  if (end - start < MIN_LINE_LENGTH) return { _tag: "Close" }
  const words = byteString(bytes, start, end).split(" ").filter((word) => word !== "")
  if (words[0] !== "set" || words.length < 5 || !/^\d{1,9}$/.test(words[4])) {
    return refuse("CLIENT_ERROR unauthenticated")
  }
  const size = Number(words[4])
  if (size > MAX_TOKEN_SIZE) return refuse("CLIENT_ERROR auth token too long")
  const key = Key.make("auth")
  if (!Key.isKey(key)) return refuse("CLIENT_ERROR unauthenticated")
  return {
    _tag: "Command",
    command: { _tag: "Store", mode: "set", key, flags: 0, exptime: 0, value: new Uint8Array(0), noreply: false },
    blockSize: size
  }
}

const refuse = (reply: string): RequestLine => ({ _tag: "Refuse", reply, swallow: -1 })

/**
 * The answer to a token, `user password`: `STORED` opens the door. The password may hold blanks.
 *
 * @category combinators
 * @since 0.1.0
 */
export const check = (users: ReadonlyArray<User>, token: Uint8Array): string => {
  const text = new TextDecoder().decode(token)
  const end = text.indexOf(" ")
  if (end < 0) return "CLIENT_ERROR bad authentication token format"
  const isKnown = users.some(({ password, username }) =>
    username === text.slice(0, end) && password === text.slice(end + 1)
  )
  return isKnown ? "STORED" : "CLIENT_ERROR authentication failure"
}
