/**
 * Random commands for two servers that must answer alike.
 *
 * Only what PROTOCOL shows equal in memcached 1.6.18 and 1.6.45 is made here. The numbers come from a seed, so a failure
 * can be looked at again. A `{cas:key}` stands for the cas unique that the key had when the phase began, which is
 * another number on each server.
 */

export interface Step {
  /** What is sent, one UTF-16 unit for each byte. */
  readonly bytes: string
}

const KEYS = ["k0", "k1", "k2", "k3", "p:k4", "k\xc3\xa95", "k".repeat(250), "k7"]
const COUNTERS = ["n0", "n1", "n2", "n3"]
const BINARY = [["Zm9v", "foo"], ["YmFyMQ==", "bar1"]] as const
const LONG_KEY = "l".repeat(251)

/** The keys whose cas uniques a phase may use. */
export const CAS_KEYS: ReadonlyArray<string> = [...KEYS, ...COUNTERS]

const MIB = 1_048_576

export const random = (seed: number) => {
  let state = seed >>> 0
  // mulberry32
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (n: number): number => Math.floor(next() * n)
  const pick = <A>(choices: ReadonlyArray<A>): A => choices[below(choices.length)]
  const chance = (share: number): boolean => next() < share
  return { below, pick, chance }
}

export const generate = (seed: number, count: number): ReadonlyArray<Step> => {
  const { below, chance, pick } = random(seed)

  const value = (): string => {
    const length = chance(0.02) ? below(200_000) : chance(0.1) ? below(6_000) : below(24)
    const filler = pick(["x", "ab", "<\r\nEND\r\n", "\0\xff", "VALUE k 0 1\r\n"])
    return filler.repeat(Math.ceil(length / filler.length)).slice(0, length)
  }
  const number = (): string =>
    pick(["0", "1", "9", "10", "99", "100", "12345", "18446744073709551614", "18446744073709551615", "5 ", " 7", "007"])
  const exptime = (): string => pick(["0", "0", "0", "100", "3600", "-1", "2592000", "2592001", "4294967295"])
  const shortExptime = (): string => pick(["0", "0", "100", "3600", "-1", "2592000", "2592001"])
  const flags = (): string => pick(["0", "0", "1", "30", "65535", "4294967295"])
  const noreply = (): string => chance(0.15) ? " noreply" : ""
  const key = (): string => pick(KEYS)
  const keys = (): string => Array.from({ length: 1 + below(5) }, key).join(" ")
  const delta = (): string => pick(["0", "1", "1", "9", "100", "18446744073709551615"])

  const opaque = (): Array<string> => chance(0.3) ? [`O${pick(["1", "abc", "x".repeat(31)])}`] : []
  const some = (...choices: ReadonlyArray<string>): Array<string> => {
    const taken = choices.filter(() => chance(0.3))
    for (let i = taken.length - 1; i > 0; i--) {
      const j = below(i + 1)
      const swap = taken[i]
      taken[i] = taken[j]
      taken[j] = swap
    }
    return taken
  }
  const line = (...words: ReadonlyArray<string | ReadonlyArray<string>>): string => `${words.flat().join(" ")}\r\n`

  const storage = (): string => {
    const data = value()
    const verb = pick(["set", "set", "set", "add", "replace", "append", "prepend"])
    return `${verb} ${key()} ${flags()} ${exptime()} ${data.length}${noreply()}\r\n${data}\r\n`
  }
  const cas = (): string => {
    const data = value()
    const name = key()
    const unique = pick([`{cas:${name}}`, `{cas:${name}}`, "0", "999999999999"])
    return `cas ${name} ${flags()} ${exptime()} ${data.length} ${unique}${noreply()}\r\n${data}\r\n`
  }
  const setCounter = (): string => {
    const data = number()
    return `set ${pick(COUNTERS)} ${flags()} ${pick(["0", "3600"])} ${data.length}\r\n${data}\r\n`
  }
  const metaSet = (): string => {
    const data = value()
    const name = key()
    const mode = pick([[], [], [], ["ME"], ["MA"], ["MP"], ["MR"], ["MS"]])
    const compare = chance(0.3) ? [pick([`C{cas:${name}}`, `C{cas:${name}}`, "C999999999999", "C1"])] : []
    const rest = some(`F${flags()}`, `T${shortExptime()}`, "c", "k", "q", "I")
    return `${line("ms", name, String(data.length), mode, compare, rest, opaque())}${data}\r\n`
  }
  const metaGet = (): string => {
    const name = key()
    const vivify = chance(0.2) ? [`N${pick(["0", "100"])}`] : []
    return line(
      "mg",
      name,
      some("v", "v", "k", "f", "t", "c", "s", "h", "l", "q", "u").filter(unique),
      vivify,
      opaque(),
      chance(0.2) ? [`T${pick(["0", "100", "3600"])}`] : [],
      chance(0.2) ? [`R${pick(["30", "200", "-1"])}`] : []
    )
  }
  const metaDelete = (): string => {
    const name = key()
    return line("md", name, some("q", "k", "I", "T30", `C{cas:${name}}`), opaque())
  }
  const metaArithmetic = (): string =>
    line(
      "ma",
      pick([...COUNTERS, key()]),
      pick([[], ["MI"], ["M+"], ["MD"], ["M-"]]),
      some("v", "t", "c", "k", `D${delta()}`, "J13").filter(unique),
      chance(0.3) ? ["N100"] : some("q"),
      opaque()
    )
  const binary = (): string => {
    const [base64, plain] = pick(BINARY)
    return pick([
      () => `ms ${base64} 2 b k c\r\nhi\r\n`,
      () => `ms ${plain} 2 k\r\nyo\r\n`,
      () => `mg ${base64} b k v\r\n`,
      () => `mg ${plain} k v s\r\n`,
      () => `md ${base64} b k\r\n`,
      () => `get ${plain} k0\r\n`,
      () => `mg ${base64}= b v\r\n`
    ])()
  }
  const wrong = (): string =>
    pick([
      "bogus\r\n",
      "GET k0\r\n",
      "get\tk0 k1\r\n",
      "incr n0 abc\r\n",
      "incr n0 -1\r\n",
      "decr k0 18446744073709551616\r\n",
      "touch k0 abc\r\n",
      "gat abc k0\r\n",
      "flush_all abc\r\n",
      `delete ${LONG_KEY}\r\n`,
      `incr ${LONG_KEY} 1\r\n`,
      `touch ${LONG_KEY} 0\r\n`,
      "mg k0 y\r\n",
      "mg k0 v v\r\n",
      "mg k0 Tabc\r\n",
      "mg k0 T\r\n",
      `mg zz O${"x".repeat(32)}\r\n`,
      `mg ${LONG_KEY} v\r\n`,
      "ms k0 2 S2\r\nhi\r\n",
      "ms k0 2 Mx\r\nhi\r\n",
      "ms k0 2 q Cabc\r\nhi\r\n",
      `ms k0 2 O${"x".repeat(32)}\r\nhi\r\n`,
      "ms k0 S2\r\n",
      "ma n0 Dabc\r\n",
      "ma n0 y\r\n",
      "ma n0 MX\r\n",
      "stats bogus\r\n",
      "set k0 0 0 2\r\nabcdef\r\n",
      "set k0 0 0 2 noreply\r\nabcdef\r\n",
      "ms k0 2 q\r\nabcdef\r\n"
    ])
  const tooLarge = (): string => {
    const [head, tail] = pick([["set", " 0 0"], ["add", " 0 0"], ["replace", " 0 0"], ["ms", ""]])
    const size = MIB + 1
    return head === "ms"
      ? `ms ${key()} ${size} q\r\n${"x".repeat(size)}\r\n`
      : `${head} ${key()}${tail} ${size}${noreply()}\r\n${"x".repeat(size)}\r\n`
  }

  const kinds: ReadonlyArray<readonly [weight: number, make: () => string]> = [
    [16, () => `${pick(["get", "get", "gets"])} ${keys()}\r\n`],
    [3, () => `${pick(["gat", "gats"])} ${shortExptime()} ${keys()}\r\n`],
    [14, storage],
    [5, cas],
    [6, setCounter],
    [8, () => `${pick(["incr", "decr"])} ${pick([...COUNTERS, ...COUNTERS, key()])} ${delta()}${noreply()}\r\n`],
    [3, () => `get ${pick(COUNTERS)} ${pick(COUNTERS)}\r\n`],
    [5, () => `delete ${pick([...KEYS, ...COUNTERS])}${noreply()}\r\n`],
    [3, () => `touch ${key()} ${shortExptime()}${noreply()}\r\n`],
    [16, metaGet],
    // memcached pads a shortened number only where nobody holds the item any more: `mn` sends what waits.
    [2, () => `mg ${pick(COUNTERS)} v t\r\nmn\r\n`],
    [12, metaSet],
    [5, metaDelete],
    [8, metaArithmetic],
    [2, () => `me ${pick([...KEYS, ...COUNTERS])}\r\nmn\r\n`],
    [4, binary],
    [5, wrong],
    [0.1, tooLarge],
    [0.3, () => `flush_all${pick(["", " 0"])}${noreply()}\r\n`],
    [0.5, () => `verbosity 0${noreply()}\r\n`],
    [2, () => "mn\r\n"]
  ]
  const total = kinds.reduce((sum, [weight]) => sum + weight, 0)
  return Array.from({ length: count }, () => {
    let left = below(1_000_000) / 1_000_000 * total
    const kind = kinds.find(([weight]) => (left -= weight) < 0) ?? kinds[0]
    return { bytes: kind[1]() }
  })
}

const unique = (word: string, index: number, words: ReadonlyArray<string>): boolean => words.indexOf(word) === index
