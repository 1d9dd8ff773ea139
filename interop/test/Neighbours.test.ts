/**
 * A mixed fleet, tried for real: clients of other languages store keys over five servers and this one reads every one of
 * them, and the other way round.
 */
import { MemcacheError } from "@effect-memcache/client"
import { assert, describe, layer } from "@effect/vitest"
import type { TestContext } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { connect, Fleet } from "../Fleet.ts"
import * as Installed from "../Installed.ts"
import type { Choice, Item, Value } from "../Items.ts"
import * as Items from "../Items.ts"
import type { Neighbour, Setting } from "../Neighbours.ts"
import * as Neighbours from "../Neighbours.ts"
import type { Trial } from "../Report.ts"

/** A value as this client has it. */
const ours = (value: Value): unknown => {
  if ("text" in value) return value.text
  if ("bytes" in value) return new Uint8Array(Buffer.from(value.bytes, "base64"))
  const number = Number(value.integer)
  return Number.isSafeInteger(number) ? number : BigInt(value.integer)
}

const serversOf = (addresses: ReadonlyArray<string>, { weights }: Setting) =>
  addresses.map((address, i) => [address, weights?.[i] ?? 1] as const)

/** A client that places keys as the neighbour does, and reads and writes values as it does. */
const clientOf = (servers: ReturnType<typeof serversOf>, { transcoder }: Neighbour, setting: Setting) =>
  connect({ servers, distribution: setting.distribution, prefix: setting.prefix, transcoder })

const itemsOf = (tag: string, { kinds }: Neighbour, setting: Setting): ReadonlyArray<Item> =>
  Items.make(
    {
      tag,
      kinds,
      isAsciiOnly: setting.isAsciiOnly === true,
      hasHashes: setting.hasHashes === true
    } satisfies Choice
  )

/** What one client left, the other must have found, every key of it. */
const same = (items: ReadonlyArray<Item>, found: ReadonlyArray<unknown>, expected: ReadonlyArray<unknown>): void => {
  const wrong = items.flatMap(({ key }, i) => {
    try {
      assert.deepStrictEqual(found[i], expected[i])
      return []
    } catch {
      return [key]
    }
  })
  assert.deepStrictEqual(wrong, [])
  assert.lengthOf(found, items.length)
}

const describeSetting = ({ distribution, isAsciiOnly, prefix, weights }: Setting): string =>
  [
    distribution,
    ...weights === undefined ? [] : ["weighted"],
    ...prefix === undefined ? [] : ["prefix"],
    ...isAsciiOnly === true ? ["ASCII keys"] : []
  ].join(", ")

/** What the report's table is made of. */
const note = (context: TestContext, trial: Trial): void => {
  Object.assign(context.task.meta, { trial })
}

describe.skipIf(Installed.isSkipped(Installed.memcached()))("a mixed fleet", () => {
  layer(Fleet.layer(5), { excludeTestServices: true, timeout: "60 seconds" })("of five servers", (it) => {
    for (const neighbour of Neighbours.all) {
      const installed = Installed.find(neighbour)
      const test = it.effect.skipIf(Installed.isSkipped(installed))
      const program = Effect.sync(() => Installed.programOf(installed))

      neighbour.settings.forEach((setting, index) => {
        const { name } = neighbour
        const about = describeSetting(setting)

        test(`reads here what ${name} writes (${about})`, (context) =>
          Effect.gen(function*() {
            const servers = serversOf((yield* Fleet).addresses, setting)
            const items = itemsOf(`${name}${index}:there`, neighbour, setting)
            const foreign = { key: `${name}${index}:object`, value: { object: { a: [1, "two"] } } }
            const { stored, version } = yield* Neighbours.run(yield* program, neighbour, {
              servers,
              profile: setting.profile,
              prefix: setting.prefix ?? "",
              write: [...items, foreign],
              read: []
            })
            assert.notInclude(stored, false)
            const client = yield* clientOf(servers, neighbour, setting)
            const expected = items.map(({ value }) => ours(value))
            const keys = items.map(({ key }) => Items.keyOf(key))
            const many = yield* client.getMany(keys)
            same(items, keys.map((key) => many.get(key)), expected)
            const singly = yield* Effect.forEach(keys, (key) => client.get(key), { concurrency: 50 })
            same(items, singly.map(Option.getOrUndefined), expected)

            // What its own serializer wrote is never guessed at.
            const error = yield* Effect.flip(client.get(foreign.key))
            assert.isTrue(error instanceof MemcacheError)
            assert.deepInclude((error as MemcacheError).reason, { _tag: "DecodeError", ...neighbour.foreign })
            assert.include(error, { outcome: "done" })
            note(context, { name, version, profile: about, readHere: items.length })
          }))

        test(`is read by ${name} (${about})`, (context) =>
          Effect.gen(function*() {
            const servers = serversOf((yield* Fleet).addresses, setting)
            const items = itemsOf(`${name}${index}:here`, neighbour, setting)
            const client = yield* clientOf(servers, neighbour, setting)
            const entries = items.map(({ key, value }) => [Items.keyOf(key), ours(value)] as const)
            assert.deepStrictEqual(yield* client.setMany(entries), [])
            const { found, version } = yield* Neighbours.run(yield* program, neighbour, {
              servers,
              profile: setting.profile,
              prefix: setting.prefix ?? "",
              write: [],
              read: items.map(({ key }) => key)
            })
            same(items, found, items.map(({ value }) => value))
            note(context, { name, version, profile: about, readThere: items.length })
          }))
      })
    }
  })
})
