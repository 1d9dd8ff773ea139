/**
 * Resets a socket so that nothing of it is left.
 *
 * @since 0.1.0
 */
import type * as Net from "node:net"

/**
 * Resets the connection, or destroys it where its end is on the way already: then libuv refuses a reset, and Node
 * (24.21) forgets the handle without closing it, for which the process waits for ever when it ends.
 *
 * @category combinators
 * @since 0.1.0
 */
export const reset = (socket: Net.Socket): void => {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
