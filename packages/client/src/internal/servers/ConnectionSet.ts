/**
 * The open connections of one server, and which of them the next command goes to.
 *
 * @since 0.1.0
 */
import type { Connection } from "@effect-memcache/transport/Connection"
import type * as Scope from "effect/Scope"

/**
 * A connection with the scope that closes it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Opened {
  readonly connection: Connection
  readonly scope: Scope.Closeable
}

/**
 * @category models
 * @since 0.1.0
 */
export class ConnectionSet {
  /** The one that has been open for longest. A field, because with one connection per server it is all that is read. */
  first: Connection | undefined = undefined

  members: ReadonlyArray<Opened> = []

  get size(): number {
    return this.members.length
  }

  /** Commands that are not settled yet, on all of them. */
  get inFlight(): number {
    return this.members.reduce((sum, { connection }) => sum + connection.inFlight, 0)
  }

  /**
   * The one with the least in flight. Of equal ones the oldest, so that what is sent one after another stays on one
   * connection.
   */
  leastBusy(): Connection | undefined {
    const { members } = this
    let found = this.first
    if (found === undefined) return undefined
    let least = found.inFlight
    for (let i = 1; least > 0 && i < members.length; i++) {
      const { connection } = members[i]
      const { inFlight } = connection
      if (inFlight >= least) continue
      least = inFlight
      found = connection
    }
    return found
  }

  add(opened: Opened): void {
    this.replace([...this.members, opened])
  }

  /** Whether the connection was one of them. */
  remove(connection: Connection): boolean {
    const rest = this.members.filter((member) => member.connection !== connection)
    const wasMember = rest.length < this.members.length
    this.replace(rest)
    return wasMember
  }

  /** Puts others in the place of all, and answers those that were there. */
  replace(members: ReadonlyArray<Opened>): ReadonlyArray<Opened> {
    const before = this.members
    this.members = members
    this.first = members[0]?.connection
    return before
  }
}
