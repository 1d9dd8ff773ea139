/**
 * What can be fuzzed: something that eats bytes and must never throw, hang or grow, whatever they are.
 *
 * An input is always bytes, also where the code under test takes something else: a pipeline's input is a program that is
 * read from them. So one mutator, one shrinker and one kind of corpus file serve all targets.
 */

/** One target. */
export interface Target {
  readonly name: string
  /** What is fed, and what is required of it. */
  readonly about: string
  /** "lines" for streams of the protocol, which are mutated by words and lines too; "bytes" for anything else. */
  readonly kind: "lines" | "bytes"
  /** How many inputs it gets, compared with the others. */
  readonly share: number
  /** Inputs to begin with: recorded exchanges and hand-made hostile ones. */
  readonly seeds: () => ReadonlyArray<Uint8Array>
  /** Answers how many bytes the code under test was given. Throws where a promise of it is broken. */
  readonly run: (input: Uint8Array) => number | Promise<number>
  /** What happens in a run, line by line, where the bytes of the input do not say it. */
  readonly explain?: ((input: Uint8Array) => ReadonlyArray<string>) | undefined
}

/** A broken promise that is not an exception of the code under test. */
export class Finding extends Error {
  override readonly name = "Finding"
}

/** Throws a `Finding` unless `holds`. */
export const check: (holds: boolean, what: string | (() => string)) => asserts holds = (holds, what) => {
  if (!holds) throw new Finding(typeof what === "string" ? what : what())
}

/** Throws a `Finding` unless both are the same list of texts; names the first that differs. */
export const checkSame = (actual: ReadonlyArray<string>, expected: ReadonlyArray<string>, what: string): void => {
  const length = Math.max(actual.length, expected.length)
  for (let i = 0; i < length; i++) {
    if (actual[i] !== expected[i]) {
      throw new Finding(`${what}: at ${i} there is ${quote(actual[i])} instead of ${quote(expected[i])}`)
    }
  }
}

const quote = (text: string | undefined): string => text === undefined ? "nothing" : JSON.stringify(text).slice(0, 200)
