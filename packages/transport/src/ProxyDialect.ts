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
import { textDialect } from "@effect-memcache/protocol/TextDialect"

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
 * The text dialect without the commands that would end the connection.
 *
 * @category dialects
 * @since 0.1.0
 */
export const proxyDialect: Dialect = {
  ...textDialect,
  supports: (command) => isForwarded(command) && textDialect.supports(command),
  refusal: "it is a proxy, which would close the connection on it"
}
