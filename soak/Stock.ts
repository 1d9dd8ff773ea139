/**
 * Asks a server itself what it holds: on a socket of its own, past the proxies and past the client that is judged.
 */
import * as net from "node:net"

const PATIENCE_MILLISECONDS = 1000

/** The values that a server has of these keys, as text. Fails if it does not answer in a second. */
export const read = (port: number, keys: ReadonlyArray<string>): Promise<ReadonlyMap<string, string>> =>
  new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1")
    let text = ""
    const timer = setTimeout(() => socket.destroy(new Error("no answer")), PATIENCE_MILLISECONDS)
    socket.setEncoding("latin1")
    socket.on("connect", () => socket.write(keys.map((key) => `get ${key}\r\n`).join("") + "version\r\n"))
    socket.on("data", (chunk: string) => {
      text += chunk
      if (!/^VERSION .*\r\n/m.test(text)) return
      resolve(parse(text))
      socket.destroy()
    })
    socket.on("error", reject)
    socket.on("close", () => {
      clearTimeout(timer)
      // Does nothing after an answer.
      reject(new Error("the connection ended"))
    })
  })

const parse = (text: string): ReadonlyMap<string, string> => {
  const values = new Map<string, string>()
  // None of the values that are asked for here has a line end.
  for (const [, key, value] of text.matchAll(/^VALUE (\S+) \d+ \d+\r\n([^\r]*)\r\n/gm)) values.set(key, value)
  return values
}
