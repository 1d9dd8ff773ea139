/**
 * What a connection does not take: commands that its dialect cannot say, and more than it may have in flight.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import { verb } from "@effect-memcache/protocol/Command"
import type { Dialect } from "@effect-memcache/protocol/Dialect"
import type { Pipeline } from "@effect-memcache/protocol/Pipeline"
import { MemcacheError } from "../MemcacheError.ts"

/**
 * Why a dialect cannot say a command, in a few words.
 *
 * @category accessors
 * @since 0.1.0
 */
export const lackOf = ({ name, refusal }: Dialect): string => refusal ?? `the ${name} dialect has no such command`

/**
 * Bounds of a connection.
 *
 * @category options
 * @since 0.1.0
 */
export interface Bounds {
  readonly server: string
  readonly maxInFlight: { readonly commands: number; readonly bytes: number }
}

/**
 * Why a command is not taken now, or `undefined` if it is. It counts for `count` commands; `lack` is what is wrong with
 * the dialect if it cannot be said.
 *
 * @category constructors
 * @since 0.1.0
 */
export const refusal = <Owner>(
  pipeline: Pipeline<Owner>,
  { maxInFlight: { bytes, commands }, server }: Bounds,
  lack: string,
  command: Command,
  count: number
): MemcacheError | undefined => {
  if (!pipeline.supports(command)) return MemcacheError.unsupported({ server, command: verb(command), detail: lack })
  return pipeline.count + count > commands || pipeline.bytes > bytes
    ? MemcacheError.overloaded({
      server,
      command: verb(command),
      detail: `${pipeline.count} commands, ${pipeline.bytes} bytes`
    })
    : undefined
}
