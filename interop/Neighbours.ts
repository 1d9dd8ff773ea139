/**
 * The clients of other languages that this one is tried beside: how each is started, and what it can share.
 */
import type { Name } from "@effect-memcache/client/Distribution"
import type { Named } from "@effect-memcache/client/Transcoder"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { join } from "node:path"
import type { Item, Kind, PlainKey } from "./Items.ts"
import type { Foreign, Plain, ValueKind } from "./Values.ts"

/** One way to configure a neighbour. */
export interface Setting {
  /** The profile that places keys as this setting does. */
  readonly distribution: Name
  /** What the script calls the setting. */
  readonly profile: string
  /** Weights of the five servers, where the neighbour heeds them. */
  readonly weights?: ReadonlyArray<number>
  /** Put before every key, on both sides; what it does to the place of a key is the neighbour's own. */
  readonly prefix?: string
  readonly isAsciiOnly?: boolean
  readonly hasHashes?: boolean
}

/** One way in which a neighbour stores values. */
export interface Exchange {
  /** What the script calls it. */
  readonly mode: string
  readonly transcoder: Named
  /** The kinds of values that it stores and that this client reads, and the other way round. */
  readonly kinds: ReadonlyArray<ValueKind>
  /** What the neighbour's serializer writes in this mode, if nobody else may read it. */
  readonly foreign?: Foreign
}

export interface Neighbour {
  readonly name: string
  /** Debian's packages of it. */
  readonly debian: string
  /** Programs that may run it: the first in which `probe` succeeds does. */
  readonly programs: ReadonlyArray<string>
  readonly probe: ReadonlyArray<string>
  readonly script: string
  /** How its values are read where only the place of a key is of interest. */
  readonly transcoder: Named
  /** What is stored then. */
  readonly kinds: ReadonlyArray<Kind>
  readonly foreign: Foreign
  readonly settings: ReadonlyArray<Setting>
  readonly exchanges: ReadonlyArray<Exchange>
}

const WEIGHTS = [1, 3, 1, 2, 5]

const PICKLE = { flags: 1, format: "pickle" }

const PYTHON_KINDS = ["text", "bytes", "integer", "huge integer", "large text", "large bytes"] as const

const python = {
  programs: ["python3", "/usr/bin/python3"],
  foreign: PICKLE
}

const pythonExchange = (
  name: "python-memcached" | "pymemcache" | "pylibmc",
  mode: string,
  isCompressed: boolean
): Exchange => ({
  mode,
  transcoder: { name, compression: isCompressed ? { threshold: 1000 } : undefined },
  kinds: name === "pylibmc" ? [...PYTHON_KINDS, "number boolean"] : PYTHON_KINDS,
  foreign: PICKLE
})

const PHP_KINDS = ["integer", "float", "odd float", "boolean"] as const

const JSON_KINDS = ["null", "json", "large json"] as const

const phpExchange = (
  mode: string,
  strings: "text" | "bytes",
  codec: "fastlz" | "zlib" | false,
  foreign?: Foreign
): Exchange => ({
  mode,
  transcoder: { name: "php-memcached", strings, compression: codec === false ? false : { codec } },
  kinds: [
    ...PHP_KINDS,
    ...strings === "text" ? ["text", "large text"] as const : ["bytes", "large bytes"] as const,
    ...foreign === undefined ? JSON_KINDS : []
  ],
  ...foreign === undefined ? {} : { foreign }
})

const dalliExchange = (mode: string, codec: "zlib" | "gzip" | false): Exchange => ({
  mode,
  transcoder: { name: "dalli/json", compression: codec === false ? false : { codec } },
  kinds: ["text", "integer", "huge integer", "float", "boolean", "large text", ...JSON_KINDS]
})

