/**
 * What spymemcached stores, with its own transcoder and with the one that it has for Greg Whalin's client. Both keep
 * Java's types, as numbers of big-endian bytes; the first leaves out leading zero bytes.
 *
 * A JavaScript number is written as an Integer where it fits into 32 bits, as a Long where it is a larger integer, and
 * as a Double elsewhere; a bigint is a Long, a Date is a Date. Shorts, bytes, floats and characters are read and never
 * written.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Compression from "../../Compression.ts"
import type { TranscodeFault } from "./Coding.ts"
import { fail, stored } from "./Coding.ts"
import type { Format } from "./Format.ts"
import { deflate } from "./Format.ts"
import { isInt64, isInteger } from "./Numbers.ts"
import { decodeText, ownBytes, storeText } from "./Text.ts"

type Type =
  | "string"
  | "character"
  | "serialized"
  | "boolean"
  | "byte"
  | "short"
  | "integer"
  | "long"
  | "date"
  | "float"
  | "double"
  | "bytes"

interface Dialect {
  /** The type that each number of flags stands for; the first one of a type is what is written. */
  readonly types: ReadonlyMap<number, Type>
  readonly isTrimmed: boolean
  readonly booleans: readonly [no: number, yes: number]
}

/**
 * The dialects by name.
 *
 * @category constants
 * @since 0.1.0
 */
export const dialects = {
  spymemcached: {
    types: new Map<number, Type>([
      [0, "string"],
      [1, "serialized"],
      [0x100, "boolean"],
      [0x200, "integer"],
      [0x300, "long"],
      [0x400, "date"],
      [0x500, "byte"],
      [0x600, "float"],
      [0x700, "double"],
      [0x800, "bytes"]
    ]),
    isTrimmed: true,
    booleans: [0x30, 0x31]
  },
  "spymemcached/whalin": {
    types: new Map<number, Type>([
      [1, "byte"],
      [4, "integer"],
      [8, "serialized"],
      [16, "character"],
      [32, "string"],
      // Of a StringBuffer, and of a StringBuilder.
      [64, "string"],
      [2048, "string"],
      [128, "float"],
      [256, "short"],
      [512, "double"],
      [1024, "date"],
      [4096, "bytes"],
      [8192, "boolean"],
      [16_384, "long"]
    ]),
    isTrimmed: false,
    booleans: [0, 1]
  }
} as const satisfies Record<string, Dialect>

const COMPRESSED = 2

/** spymemcached compresses what has more bytes. */
const THRESHOLD = 16_384

