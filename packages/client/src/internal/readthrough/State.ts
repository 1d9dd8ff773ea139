/**
 * What all read-throughs of one client share.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { ReadThroughCounts } from "../../ReadThrough.ts"
import type { Session } from "../commands/Session.ts"
import { WinWatch } from "./WinWatch.ts"

/**
 * The counts, while they are counted: plain fields, so that whoever makes metrics of them reads them when it likes.
 *
 * @category models
 * @since 0.1.0
 */
export type Counts = { -readonly [K in keyof ReadThroughCounts]: number }

/**
 * One client's read-throughs.
 *
 * @category models
 * @since 0.1.0
 */
export interface State {
  readonly session: Session
  readonly clock: Clock.Clock
  readonly counts: Counts
  /** Servers that were found not to speak the meta dialect, by name. */
  readonly textServers: Set<string>
  readonly wins: WinWatch
  /** Runs what nobody waits for. */
  readonly fork: (effect: Effect.Effect<unknown>) => void
}

/**
 * @category constructors
 * @since 0.1.0
 */
export const make = (session: Session): Effect.Effect<State> =>
  Effect.map(Effect.context<never>(), (context): State => ({
    session,
    clock: Context.get(context, Clock.Clock),
    fork: (effect) => void Effect.runForkWith(context)(effect),
    counts: {
      hits: 0,
      stale: 0,
      wins: 0,
      refreshes: 0,
      takeovers: 0,
      pending: 0,
      shared: 0,
      computed: 0,
      failed: 0,
      errors: 0,
      unstored: 0
    },
    textServers: new Set(),
    wins: new WinWatch()
  }))
