/**
 * Empty items that are no values: what `mg` with `N` makes of a missing item, for a winner to fill in.
 *
 * A placeholder is empty and has no flags. The meta dialect marks it as won, or as stale when it was made invalid; the
 * text dialect shows an empty value, as it shows empty bytes that somebody has stored. A batch of keys is read by the
 * text's `get` in the meta dialect too, so there what is empty is asked for once more, alone.
 *
 * @since 0.1.0
 */
import type { Get } from "@effect-memcache/protocol/Command"
import type { Key as WireKey } from "@effect-memcache/protocol/Key"
import { itemAt } from "@effect-memcache/protocol/Pipeline"
import type { Value } from "@effect-memcache/protocol/Reply"
import { isErrorReply } from "@effect-memcache/protocol/Reply"
import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { isMemcacheError } from "@effect-memcache/transport/MemcacheError"
import * as Effect from "effect/Effect"
import type { Backend } from "../servers/Backend.ts"
import { refusal } from "./Answers.ts"

/**
 * Whether an item is marked as one that has no value yet.
 *
 * @category guards
 * @since 0.1.0
 */
export const isPlaceholder = (item: Value): boolean => isBlank(item) && (item.isWin || item.isWinSent || item.isStale)

/**
 * Whether an item is empty and has no flags, so that only marks could tell what it is.
 *
 * @category guards
 * @since 0.1.0
 */
export const isBlank = (item: Value): boolean => item.length === 0 && item.flags === 0

/**
 * Takes the placeholders out of what a server has answered for `keys`: they are misses. Asks again only for what is empty
 * and unmarked; in the text dialect it is then as empty as before, and a value.
 *
 * @category combinators
 * @since 0.1.0
 */
export const remove = (
  backend: Backend,
  keys: ReadonlyArray<WireKey>,
  outcomes: Array<{ readonly item: Value; readonly server: string } | MemcacheError | undefined>
): Effect.Effect<void> => {
  const unmarked: Array<number> = []
  for (let i = 0; i < outcomes.length; i++) {
    const outcome = outcomes[i]
    if (outcome === undefined || isMemcacheError(outcome) || !isBlank(outcome.item)) continue
    if (isPlaceholder(outcome.item)) outcomes[i] = undefined
    else if (outcome.item.isText) unmarked.push(i)
  }
  if (unmarked.length === 0) return Effect.void
  const again = unmarked.map((i): Get => ({ _tag: "Get", keys: [keys[i]], withCas: false }))
  return Effect.map(backend.sendMany(again), (answers) => {
    answers.forEach((answer, n) => {
      const i = unmarked[n]
      if (isMemcacheError(answer)) {
        outcomes[i] = answer
        return
      }
      const item = itemAt(answer, 0)
      if (item !== undefined) outcomes[i] = isPlaceholder(item) ? undefined : { item, server: backend.name }
      else outcomes[i] = isErrorReply(answer.reply) ? refusal(answer, backend.name) : undefined
    })
  })
}
