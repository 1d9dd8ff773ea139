/**
 * Values of every kind, exchanged for real: what a client of another language stored is read here, and what is stored
 * here is read by that client, in each of the ways in which it stores values.
 */
import { MemcacheError } from "@effect-memcache/client"
import { assert, describe, layer } from "@effect/vitest"
import type { TestContext } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { connect, Fleet } from "../Fleet.ts"
import * as Installed from "../Installed.ts"
import type { Exchange } from "../Neighbours.ts"
import * as Neighbours from "../Neighbours.ts"
import type { Trial } from "../Report.ts"
import type { Plain, Sample } from "../Values.ts"
import * as Values from "../Values.ts"

const describeExchange = ({ mode, transcoder }: Exchange): string =>
  [mode, "as", transcoder.name, ...transcoder.strings === undefined ? [] : [transcoder.strings]].join(" ")

const samplesOf = ({ kinds }: Exchange): ReadonlyArray<Sample> =>
  Values.samples.filter(({ kind }) => kinds.includes(kind))

/** What a counter is to the neighbour: a number, or a string that it counts with. */
const counterOf = ({ kinds, transcoder }: Exchange): Plain =>
  kinds.includes("integer") && !transcoder.name.startsWith("dalli") ? { integer: "41" } : { text: "41" }

const note = (context: TestContext, trial: Trial): void => {
  Object.assign(context.task.meta, { trial })
}

describe.skipIf(Installed.isSkipped(Installed.memcached()))("values of every kind", () => {
  layer(Fleet.layer(1), { excludeTestServices: true, timeout: "60 seconds" })("on one server", (it) => {
    for (const neighbour of Neighbours.all) {
      const installed = Installed.find(neighbour)
      const test = it.effect.skipIf(Installed.isSkipped(installed))
      const program = Effect.sync(() => Installed.programOf(installed))
      const { name } = neighbour

      neighbour.exchanges.forEach((exchange, index) => {
        const { foreign, mode, transcoder } = exchange
        const about = describeExchange(exchange)
        const samples = samplesOf(exchange)
        const task = { profile: neighbour.settings[0].profile, mode, prefix: "" }

        test(`are read here as ${name} writes them (${about})`, (context) =>
          Effect.gen(function*() {
            const { addresses } = yield* Fleet
            const servers = addresses.map((address) => [address, 1] as const)
            const keys = samples.map((_, i) => `${name}:${index}:there:${i}`)
            const object = { key: `${name}:${index}:object`, value: { object: { a: [1, "two"] } } }
            const { stored, version } = yield* Neighbours.run(yield* program, neighbour, {
              ...task,
              servers,
              write: [
                ...samples.map(({ plain }, i) => ({ key: keys[i], value: plain })),
                ...foreign === undefined ? [] : [object]
              ],
              read: []
            })
            assert.notInclude(stored, false)
            const client = yield* connect({ servers, transcoder })
            const found = yield* Effect.forEach(keys, (key) => client.get(key), { concurrency: 10 })
            for (const [i, sample] of samples.entries()) {
              const expected = "reading" in sample ? sample.reading : sample.value
              assert.deepStrictEqual(found[i], Option.some(expected), JSON.stringify(sample.plain).slice(0, 100))
            }
            if (foreign !== undefined) {
              const error = yield* Effect.flip(client.get(object.key))
              assert.isTrue(error instanceof MemcacheError)
              assert.deepInclude((error as MemcacheError).reason, { _tag: "DecodeError", ...foreign })
            }
            note(context, { name, version, profile: about, readHere: samples.length })
          }))

        test(`are read by ${name} as they are written here (${about})`, (context) =>
          Effect.gen(function*() {
            const { addresses } = yield* Fleet
            const servers = addresses.map((address) => [address, 1] as const)
            const keys = samples.map((_, i) => `${name}:${index}:here:${i}`)
            const client = yield* connect({ servers, transcoder })
            const entries = samples.map(({ value }, i) => [keys[i], value] as const)
            assert.deepStrictEqual(yield* client.setMany(entries), [])
            const counter = `${name}:${index}:counter`
            assert.deepStrictEqual(yield* client.increment(counter, { initial: 41 }), Option.some(41n))
            const { found, version } = yield* Neighbours.run(yield* program, neighbour, {
              ...task,
              servers,
              write: [],
              read: [...keys, counter]
            })
            assert.deepStrictEqual(Values.normalize(found[keys.length]), Values.normalize(counterOf(exchange)))
            for (const [i, { plain, reading }] of samples.entries()) {
              const expected = reading === undefined ? plain : { integer: String(reading) }
              assert.deepStrictEqual(
                Values.normalize(found[i]),
                Values.normalize(expected),
                JSON.stringify(plain).slice(0, 100)
              )
            }
            note(context, { name, version, profile: about, readThere: samples.length })
          }))
      })
    }
  })
})
