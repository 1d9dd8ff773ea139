/**
 * Many commands in one go: one effect that waits for all of their outcomes.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import type { Answer } from "@effect-memcache/protocol/Pipeline"
import * as Effect from "effect/Effect"
import type { MemcacheError } from "../MemcacheError.ts"

/** Waits for the outcome of one of them. */
interface Part {
  readonly settle: (outcome: Answer | MemcacheError) => void
}

/**
 * Submits commands and waits for their outcomes, which are in the order of the commands. Together they count once against
 * the bound on commands in flight: `count` is 1 until one was taken, and 0 from there on.
 *
 * @category combinators
 * @since 0.1.0
 */
export const volley = <Ticket>(
  commands: ReadonlyArray<Command>,
  submit: (command: Command, waiter: Part, count: number) => Ticket | undefined,
  abandon: (ticket: Ticket) => void
): Effect.Effect<ReadonlyArray<Answer | MemcacheError>> =>
  Effect.callback<ReadonlyArray<Answer | MemcacheError>>((resume) => {
    const outcomes = new Array<Answer | MemcacheError>(commands.length)
    const tickets: Array<Ticket> = []
    let left = commands.length
    if (left === 0) return resume(Effect.succeed(outcomes))
    commands.forEach((command, index) => {
      const settle = (outcome: Answer | MemcacheError) => {
        outcomes[index] = outcome
        if (--left === 0) resume(Effect.succeed(outcomes))
      }
      const ticket = submit(command, { settle }, tickets.length === 0 ? 1 : 0)
      if (ticket !== undefined) tickets.push(ticket)
    })
    return Effect.sync(() => {
      for (const ticket of tickets) abandon(ticket)
    })
  })
