import { assert, describe, it } from "@effect/vitest"
import { md5Point } from "../../../src/internal/distribution/hashes/Digest.ts"
import * as Libmemcached from "../../../src/internal/distribution/Libmemcached.ts"
import type { Case, Keys, ServerVector } from "./Vectors.ts"
import { check, placementOf, places, read, tcp, wire } from "./Vectors.ts"

type ProfileName = keyof typeof Libmemcached.profiles

interface Vectors extends Keys {
  readonly hashValues: Readonly<Record<string, ReadonlyArray<number>>>
  readonly profiles: ReadonlyArray<{ readonly profile: ProfileName; readonly cases: ReadonlyArray<Case> }>
}

interface Ejections {
  readonly keys: ReadonlyArray<string>
  readonly cases: ReadonlyArray<{
    readonly profile: ProfileName
    readonly weights: string
    readonly servers: ReadonlyArray<ServerVector>
    readonly steps: ReadonlyArray<{ readonly ejected: ReadonlyArray<number>; readonly expected: ReadonlyArray<number> }>
  }>
}

const vectors = read<Vectors>("dist-libmemcached")
const ejections = read<Ejections>("dist-libmemcached-eject")

describe("a key's place", () => {
  const cases = vectors.profiles.flatMap(({ cases, profile }) =>
    cases.map((vector) => [`${profile}, ${vector.name}`, profile, vector] as const)
  )

  it("is checked for every profile", () => {
    assert.sameMembers(vectors.profiles.map(({ profile }) => profile), Object.keys(Libmemcached.profiles))
    assert.lengthOf(cases, 19 * 9)
  })

  it.each(cases.filter(([, profile]) => profile !== "ketama-weighted-sorted"))(
    "is that of %s",
    (_, profile, vector) => {
      assert.strictEqual(check(placementOf(`libmemcached/${profile}`, vector.servers), vectors, vector), 480)
    }
  )

  it.each(cases.filter(([, profile]) => profile === "ketama-weighted-sorted"))(
    "is that of %s",
    (_, profile, vector) => {
      // These vectors count in the sorted list, and a placement in the list that it was given.
      const sorted = vector.servers.toSorted((a, b) => a.host < b.host ? -1 : a.host > b.host ? 1 : a.port - b.port)
      const back = (index: number) => vector.servers.indexOf(sorted[index])
      const expected = { expected: vector.expected.map(back), expectedUtf8: vector.expectedUtf8.map(back) }
      assert.strictEqual(check(placementOf(`libmemcached/${profile}`, vector.servers), vectors, expected), 480)
    }
  )
})

describe("an ejected server", () => {
  const steps = ejections.cases.flatMap(({ profile, servers, steps, weights }) =>
    steps.map((step) => [`${profile}, ${weights}, without [${step.ejected.join()}]`, profile, servers, step] as const)
  )

  it("is checked in every step", () => {
    assert.lengthOf(steps, 24)
  })

  it.each(steps)("leaves the ring to the others: %s", (_, profile, servers, { ejected, expected }) => {
    assert.lengthOf(expected, 400)
    const whole = placementOf(`libmemcached/${profile}`, servers)
    assert.deepStrictEqual(places(whole.without(new Set(ejected)), ejections.keys), expected)
    // One after the other comes to the same.
    const stepwise = ejected.reduce((placement, index) => placement.without(new Set([index])), whole)
    assert.deepStrictEqual(places(stepwise, ejections.keys), expected)
  })

  it("is followed in the sequence by the server that the ring without it has", () => {
    const { servers } = ejections.cases.find(({ profile, weights }) =>
      profile === "ketama-weighted" && weights === "weighted"
    )!
    const placement = placementOf("libmemcached/ketama-weighted", servers)
    for (const text of ejections.keys) {
      const sequence = [...placement.sequence(wire(text))]
      assert.sameMembers(sequence, [0, 1, 2, 3, 4, 5])
      for (let i = 1; i < sequence.length; i++) {
        assert.strictEqual(placement.without(new Set(sequence.slice(0, i))).indexOf(wire(text)), sequence[i])
      }
    }
  })

  it("leaves nobody when it was the last", () => {
    const placement = placementOf("libmemcached/ketama-default", [tcp("a"), tcp("b")])
    assert.strictEqual(placement.without(new Set([0, 1])).indexOf(wire("x")), -1)
    assert.deepStrictEqual([...placement.without(new Set([0, 1])).sequence(wire("x"))], [])
  })

  it("keeps its keys under modula, which asks nobody else", () => {
    const placement = placementOf("libmemcached", [tcp("a"), tcp("b"), tcp("c")])
    assert.isFalse(placement.failsOver)
    for (const text of vectors.keys) {
      const home = placement.indexOf(wire(text))
      assert.deepStrictEqual([...placement.sequence(wire(text))], [home])
      assert.strictEqual(placement.without(new Set([home])).indexOf(wire(text)), -1)
    }
  })
})

