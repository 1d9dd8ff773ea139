/**
 * Reads the vectors, and asks a placement what they ask.
 */
import * as Distribution from "@effect-memcache/client/Distribution"
import type { Placement } from "@effect-memcache/client/Distribution"
import type { Key } from "@effect-memcache/protocol/Key"
import { isKey, make as makeKey } from "@effect-memcache/protocol/Key"
import type { Weighted } from "@effect-memcache/transport/Address"
import * as Address from "@effect-memcache/transport/Address"
import { assert } from "@effect/vitest"
import * as Result from "effect/Result"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"

export interface ServerVector {
  readonly host: string
  readonly port: number
  readonly weight: number
  readonly name?: string
}

export interface Case {
  readonly name: string
  readonly servers: ReadonlyArray<ServerVector>
  readonly expected: ReadonlyArray<number>
  readonly expectedUtf8: ReadonlyArray<number>
}

export interface DeadCase {
  readonly list: string
  readonly servers: ReadonlyArray<ServerVector>
  readonly dead: ReadonlyArray<number>
  readonly entries: ReadonlyArray<{
    readonly key: string
    readonly hash?: string
    readonly tried: ReadonlyArray<number>
    readonly server: number | null
  }>
}

export interface Keys {
  readonly keys: ReadonlyArray<string>
  readonly utf8Keys: ReadonlyArray<string>
}

export const read = <A>(name: string): A =>
  JSON.parse(
    gunzipSync(readFileSync(join(import.meta.dirname, `../../fixtures/vectors/${name}.json.gz`))).toString("utf8")
  )

export const tcp = (host: string, port?: number, weight = 1): Weighted => ({ address: Address.tcp(host, port), weight })

export const serversOf = (servers: ReadonlyArray<ServerVector>): ReadonlyArray<Weighted> =>
  servers.map(({ host, port, weight }) => tcp(host, port, weight))

export const wire = (text: string): Key => {
  const key = makeKey(text)
  return isKey(key) ? key : assert.fail(`${key._tag}: ${text}`)
}

export const placementOf = (
  distribution: Distribution.Distribution,
  servers: ReadonlyArray<ServerVector> | ReadonlyArray<Weighted>
): Placement =>
  Result.getOrThrow(
    Distribution.fromServers(
      distribution,
      servers.map((server) => "address" in server ? server : tcp(server.host, server.port, server.weight))
    )
  )

export const places = (placement: Placement, keys: ReadonlyArray<string>): Array<number> =>
  keys.map((key) => placement.indexOf(wire(key)))

/** Every key of a case, also as the first of the sequence; the number of entries that were compared. */
export const check = (
  placement: Placement,
  { keys, utf8Keys }: Keys,
  vector: Omit<Case, "name" | "servers">
): number => {
  assert.lengthOf(vector.expected, keys.length)
  assert.lengthOf(vector.expectedUtf8, utf8Keys.length)
  assert.deepStrictEqual(places(placement, keys), vector.expected)
  assert.deepStrictEqual(places(placement, utf8Keys), vector.expectedUtf8)
  assert.deepStrictEqual([...keys, ...utf8Keys].map((key) => first(placement.sequence(wire(key)))), [
    ...vector.expected,
    ...vector.expectedUtf8
  ])
  return keys.length + utf8Keys.length
}

export const first = (sequence: Iterable<number>): number => {
  for (const index of sequence) return index
  return -1
}

/** What a client tries while some servers are dead: the sequence up to the first that is not. */
export const tried = (sequence: Iterable<number>, dead: ReadonlyArray<number>): Array<number> => {
  const indices: Array<number> = []
  for (const index of sequence) {
    indices.push(index)
    if (!dead.includes(index)) break
  }
  return indices
}
