/**
 * The fuzzer in small: the whole corpus and a few thousand mutations for every target, and that it finds what is broken.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Campaign from "../Campaign.ts"
import type { Failure } from "../Campaign.ts"
import { Mutator } from "../Mutator.ts"
import { Random } from "../Random.ts"
import type { Target } from "../Target.ts"
import { check } from "../Target.ts"
import { all } from "../Targets.ts"

const campaign = async (target: Target, inputs: number, seed = 46) => {
  const failures: Array<Failure> = []
  const row = await Campaign.run(target, {
    seed,
    inputs,
    milliseconds: Infinity,
    onFailure: (failure) => failures.push(failure)
  })
  return { row, failures }
}

/** A target that is broken on purpose. */
const broken = (run: Target["run"], seeds: ReadonlyArray<string> = ["VALUE k 0 3\r\nabc\r\nEND\r\n"]): Target => ({
  name: "broken",
  about: "fails",
  kind: "lines",
  share: 1,
  seeds: () => seeds.map((seed) => new Uint8Array(Buffer.from(seed, "latin1"))),
  run
})

describe("every target", () => {
  for (const target of all) {
    it(`keeps its promises for the corpus and for mutations of it: ${target.name}`, async () => {
      const { failures, row } = await campaign(target, target.seeds().length + 2000)
      assert.deepStrictEqual(failures.map(({ input, message }) => [message, [...input]]), [])
      assert.isAtLeast(row.inputs, 2000)
    })
  }
})

describe("a broken promise", () => {
  it("is found, told once, and its input made small", async () => {
    const target = broken((input) => {
      check(!Buffer.from(input).includes("4\r"), "four bytes are announced")
      return input.length
    })
    const { failures, row } = await campaign(target, 20_000)
    assert.deepStrictEqual(failures.map(({ input }) => Buffer.from(input).toString("latin1")), ["4\r"])
    assert.strictEqual(row.failures, 1)
    assert.include(failures[0].message, "four bytes are announced")
  })

  it("may be an exception, a rejection, or something that is no error at all", async () => {
    const throwers: ReadonlyArray<Target["run"]> = [
      () => {
        throw new TypeError("thrown")
      },
      () => Promise.reject(new TypeError("thrown later")),
      () => {
        throw undefined
      }
    ]
    for (const run of throwers) {
      const { failures } = await campaign(broken(run), 10)
      assert.strictEqual(failures.length, 1)
      assert.strictEqual(failures[0].input.length, 0)
    }
  })

  it("is an input that takes too long", async () => {
    const target = broken((input) => {
      // Slow for one line only, so that making it small ends at once.
      const end = performance.now() + (input.includes(0x56) ? 200 : 0)
      while (performance.now() < end) Math.sqrt(end)
      return input.length
    }, ["V"])
    const { failures } = await campaign(target, 1)
    assert.deepStrictEqual(failures.map(({ input }) => [...input]), [[0x56]])
    assert.include(failures[0].message, "an input takes")
  })
})

describe("the mutator", () => {
  it("makes the same inputs of the same seed, and others of another", () => {
    const inputs = (seed: number): string => {
      const mutator = new Mutator(new Random(seed, "x"), "lines", [Buffer.from("STORED\r\nEND\r\n")])
      return Array.from({ length: 100 }, () => Buffer.from(mutator.next()).toString("hex")).join()
    }
    assert.strictEqual(inputs(1), inputs(1))
    assert.notStrictEqual(inputs(1), inputs(2))
  })

  it("makes an input out of nothing", () => {
    const mutator = new Mutator(new Random(1), "bytes", [])
    assert.isTrue(Array.from({ length: 100 }, () => mutator.next().length).some((length) => length > 0))
  })
})

describe("the slope of the heap", () => {
  it("is what each input adds", () => {
    assert.strictEqual(Campaign.slope([[0, 10], [10, 30], [20, 50]]), 2)
    assert.strictEqual(Campaign.slope([[5, 10]]), 0)
  })
})
