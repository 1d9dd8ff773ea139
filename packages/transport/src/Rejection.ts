/**
 * What an error line of a server means, in one table: memcached, its proxies and the clouds use the same three words
 * for very different things, and only their texts tell them apart.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import { verb } from "@effect-memcache/protocol/Command"
import type { ErrorReply } from "@effect-memcache/protocol/Reply"
import type { Context } from "./MemcacheError.ts"
import { MemcacheError } from "./MemcacheError.ts"

interface Rule {
  readonly tag?: ErrorReply["_tag"]
  readonly text: RegExp
  readonly error: (context: Context) => MemcacheError
}

/**
 * The first rule that fits is taken, so the special ones stand above the general ones.
 *
 * Sources: memcached 1.4.39 to 1.6.45 as run, its built-in proxy, twemproxy 0.5 and mcrouter's sources.
 */
const rules: ReadonlyArray<Rule> = [
  // memcached -Y: any command before the credentials, and wrong ones.
  { text: /unauthenticated|authentication|auth token/i, error: MemcacheError.authentication },
  { text: /too large|too big/i, error: MemcacheError.valueTooLarge },
  { text: /out of memory/i, error: MemcacheError.outOfMemory },
  { tag: "ClientError", text: /non-numeric/i, error: MemcacheError.notNumber },
  // -F, -W, -X, no -A; mcrouter without --enable-flush-cmd.
  { text: /not allowed|not enabled|disabled|not supported|unknown command/i, error: MemcacheError.unsupported },
  // A meta flag that this release does not know yet.
  { tag: "ClientError", text: /invalid (or duplicate )?flag|invalid mode/i, error: MemcacheError.unsupported },
  // Said on connect, before the server closes: nothing that was written is ever read.
  {
    tag: "Error",
    text: /too many open connections/i,
    error: (context) => MemcacheError.connect({ ...context, outcome: "not-sent" })
  },
  { tag: "ServerError", text: /connection refused|busy/i, error: MemcacheError.serverError },
  // Words of proxies about a backend that they may already have written to.
  {
    tag: "ServerError",
    text: /backend|time(d )?[ -]?out|connection|remote|deadline|unavailable|reset|broken pipe|closed/i,
    error: (context) => MemcacheError.serverError({ ...context, outcome: "unknown" })
  },
  { tag: "ServerError", text: /^/, error: MemcacheError.serverError },
  { tag: "ClientError", text: /^/, error: MemcacheError.clientError },
  // A bare ERROR: the server does not know the command.
  { tag: "Error", text: /^/, error: MemcacheError.unsupported }
]

// Beside the fields, so that errors print and compare by what they say.
const Status = Symbol("status")

const WORDS = { Error: "ERROR", ClientError: "CLIENT_ERROR", ServerError: "SERVER_ERROR" } as const

/**
 * The error that an error line stands for. Its outcome is `"rejected"`, except that a proxy which lost its backend
 * leaves it `"unknown"`, and that nothing was sent to a server that has no connection to spare.
 *
 * @category constructors
 * @since 0.1.0
 */
export const rejection = (reply: ErrorReply, command: Command, server: string): MemcacheError => {
  // memcached puts a colon right after the word in `SERVER_ERROR: shutdown not enabled`.
  const detail = reply.message.replace(/^[:\s]+/, "")
  const context: Context = { server, command: verb(command), outcome: "rejected", detail }
  const rule = rules.find((rule) => (rule.tag === undefined || rule.tag === reply._tag) && rule.text.test(detail))!
  const error = rule.error(context)
  Object.defineProperty(error, Status, { value: WORDS[reply._tag] })
  return error
}

/**
 * The word that the error line began with, if the error stands for one: `ERROR`, `CLIENT_ERROR` or `SERVER_ERROR`. For
 * traces, where it is the status code of the response.
 *
 * @category accessors
 * @since 0.1.0
 */
export const statusOf = (error: MemcacheError): string | undefined =>
  Status in error && typeof error[Status] === "string" ? error[Status] : undefined
