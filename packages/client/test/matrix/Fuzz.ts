/**
 * What the rows take from the fuzzer at the top of the repository: what real servers said, and the mutator.
 *
 * It is a project of its own, which the tests' project may not name in an import; hence its shape, said here again.
 */

/** Numbers that come again with the same seed. */
interface Random {
  readonly next: () => number
  readonly below: (n: number) => number
}

/** Makes nearly right streams out of right ones. */
interface Mutator {
  readonly next: () => Uint8Array
}

export interface Fuzz {
  readonly Random: new(seed: number) => Random
  readonly Mutator: new(random: Random, kind: "lines", pool: ReadonlyArray<Uint8Array>) => Mutator
  /** What real servers answered, in both dialects. */
  readonly recordedReplies: () => ReadonlyArray<Uint8Array>
  /** Hand-made hostile streams. */
  readonly handmade: (name: "replies") => ReadonlyArray<Uint8Array>
}

/** Loads it: files of the repository, found from this one. */
export const load = async (): Promise<Fuzz> => {
  const modules = await Promise.all(
    ["Random", "Mutator", "Corpus"].map((name) =>
      import(new URL(`../../../../fuzz/${name}.ts`, import.meta.url).href) as Promise<object>
    )
  )
  return Object.assign({}, ...modules) as Fuzz
}