/**
 * A dialect's format.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (dialect: Dialect): Format<"gzip"> => {
  const flagsOf = new Map(Array.from(dialect.types, ([flags, type]) => [type, flags] as const).toReversed())
  return {
    // Its counters are strings.
    counterFlags: flagsOf.get("string") ?? 0,
    write: (value) => {
      const written = write(dialect, value)
      return Result.isFailure(written)
        ? Result.fail(written.failure)
        : stored(written.success.bytes, flagsOf.get(written.success.type) ?? 0)
    },
    look: (flags) => {
      const kind = flags & ~COMPRESSED
      const type = dialect.types.get(kind)
      if (type === undefined) return undefined
      const codec = kind === flags ? undefined : "gzip"
      const isForeign = type === "serialized"
      return { format: isForeign ? "java-serialized" : type, kind, codec, isForeign }
    },
    read: (kind, bytes, isOwn) => read(dialect, dialect.types.get(kind), bytes, isOwn),
    packing: {
      codecs: ["gzip"],
      isOn: true,
      threshold: THRESHOLD,
      flagsOf: () => COMPRESSED,
      isPackable: () => true,
      deflate,
      inflate: Compression.inflate
    }
  }
}

interface Written {
  readonly type: Type
  readonly bytes: Uint8Array
}

const write = (dialect: Dialect, value: unknown): Result.Result<Written, TranscodeFault> => {
  const written = (type: Type, bytes: Uint8Array): Result.Result<Written> => Result.succeed({ type, bytes })
  const long = (type: Type, value: bigint): Result.Result<Written> => {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setBigInt64(0, value)
    return written(type, dialect.isTrimmed ? trim(bytes) : bytes)
  }
  switch (typeof value) {
    case "string":
      return Result.map(storeText(value, 0), ({ bytes }): Written => ({ type: "string", bytes }))
    case "boolean":
      return written("boolean", Uint8Array.of(dialect.booleans[value ? 1 : 0]))
    case "number": {
      if (isInteger(value) && value !== (value | 0)) return long("long", BigInt(value))
      const isWhole = isInteger(value)
      const bytes = new Uint8Array(isWhole ? 4 : 8)
      if (isWhole) new DataView(bytes.buffer).setInt32(0, value)
      else new DataView(bytes.buffer).setFloat64(0, value)
      return written(isWhole ? "integer" : "double", dialect.isTrimmed ? trim(bytes) : bytes)
    }
    case "bigint":
      return isInt64(value) ? long("long", value) : fail("java-serialized", "it does not fit into Java's Long")
    default:
      if (value instanceof Uint8Array) return written("bytes", value)
      if (value instanceof Date && !Number.isNaN(value.getTime())) return long("date", BigInt(value.getTime()))
      return fail("java-serialized", "Java serialises such values; store them as JSON text")
  }
}

const trim = (bytes: Uint8Array): Uint8Array => {
  const first = bytes.findIndex((byte) => byte !== 0)
  return first < 0 ? bytes.subarray(bytes.length) : bytes.subarray(first)
}

const read = (
  dialect: Dialect,
  type: Type | undefined,
  bytes: Uint8Array,
  isOwn: boolean
): Result.Result<unknown, TranscodeFault> => {
  switch (type) {
    case "string":
      return decodeText(bytes)
    case "bytes":
      return Result.succeed(ownBytes(bytes, isOwn))
    case "boolean":
      return bytes.length === 1 && dialect.booleans.includes(bytes[0])
        ? Result.succeed(bytes[0] === dialect.booleans[1])
        : fail("boolean", "its bytes are no boolean")
    case "byte":
      return number(dialect, type, bytes, 1, (view) => view.getInt8(0))
    case "character":
      return number(dialect, type, bytes, 4, (view) => String.fromCharCode(view.getUint16(2)))
    case "short":
      return number(dialect, type, bytes, 4, (view) => view.getInt16(2))
    case "integer":
      return number(dialect, type, bytes, 4, (view) => view.getInt32(0))
    case "float":
      return number(dialect, type, bytes, 4, (view) => view.getFloat32(0))
    case "double":
      return number(dialect, type, bytes, 8, (view) => view.getFloat64(0))
    case "date":
      return Result.flatMap(number(dialect, type, bytes, 8, (view) => view.getBigInt64(0)), dateOf)
    case "long":
      return number(dialect, type, bytes, 8, (view) => safely(view.getBigInt64(0)))
    default:
      return fail("java-serialized", "it is never decoded")
  }
}

/** Reads a number of `size` bytes, of which the leading zeros may be missing. */
const number = <A>(
  { isTrimmed }: Dialect,
  type: Type,
  bytes: Uint8Array,
  size: number,
  get: (view: DataView) => A
): Result.Result<A, TranscodeFault> => {
  if (isTrimmed ? bytes.length > size : bytes.length !== size) return fail(type, `it has ${bytes.length} bytes`)
  const whole = new Uint8Array(size)
  whole.set(bytes, size - bytes.length)
  return Result.succeed(get(new DataView(whole.buffer)))
}

const safely = (value: bigint): number | bigint => {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** JavaScript's dates end 100 million days from 1970, and Java's do not. */
const dateOf = (millis: bigint): Result.Result<Date, TranscodeFault> => {
  const date = new Date(Number(millis))
  return Number.isNaN(date.getTime()) ? fail("date", "it is too far from today for a Date") : Result.succeed(date)
}
