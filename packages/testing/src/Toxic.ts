/**
 * What can be wrong with a network, as data: a fault proxy is given a list of these, which a random test may make.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"

/**
 * Which way: `up` from the client to the server, `down` from the server to the client.
 *
 * @category models
 * @since 0.1.0
 */
export type Direction = "up" | "down" | "both"

/**
 * How a connection ends: closed in good order, or reset.
 *
 * @category models
 * @since 0.1.0
 */
export type Ending = "fin" | "rst"

/**
 * Bytes arrive `delay` later, give or take up to `jitter`, and in their order. When it is taken away, what was under way
 * arrives at once.
 *
 * @category models
 * @since 0.1.0
 */
export interface Latency {
  readonly _tag: "Latency"
  readonly direction: Direction
  readonly delay: Duration.Input
  readonly jitter?: Duration.Input | undefined
}

/**
 * No more than `bytesPerSecond` pass, which is more than 0.
 *
 * @category models
 * @since 0.1.0
 */
export interface Bandwidth {
  readonly _tag: "Bandwidth"
  readonly direction: Direction
  readonly bytesPerSecond: number
}

/**
 * Bytes pass in pieces of at most `bytes`, at least 1, with `every` between two of them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Slicer {
  readonly _tag: "Slicer"
  readonly direction: Direction
  readonly bytes: number
  readonly every: Duration.Input
}

/**
 * Of each connection, `bytes` more pass, 0 or more; then it ends, on both sides. They are counted from when this was set,
 * or from the connection's begin.
 *
 * @category models
 * @since 0.1.0
 */
export interface LimitBytes {
  readonly _tag: "LimitBytes"
  readonly direction: Direction
  readonly bytes: number
  readonly ending: Ending
}

/**
 * The server gets a request whole and carries it out, and the client gets its connection ended instead of the reply. What
 * the client wrote behind it on the same connection is lost, and so are replies that have not passed yet.
 *
 * Each connection ends behind its request of number `after` (default 1) of those that count: with `verb`, only requests
 * with this word on the wire (`ma`, `incr`), so that a client's greeting passes.
 *
 * @category models
 * @since 0.1.0
 */
export interface CutAfterForward {
  readonly _tag: "CutAfterForward"
  readonly ending: Ending
  readonly verb?: string | undefined
  readonly after?: number | undefined
}

/**
 * Nothing passes, no end of a connection either, and nothing is lost: when it is taken away, what waited arrives, as TCP
 * would send it again. The sender's side fills up meanwhile, as it does when nobody acknowledges.
 *
 * @category models
 * @since 0.1.0
 */
export interface BlackHole {
  readonly _tag: "BlackHole"
  readonly direction: Direction
}

/**
 * One thing that is wrong. Of two with the same tag and direction in a list the later one counts.
 *
 * @category models
 * @since 0.1.0
 */
export type Toxic = Latency | Bandwidth | Slicer | LimitBytes | CutAfterForward | BlackHole

/**
 * What happens to a new connection: it is forwarded; it is held, as by a server that never accepts, until that changes;
 * it is closed or reset at once; or nobody listens and the system refuses it.
 *
 * @category models
 * @since 0.1.0
 */
export type Admission = "forward" | "hold" | "fin" | "rst" | "refuse"