export const all: ReadonlyArray<Neighbour> = [
  {
    ...python,
    name: "python-memcached",
    debian: "python3-memcache",
    probe: ["-c", "import memcache"],
    script: "python_memcached.py",
    transcoder: { name: "python-memcached", compression: {} },
    kinds: ["text", "bytes", "integer"],
    settings: [
      { distribution: "python-memcached/1.45-1.59", profile: "default", hasHashes: true },
      { distribution: "python-memcached/1.45-1.59", profile: "default", weights: WEIGHTS }
    ],
    exchanges: [
      pythonExchange("python-memcached", "default", false),
      pythonExchange("python-memcached", "compressed", true)
    ]
  },
  {
    ...python,
    name: "pymemcache",
    debian: "python3-pymemcache",
    probe: ["-c", "import pymemcache"],
    script: "pymemcache_hash_client.py",
    transcoder: { name: "pymemcache" },
    kinds: ["text", "bytes", "integer"],
    settings: [
      { distribution: "pymemcache", profile: "str" },
      { distribution: "pymemcache/bytes", profile: "bytes" },
      { distribution: "pymemcache", profile: "str", prefix: "shop:" }
    ],
    exchanges: [
      pythonExchange("pymemcache", "default", false),
      { mode: "no-serde", transcoder: { name: "pymemcache/no-serde" }, kinds: ["bytes", "large bytes"] },
      {
        mode: "no-serde",
        transcoder: { name: "pymemcache/no-serde", strings: "text" },
        kinds: ["text", "large text"]
      },
      { mode: "no-serde", transcoder: { name: "text" }, kinds: ["text", "large text"] },
      { mode: "no-serde", transcoder: { name: "bytes" }, kinds: ["bytes", "large bytes"] }
    ]
  },
  {
    ...python,
    name: "pylibmc",
    debian: "python3-pylibmc",
    probe: ["-c", "import pylibmc"],
    script: "pylibmc_client.py",
    transcoder: { name: "pylibmc", compression: {} },
    kinds: ["text", "bytes", "integer"],
    settings: [
      { distribution: "pylibmc/default", profile: "default" },
      { distribution: "pylibmc/ketama", profile: "ketama" },
      { distribution: "pylibmc/ketama_weighted", profile: "ketama_weighted" },
      { distribution: "ketama", profile: "ketama_weighted", weights: WEIGHTS },
      { distribution: "pylibmc/hash-crc", profile: "hash-crc" },
      { distribution: "pylibmc/hash-md5+ketama", profile: "hash-md5+ketama" }
    ],
    exchanges: [pythonExchange("pylibmc", "default", false), pythonExchange("pylibmc", "compressed", true)]
  },
  {
    name: "php-memcached",
    debian: "php-cli php-memcached",
    programs: ["php", "/usr/bin/php"],
    probe: ["-r", "exit(extension_loaded('memcached') ? 0 : 1);"],
    script: "php_memcached.php",
    transcoder: { name: "php-memcached", strings: "bytes" },
    kinds: ["bytes", "integer"],
    foreign: { flags: 4, format: "php-serialize" },
    settings: [
      { distribution: "php-memcached/default", profile: "default", isAsciiOnly: true },
      { distribution: "php-memcached/distribution-consistent", profile: "distribution-consistent", isAsciiOnly: true },
      { distribution: "php-memcached/libketama-compatible", profile: "libketama-compatible", weights: WEIGHTS },
      { distribution: "php-memcached/libketama-compatible", profile: "libketama-compatible", prefix: "shop:" }
    ],
    exchanges: [
      phpExchange("php", "text", "fastlz", { flags: 4, format: "php-serialize" }),
      phpExchange("json", "text", "fastlz"),
      phpExchange("json", "bytes", "fastlz"),
      phpExchange("json,zlib", "text", "zlib"),
      phpExchange("json,off", "bytes", false),
      phpExchange("igbinary", "text", "fastlz", { flags: 5, format: "igbinary" }),
      phpExchange("msgpack", "text", "fastlz", { flags: 7, format: "msgpack" })
    ]
  },
  {
    name: "Dalli",
    debian: "ruby ruby-dalli",
    programs: ["ruby", "/usr/bin/ruby"],
    probe: ["-e", "require 'dalli'"],
    script: "dalli_client.rb",
    transcoder: { name: "dalli", strings: "bytes" },
    kinds: ["bytes"],
    foreign: { flags: 1, format: "marshal" },
    settings: [
      { distribution: "dalli", profile: "default" },
      { distribution: "dalli", profile: "default", weights: WEIGHTS },
      { distribution: "dalli", profile: "default", prefix: "shop:" }
    ],
    exchanges: [
      {
        mode: "raw",
        transcoder: { name: "dalli" },
        kinds: ["text", "large text"],
        foreign: { flags: 1, format: "marshal" }
      },
      { mode: "raw", transcoder: { name: "dalli", strings: "bytes" }, kinds: ["bytes", "large bytes"] },
      { mode: "raw", transcoder: { name: "dalli/json" }, kinds: ["bytes", "large bytes"] },
      dalliExchange("json", "zlib"),
      dalliExchange("json,gzip", "gzip"),
      dalliExchange("json,off", false)
    ]
  }
]

/** What a neighbour is told to do, all at once. */
export interface Task {
  /** Addresses as `127.0.0.1:11211`, with their weights. */
  readonly servers: ReadonlyArray<readonly [address: string, weight: number]>
  readonly profile: string
  /** How values are stored; as the script likes it best if left out. */
  readonly mode?: string
  readonly prefix: string
  readonly write: ReadonlyArray<
    Item | { readonly key: string; readonly value: Plain | { readonly object: unknown } }
  >
  readonly read: ReadonlyArray<PlainKey>
}

export interface Result {
  readonly version: string
  readonly stored: ReadonlyArray<boolean>
  readonly found: ReadonlyArray<Plain | { readonly other: string } | null>
}

/** Starts the neighbour once, and answers what it says. Dies with its own words if it does not come through. */
export const run = (program: string, neighbour: Neighbour, task: Task): Effect.Effect<Result> =>
  Effect.promise(() =>
    new Promise<Result>((resolve, reject) => {
      const servers = task.servers.map(([address, weight]) => {
        const [host, port] = address.split(":")
        return [host, Number(port), weight]
      })
      const options = { timeout: 30_000, maxBuffer: 64 * 1024 * 1024 }
      const script = join(import.meta.dirname, "neighbours", neighbour.script)
      const child = execFile(program, [script], options, (error, stdout, stderr) => {
        if (error !== null) return reject(new Error(`${neighbour.name}: ${stderr.trim() || error.message}`))
        resolve(JSON.parse(stdout) as Result)
      })
      // It may end before it has read everything; then it says why, or its exit code does.
      child.stdin?.on("error", () => {})
      child.stdin?.end(JSON.stringify({ ...task, servers }))
    })
  )
