/**
 * What a statistics report is made of.
 *
 * @since 0.1.0
 */
import type { Settings } from "./Settings.ts"
import type { Target } from "./Storing.ts"

/**
 * One line of a report: a name and what stands behind it.
 *
 * @category models
 * @since 0.1.0
 */
export type Line = readonly [name: string, value: string | number | bigint]

/**
 * A connection as `stats conns` shows it. `lastCommand` is a time on the store's clock.
 *
 * @category models
 * @since 0.1.0
 */
export interface Peer {
  readonly address: string
  readonly listenAddress: string
  readonly lastCommand: number
}

/**
 * What the reports need beside the store: who is connected, and how the server was set up.
 *
 * @category models
 * @since 0.1.0
 */
export interface Source extends Target {
  readonly settings: Settings
  readonly peers: () => ReadonlyArray<Peer>
}
