/**
 * The clients of other languages that this one is tried beside: how each is started, and what it can share.
 */
import type { Name } from "@effect-memcache/client/Distribution"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { join } from "node:path"
import type { Item, Kind, PlainKey, Value } from "./Items.ts"

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

export interface Neighbour {
  readonly name: string
  /** Debian's packages of it. */
  readonly debian: string
  /** Programs that may run it: the first in which `probe` succeeds does. */
  readonly programs: ReadonlyArray<string>
  readonly probe: ReadonlyArray<string>
  readonly script: string
  /** What it stores and reads as a value of its own, and this client too. */
  readonly kinds: ReadonlyArray<Kind>
  /** Whether it reads what this client has compressed. */
  readonly readsCompressed?: boolean
  /** The flags of its integers, where they are not this client's: then the bytes and flags are compared. */
  readonly integerFlags?: number
  /** The flags of what its own serializer writes. */
  readonly objectFlags: number
  readonly settings: ReadonlyArray<Setting>
}

const WEIGHTS = [1, 3, 1, 2, 5]

const python = {
  programs: ["python3", "/usr/bin/python3"],
  objectFlags: 1
}

export const all: ReadonlyArray<Neighbour> = [
  {
    ...python,
    name: "python-memcached",
    debian: "python3-memcache",
    probe: ["-c", "import memcache"],
    script: "python_memcached.py",
    readsCompressed: true,
    kinds: ["text", "bytes", "integer"],
    settings: [
      { distribution: "python-memcached/1.45-1.59", profile: "default", hasHashes: true },
      { distribution: "python-memcached/1.45-1.59", profile: "default", weights: WEIGHTS }
    ]
  },
  {
    ...python,
    name: "pymemcache",
    debian: "python3-pymemcache",
    probe: ["-c", "import pymemcache"],
    script: "pymemcache_hash_client.py",
    kinds: ["text", "bytes", "integer"],
    settings: [
      { distribution: "pymemcache", profile: "str" },
      { distribution: "pymemcache/bytes", profile: "bytes" },
      { distribution: "pymemcache", profile: "str", prefix: "shop:" }
    ]
  },
  {
    ...python,
    name: "pylibmc",
    debian: "python3-pylibmc",
    probe: ["-c", "import pylibmc"],
    script: "pylibmc_client.py",
    readsCompressed: true,
    kinds: ["text", "bytes", "integer"],
    integerFlags: 4,
    settings: [
      { distribution: "pylibmc/default", profile: "default" },
      { distribution: "pylibmc/ketama", profile: "ketama" },
      { distribution: "pylibmc/ketama_weighted", profile: "ketama_weighted" },
      { distribution: "ketama", profile: "ketama_weighted", weights: WEIGHTS },
      { distribution: "pylibmc/hash-crc", profile: "hash-crc" },
      { distribution: "pylibmc/hash-md5+ketama", profile: "hash-md5+ketama" }
    ]
  },
  {
    name: "php-memcached",
    debian: "php-cli php-memcached",
    programs: ["php", "/usr/bin/php"],
    probe: ["-r", "exit(extension_loaded('memcached') ? 0 : 1);"],
    script: "php_memcached.php",
    kinds: ["bytes", "integer"],
    integerFlags: 1,
    objectFlags: 4,
    settings: [
      { distribution: "php-memcached/default", profile: "default", isAsciiOnly: true },
      { distribution: "php-memcached/distribution-consistent", profile: "distribution-consistent", isAsciiOnly: true },
      { distribution: "php-memcached/libketama-compatible", profile: "libketama-compatible", weights: WEIGHTS },
      { distribution: "php-memcached/libketama-compatible", profile: "libketama-compatible", prefix: "shop:" }
    ]
  },
  {
    name: "Dalli",
    debian: "ruby ruby-dalli",
    programs: ["ruby", "/usr/bin/ruby"],
    probe: ["-e", "require 'dalli'"],
    script: "dalli_client.rb",
    kinds: ["bytes"],
    objectFlags: 1,
    settings: [
      { distribution: "dalli", profile: "default" },
      { distribution: "dalli", profile: "default", weights: WEIGHTS },
      { distribution: "dalli", profile: "default", prefix: "shop:" }
    ]
  }
]

/** What a neighbour is told to do, all at once. */
export interface Task {
  /** Addresses as `127.0.0.1:11211`, with their weights. */
  readonly servers: ReadonlyArray<readonly [address: string, weight: number]>
  readonly profile: string
  readonly prefix: string
  readonly write: ReadonlyArray<Item | { readonly key: string; readonly value: { readonly object: unknown } }>
  readonly read: ReadonlyArray<PlainKey>
}

export interface Result {
  readonly version: string
  readonly stored: ReadonlyArray<boolean>
  readonly found: ReadonlyArray<Value | { readonly other: string } | null>
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
