/**
 * The policy "gutter": what is stored on a spare server stays there for a short time only, because it is out of date as
 * soon as the server that it belongs to is back.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import { MAX_RELATIVE_EXPTIME } from "@effect-memcache/protocol/Limits"

/**
 * The command with an exptime of at most `ttl` seconds, wherever it has one. `now` is Unix time in seconds, for absolute
 * exptimes. `append` and `prepend` have none of their own: the item keeps the one that was capped before.
 *
 * @category combinators
 * @since 0.1.0
 */
export const capCommand = (command: Command, ttl: number, now: number): Command => {
  switch (command._tag) {
    case "Store":
    case "Cas":
    case "Touch":
    case "GetAndTouch": {
      const exptime = capExptime(command.exptime, ttl, now)
      return exptime === command.exptime ? command : { ...command, exptime }
    }
    case "Arithmetic": {
      const { create } = command
      return create === undefined
        ? command
        : { ...command, create: { ...create, exptime: capExptime(create.exptime, ttl, now) } }
    }
    default:
      return command
  }
}

/**
 * An exptime of at most `ttl` seconds. Negative ones are expired already, and 0 is for ever.
 *
 * @category combinators
 * @since 0.1.0
 */
export const capExptime = (exptime: number, ttl: number, now: number): number => {
  if (exptime < 0) return exptime
  if (exptime === 0) return ttl
  const seconds = exptime <= MAX_RELATIVE_EXPTIME ? exptime : exptime - now
  return seconds <= 0 ? -1 : Math.min(seconds, ttl)
}
