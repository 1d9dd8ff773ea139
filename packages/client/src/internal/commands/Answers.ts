/**
 * What an answer that is not the hoped-for one means, in one place for all commands.
 *
 * @since 0.1.0
 */
import { verb } from "@effect-memcache/protocol/Command"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import { isErrorReply } from "@effect-memcache/protocol/Reply"
import { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { rejection } from "@effect-memcache/transport/Rejection"

/**
 * The error that an answer stands for, when the command has no use for it: an error line says which; anything else is a
 * reply that the connection should never have let through.
 *
 * @category constructors
 * @since 0.1.0
 */
export const refusal = (answer: Answer, server: string): MemcacheError => {
  const { command, reply } = answer
  if (isErrorReply(reply)) return rejection(reply, command, server)
  return MemcacheError.protocol({ server, command: verb(command), detail: `a reply of the kind ${reply._tag}` })
}

/**
 * Whether the answer is an error line.
 *
 * @category guards
 * @since 0.1.0
 */
export const isRefusal = (answer: Answer): boolean => isErrorReply(answer.reply)
