/**
 * Text through a proxy that closes the connection, without a word, on every command that it does not know.
 *
 * twemproxy does. The close takes with it the replies of everybody who shares the connection, those of commands before
 * it included, so what such a proxy does not know must not be sent.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Dialect } from "@effect-memcache/protocol/Dialect"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import { itemAt } from "@effect-memcache/protocol/Pipeline"
import { textDialect } from "@effect-memcache/protocol/TextDialect"
import { isMemcacheError } from "../MemcacheError.ts"
import type { MemcacheError } from "../MemcacheError.ts"

/**
 * The commands that have a key and are older than proxies, and `version`: what nutcracker 0.5.0 answers.
 *
 * @category guards
 * @since 0.1.0
 */
export const isForwarded = (command: Command): boolean => {
  switch (command._tag) {
    case "Get":
    case "Store":
    case "Cas":
    case "Arithmetic":
    case "Delete":
    case "Touch":
    case "Version":
      return true
    default:
      return false
  }
}

/**
 * The text dialect without the commands that would end the connection. A `get` of several keys is one of them while a
 * backend is dead, and its answer is a single error line then, so each key is asked for by itself.
 *
 * @category dialects
 * @since 0.1.0
 */
export const proxyDialect: Dialect = {
  ...textDialect,
  supports: (command) => isForwarded(command) && textDialect.supports(command),
  refusal: "it is a proxy, which would close the connection on it",
  isPerKey: true
}

/**
 * The command as one for each of its keys, or as it is if it has one.
 *
 * @category combinators
 * @since 0.1.0
 */
export const split = (command: Command): ReadonlyArray<Command> =>
  command._tag === "Get" && command.keys.length > 1
    ? command.keys.map((key) => ({ ...command, keys: [key] }))
    : [command]

/**
 * What the parts came to, as the outcome of the command: a loss is one of the whole command, and an error line stands
 * beside the values that were found. Which key it is about is told by `replies`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const join = (command: Command, parts: ReadonlyArray<Answer | MemcacheError>): Answer | MemcacheError => {
  if (parts.length === 1) return parts[0]
  const answers: Array<Answer> = []
  for (const part of parts) {
    if (isMemcacheError(part)) return part
    answers.push(part)
  }
  const replies = answers.map(({ reply }) => reply)
  const reply = replies.find(({ _tag }) => _tag !== "End") ?? replies[0]
  return { command, reply, items: answers.map((answer) => itemAt(answer, 0)), stats: [], replies }
}
