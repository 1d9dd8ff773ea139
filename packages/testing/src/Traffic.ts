/**
 * What has passed a fault proxy, kept small enough for a soak of hours.
 *
 * @since 0.1.0
 */
import { OpaqueSet } from "./OpaqueSet.ts"

/**
 * Counts since the proxy was made.
 *
 * @category models
 * @since 0.1.0
 */
export interface Traffic {
  /** When each connection was accepted, by `performance.now()`. */
  readonly accepts: ReadonlyArray<number>
  /** Connections of clients that are open now, as the proxy knows: behind a black hole it learns of no end. */
  readonly open: number
  /** Bytes that were read from clients. */
  readonly bytesUp: number
  /** Bytes that were written to clients. */
  readonly bytesDown: number
  /** Requests that clients have written, by their word on the wire: `get`, `ms`. Empty if nobody watches. */
  readonly commands: ReadonlyMap<string, number>
  /** Lines and values of clients that were no legal command. */
  readonly malformed: number
  /** The first few of those lines, cut after 200 bytes. */
  readonly malformedLines: ReadonlyArray<string>
  /** The opaques of all requests. */
  readonly opaques: OpaqueSet
}

/**
 * The same, for the proxy to count in.
 *
 * @category models
 * @since 0.1.0
 */
export class TrafficLog implements Traffic {
  readonly accepts: Array<number> = []
  open = 0
  bytesUp = 0
  bytesDown = 0
  readonly commands = new Map<string, number>()
  malformed = 0
  readonly malformedLines: Array<string> = []
  readonly opaques: OpaqueSet

  constructor(opaques = new OpaqueSet()) {
    this.opaques = opaques
  }
}
