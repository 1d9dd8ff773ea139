/**
 * Wins that nobody has asked for.
 *
 * memcached hands the right to replace a stale item to whoever reads it next, by any `mg`. A plain read takes it without
 * a use for it, and whoever would compute would wait for a winner that does nothing. So it is given back.
 *
 * @since 0.1.0
 */
import type { Command, MetaDelete } from "@effect-memcache/protocol/Command"
import type { Key as WireKey } from "@effect-memcache/protocol/Key"
import type { Value } from "@effect-memcache/protocol/Reply"
import * as Effect from "effect/Effect"
import { answererOf } from "../servers/Detour.ts"
import type { Session } from "./Session.ts"

/**
 * What gives back the win that came with an item, so that the next reader has it; `undefined` if none came. A new value
 * that was stored in between, in the time of one round trip, is computed once more than it must.
 *
 * Not for who is told the item's cas: giving the win back gives the item another, and no `cas` would ever find the one
 * that was read. Whoever asks for it means to replace the item, which is what the win is for.
 *
 * @category constructors
 * @since 0.1.0
 */
export const returnOf = (item: Value, key: WireKey): MetaDelete | undefined =>
  item.isWin && item.isStale
    ? { _tag: "MetaDelete", key, flags: item.cas === undefined ? ["I"] : ["I", `C${item.cas}`] }
    : undefined

/**
 * Gives back the win that came with an item behind the reading of its value, which is a view of what was received and must
 * wait for nothing. It goes to whoever has answered `command`: under the policies "rehash" and "gutter" that need not be
 * `server`, which may be dead.
 *
 * @category combinators
 * @since 0.1.0
 */
export const giveBack = <A, E>(
  session: Session,
  item: Value,
  command: Command,
  server: string,
  read: Effect.Effect<A, E>
): Effect.Effect<A, E> => {
  const backend = answererOf(command) ?? session.pool.backends().find(({ name }) => name === server)
  const key = command._tag === "Get" || command._tag === "GetAndTouch" ? command.keys[0] : undefined
  const giving = key === undefined ? undefined : returnOf(item, key)
  if (backend === undefined || giving === undefined) return read
  return Effect.flatMap(Effect.exit(read), (exit) => Effect.andThen(Effect.ignore(backend.send(giving)), exit))
}
