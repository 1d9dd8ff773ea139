/**
 * Every transcoder by name, and which options it has.
 *
 * @since 0.1.0
 */
import type { CompressionOptions } from "../../Compression.ts"
import * as Compression from "../../Compression.ts"
import * as StandardTranscoder from "../../StandardTranscoder.ts"
import type { Transcoder } from "./Coding.ts"
import * as Dalli from "./Dalli.ts"
import type { Format, Packer, PackingOptions } from "./Format.ts"
import { toTranscoder } from "./Format.ts"
import * as NpmMemcached from "./NpmMemcached.ts"
import * as PhpMemcached from "./PhpMemcached.ts"
import * as Python from "./Python.ts"
import * as Spymemcached from "./Spymemcached.ts"
import * as Strings from "./Strings.ts"

/**
 * Options that only some transcoders have.
 *
 * @category options
 * @since 0.1.0
 */
export interface OwnOptions {
  readonly strings?: "text" | "bytes" | undefined
  readonly flags?: number | undefined
  readonly userFlags?: number | undefined
}

/**
 * What is known of a transcoder before it is made.
 *
 * @category models
 * @since 0.1.0
 */
export interface Family {
  /** What it may compress with, its own choice first. */
  readonly codecs: ReadonlyArray<Packer>
  readonly own: ReadonlyArray<keyof OwnOptions>
  /** Of options that are checked already. */
  readonly make: (
    options: OwnOptions,
    compression: PackingOptions | false | undefined,
    maxInflatedSize: number
  ) => Transcoder
}

const family = <C extends Packer>(
  name: string,
  own: ReadonlyArray<keyof OwnOptions>,
  make: (options: OwnOptions) => Format<C>
): Family => ({
  codecs: make({}).packing?.codecs ?? [],
  own,
  make: (options, compression, maxInflatedSize) => toTranscoder(name, make(options), compression, maxInflatedSize)
})

const python = (name: keyof typeof Python.dialects): Family => {
  const dialect = Python.dialects[name]
  return family(name, dialect.text === 0 ? ["strings"] : [], ({ strings = "text" }) => Python.make(dialect, strings))
}

/**
 * The families. A name that is a client's alone is what the newest release of that client does by itself.
 *
 * @category constants
 * @since 0.1.0
 */
export const families = {
  standard: {
    codecs: Compression.CODECS,
    own: [],
    // Checked against the codecs above, of which FastLZ is none.
    make: (_, compression, maxInflatedSize) =>
      StandardTranscoder.make({ compression: compression as CompressionOptions | false | undefined, maxInflatedSize })
  },
  "python-memcached": python("python-memcached"),
  "python-memcached/1.54-1.58": python("python-memcached/1.54-1.58"),
  "python-memcached/1.43": python("python-memcached/1.43"),
  pymemcache: python("pymemcache"),
  "pymemcache/no-serde": family(
    "pymemcache/no-serde",
    ["strings"],
    ({ strings = "bytes" }) => Strings.strings(strings)
  ),
  pylibmc: python("pylibmc"),
  "php-memcached": family(
    "php-memcached",
    ["strings", "userFlags"],
    ({ strings = "text", userFlags = 0 }) => PhpMemcached.make(strings, userFlags)
  ),
  dalli: family("dalli", ["strings"], ({ strings = "text" }) => Dalli.make("Marshal", strings)),
  "dalli/json": family("dalli/json", ["strings"], ({ strings = "bytes" }) => Dalli.make("JSON", strings)),
  spymemcached: family("spymemcached", [], () => Spymemcached.make(Spymemcached.dialects.spymemcached)),
  "spymemcached/whalin": family(
    "spymemcached/whalin",
    [],
    () => Spymemcached.make(Spymemcached.dialects["spymemcached/whalin"])
  ),
  "npm-memcached": family("npm-memcached", [], () => NpmMemcached.make()),
  memjs: family("memjs", ["strings"], ({ strings = "bytes" }) => Strings.strings(strings)),
  bytes: family("bytes", ["flags"], ({ flags = 0 }) => Strings.bytes(flags)),
  text: family("text", ["flags"], ({ flags = 0 }) => Strings.text(flags)),
  json: family("json", ["flags"], ({ flags = 0 }) => Strings.json(flags))
} as const satisfies Record<string, Family>

/**
 * The names.
 *
 * @category models
 * @since 0.1.0
 */
export type Name = keyof typeof families
