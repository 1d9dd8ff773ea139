/**
 * Rows of the fault matrix: times to live that memcached would take for dates.
 */
import type { TimeToLive } from "@effect-memcache/client/TimeToLive"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Net from "node:net"
import type { Row } from "./Row.ts"

const DAY = 86_400

/** From one of which on memcached takes the number for a date, and so for one of 1970. */
const days: ReadonlyArray<number> = [30, 31, 60, 365, 3650]

const longLived: Row = {
  number: 68,
  title: "items that live for 30 days and more",
  expected: "still a hit after 1 s, and for as long as they should",
  quick: true,
  needs: "memcached",
  deadline: 2000,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.memcached()
    const judgements: Array<Effect.Effect<void>> = []
    for (const protocol of ["meta", "text"] as const) {
      const { cache, checked } = yield* row.client({ servers: server.address, protocol, connectTimeout: "2 seconds" })
      const written = new Map<string, number>()
      for (const count of days) {
        const inWords: TimeToLive = `${count} days`
        const asDate = DateTime.addDuration(yield* DateTime.now, inWords)
        for (const [form, ttl] of [["words", inWords], ["date", asDate]] as const) {
          const key = (verb: string) => {
            const name = `${protocol}:${verb}:${count}:${form}`
            written.set(name, count * DAY)
            return name
          }
          const [touched, read, replaced] = [key("touch"), key("getAndTouch"), key("replace")]
          const calls = [
            cache.set(key("set"), 1, { ttl }),
            cache.add(key("add"), 1, { ttl }),
            cache.set(touched, 1).pipe(Effect.andThen(cache.touch(touched, ttl))),
            cache.set(read, 1).pipe(Effect.andThen(cache.getAndTouch(read, ttl))),
            cache.set(replaced, 1).pipe(Effect.andThen(cache.replace(replaced, 1, { ttl }))),
            cache.setMany([[key("setMany"), 1]], { ttl }),
            cache.increment(key("increment"), { initial: 1, ttl })
          ]
          const settled = yield* Effect.forEach(calls, (call) => checked.operation<unknown, unknown>(call))
          const failed = settled.filter(({ ended }) => ended !== "ok").map(({ ended }) => ended)
          row.expect(`${protocol}: writes that failed`, failed.length === 0, failed.length === 0 ? 0 : failed.join())
        }
      }
      judgements.push(Effect.gen(function*() {
        const found = yield* checked.operation(cache.getMany([...written.keys()]))
        const count = found.value?.size ?? 0
        row.expect(`${protocol}: hits of ${written.size}`, count === written.size, count)
        // How long each still has, as the server sees it.
        const left = yield* remaining(server, [...written.keys()])
        const wrong = [...written].filter(([key, seconds]) => {
          const has = left.get(key) ?? -1
          return has > seconds + 2 || has < seconds - 10
        })
        const times = wrong.map(([key]) => `${key} ${left.get(key)}`)
        row.expect(`${protocol}: wrong times`, wrong.length === 0, wrong.length === 0 ? 0 : times.join())
      }))
    }
    yield* Effect.sleep(1100)
    for (const judgement of judgements) yield* judgement
  })
}

/** Seconds that items have left, by `mg key t`; nobody but the server is asked. */
const remaining = (
  { host, port }: { readonly host: string; readonly port: number },
  keys: ReadonlyArray<string>
): Effect.Effect<ReadonlyMap<string, number>> =>
  Effect.promise(async () => {
    const socket = Net.connect({ host, port })
    socket.end(`${keys.map((key) => `mg ${key} t k\r\n`).join("")}mn\r\nquit\r\n`)
    let text = ""
    for await (const chunk of socket) text += String(chunk)
    return new Map([...text.matchAll(/^HD t(-?\d+) k(\S+)/gm)].map(([, seconds, key]) => [key, Number(seconds)]))
  })

export const rows: ReadonlyArray<Row> = [longLived]
