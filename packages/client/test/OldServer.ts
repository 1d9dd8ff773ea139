/**
 * A server of an old release: the embedded one behind a socket that takes the new commands out of what is asked, and the
 * new version out of what is answered.
 */
import { EmbeddedMemcached } from "@effect-memcache/testing"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { once } from "node:events"
import * as Net from "node:net"

export interface OldServer {
  /** Where the old server listens. */
  readonly address: string
  /** The server behind it, for a look at what is stored. */
  readonly behind: string
  /** The first word of every command that the old release does not know, as it was asked. */
  readonly refused: ReadonlyArray<string>
  /** Connections accepted so far. */
  readonly accepted: () => number
}

/** What it does not know of the words that a client may use. */
const META = ["mg", "ms", "md", "ma", "mn", "me"]

/** Since 1.5.3. */
const NEW_IN_1_5 = ["gat", "gats"]

/** A server that says it is this release, and answers ERROR to what that release did not know. */
export const make = (version = "1.4.39"): Effect.Effect<OldServer, never, Scope.Scope> =>
  Effect.gen(function*() {
    const unknown = new Set(version.startsWith("1.4.") ? [...META, ...NEW_IN_1_5] : META)
    const server = yield* Effect.orDie(EmbeddedMemcached.make())
    const refused: Array<string> = []
    let accepted = 0
    const open = new Set<Net.Socket>()
    const listener = yield* Effect.acquireRelease(
      Effect.promise(async () => {
        const listener = Net.createServer((client) => {
          accepted++
          const behind = Net.connect({ host: server.host, port: server.port })
          join(client, behind, filter(unknown, refused), (text) =>
            text.replace(/^VERSION .*\r$/m, `VERSION ${version}\r`))
          open.add(client)
          client.once("close", () =>
            open.delete(client))
        })
        await once(listener.listen(0, "127.0.0.1"), "listening")
        return listener
      }),
      (listener) =>
        Effect.promise(async () => {
          const closed = once(listener, "close")
          listener.close()
          for (const client of open) {
            client.destroy()
          }
          await closed
        })
    )
    const { port } = listener.address() as Net.AddressInfo
    return {
      address: `127.0.0.1:${port}`,
      behind: server.address,
      refused,
      accepted: () =>
        accepted
    }
  })

const join = (
  client: Net.Socket,
  behind: Net.Socket,
  ask: (text: string) => string,
  answer: (text: string) => string
): void => {
  client.on("data", (data) => behind.write(ask(data.toString("latin1")), "latin1"))
  behind.on("data", (data) => client.write(answer(data.toString("latin1")), "latin1"))
  for (const [one, other] of [[client, behind], [behind, client]]) {
    one.on("error", () => other.destroy())
    one.on("close", () => other.destroy())
  }
}

/** Puts a word that no release knows in the place of those which this one does not know. Values pass as they are. */
const filter = (unknown: ReadonlySet<string>, refused: Array<string>): (text: string) => string => {
  let rest = ""
  let valueLeft = 0
  return (text) => {
    rest += text
    let out = ""
    for (;;) {
      const value = rest.slice(0, valueLeft)
      out += value
      valueLeft -= value.length
      rest = rest.slice(value.length)
      const end = rest.indexOf("\r\n")
      if (valueLeft > 0 || end < 0) return out
      const line = rest.slice(0, end)
      rest = rest.slice(end + 2)
      const [word, , , , length] = line.split(" ")
      if (unknown.has(word)) refused.push(word)
      if (length !== undefined && /^(set|add|replace|append|prepend|cas)$/.test(word)) valueLeft = Number(length) + 2
      out += `${unknown.has(word) ? "unknown" : line}\r\n`
    }
  }
}