it("a point that two servers claim is that of the one that is listed first, and sorting changes who that is", () => {
  // Both are called "twin:5" on the ring, so they collide everywhere.
  const servers = [tcp("twin:5"), tcp("twin", 5), tcp("other")]
  const owners = (name: ProfileName) => [...new Set(places(placementOf(`libmemcached/${name}`, servers), vectors.keys))]
  assert.sameMembers(owners("ketama-weighted"), [0, 2])
  assert.sameMembers(owners("ketama-default"), [0, 2])
  assert.sameMembers(owners("ketama-weighted-sorted"), [1, 2])
  const ports = [tcp("twin", 6), tcp("twin", 5)]
  const sorted = placementOf("libmemcached/ketama-weighted-sorted", ports)
  const plain = placementOf("libmemcached/ketama-weighted", ports)
  assert.deepStrictEqual(places(sorted, vectors.keys), places(plain, vectors.keys))
})

describe("a hash in the key's place", () => {
  const servers = [tcp("a"), tcp("b"), tcp("c")]

  it("is hashed if it is text, and taken modulo 2^32 if it is a number", () => {
    for (
      const name of ["libmemcached/modula-md5", "libmemcached/ketama-md5", "libmemcached/ketama-weighted"] as const
    ) {
      const placement = placementOf(name, servers)
      for (const text of vectors.utf8Keys) {
        const home = placement.indexOf(wire(text))
        assert.strictEqual(placement.indexOf(wire("other"), text), home)
        assert.strictEqual(placement.indexOf(wire("other"), md5Point(wire(text))), home)
        assert.strictEqual(placement.indexOf(wire("other"), BigInt(md5Point(wire(text))) + 2n ** 32n), home)
      }
    }
  })
})

describe("a key's place for php-memcached", () => {
  const php = read<Keys & { readonly profiles: ReadonlyArray<{ profile: string; cases: ReadonlyArray<Case> }> }>(
    "dist-php-memcached"
  )
  const cases = php.profiles.flatMap(({ cases, profile }) =>
    cases.map((vector) => [`${profile}, ${vector.name}`, profile as keyof typeof Libmemcached.php, vector] as const)
  )

  it("is checked for every profile", () => {
    assert.sameMembers(php.profiles.map(({ profile }) => profile), Object.keys(Libmemcached.php))
    assert.lengthOf(cases, 5 * 9)
  })

  it.each(cases)("is that of %s", (_, profile, vector) => {
    assert.strictEqual(check(placementOf(`php-memcached/${profile}`, vector.servers), php, vector), 480)
  })
})

it("pylibmc and php-memcached begin with libmemcached's default", () => {
  for (const name of ["pylibmc", "php-memcached"] as const) {
    const servers = [tcp("a", 1, 5), tcp("b"), tcp("c")]
    assert.deepStrictEqual(
      places(placementOf(name, servers), vectors.keys),
      places(placementOf("libmemcached/modula-default", servers), vectors.keys)
    )
  }
})
