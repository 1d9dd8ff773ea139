/**
 * One value of every kind that clients share, as this client has it and as the scripts in `neighbours` read and write it.
 */

/** Kinds that a client may know or not. */
export type ValueKind =
  | "text"
  | "bytes"
  | "integer"
  | "huge integer"
  | "float"
  | "odd float"
  | "boolean"
  | "number boolean"
  | "null"
  | "json"
  | "large text"
  | "large bytes"
  | "large json"

/** A value as JSON has it; floats are as C prints them, so that infinities have a place. */
export type Plain =
  | { readonly text: string }
  | { readonly bytes: string }
  | { readonly integer: string }
  | { readonly float: string }
  | { readonly boolean: boolean }
  | { readonly null: true }
  | { readonly json: unknown }

/** What an item of the neighbour's own serializer is refused as. */
export interface Foreign {
  readonly flags: number
  readonly format: string
}

export interface Sample {
  readonly kind: ValueKind
  /** As this client has it. */
  readonly value: unknown
  readonly plain: Plain
  /** As this client reads it, where that is something else. */
  readonly reading?: unknown
}

const text = (value: string, kind: ValueKind = "text"): Sample => ({ kind, value, plain: { text: value } })

const bytes = (value: Uint8Array, kind: ValueKind = "bytes"): Sample => ({
  kind,
  value: new Uint8Array(value),
  plain: { bytes: Buffer.from(value).toString("base64") }
})

const integer = (value: number | bigint, kind: ValueKind = "integer"): Sample => ({
  kind,
  value,
  plain: { integer: String(value) }
})

const float = (value: number, kind: ValueKind = "float"): Sample => ({
  kind,
  value,
  plain: { float: Object.is(value, -0) ? "-0.0" : String(value) }
})

const json = (value: unknown, kind: ValueKind = "json"): Sample => ({ kind, value, plain: { json: value } })

// Longer than what is done at once on both sides, so that other threads have their part in it.
const LONG = 200_000

const rows = Array.from({ length: 500 }, (_, id) => ({ id, name: `Grüße ${id}`, isOn: id % 2 === 0, path: "a/b" }))

/** The same ones at every call. */
export const samples: ReadonlyArray<Sample> = [
  text(""),
  text("ascii"),
  text("Grüße, ключ, 日本語 🦊"),
  text("l1\r\nEND\r\nVALUE k 0 1\r\n"),
  text("{\"looks\":\"like json\"}"),
  text("123"),
  text("a\u0000b"),
  text("a long text, äöü, ".repeat(200), "large text"),
  text("日本語 0123456789".repeat(LONG / 25), "large text"),
  bytes(Buffer.alloc(0)),
  bytes(Buffer.from(Array.from({ length: 256 }, (_, i) => i))),
  bytes(Buffer.from("fffe80a7a87e", "hex")),
  bytes(Buffer.alloc(LONG, Buffer.from(Array.from({ length: 251 }, (_, i) => (i * 37) % 256))), "large bytes"),
  integer(0),
  integer(42),
  integer(-7),
  integer(Number.MAX_SAFE_INTEGER),
  integer(9_007_199_254_740_993n),
  integer(-(2n ** 63n)),
  integer(2n ** 63n - 1n),
  integer(10n ** 30n, "huge integer"),
  float(0.5),
  float(-571.820107),
  float(1.87e300),
  float(5e-324),
  float(1.5e-7),
  float(-0),
  float(Infinity, "odd float"),
  float(-Infinity, "odd float"),
  float(Number.NaN, "odd float"),
  { kind: "boolean", value: true, plain: { boolean: true } },
  { kind: "boolean", value: false, plain: { boolean: false } },
  { kind: "number boolean", value: true, plain: { boolean: true }, reading: 1 },
  { kind: "number boolean", value: false, plain: { boolean: false }, reading: 0 },
  { kind: "null", value: null, plain: { null: true } },
  json({ id: 7, "Grüße/ü": [1, "two", null, [false], { deep: { er: 0.25 } }] }),
  json([]),
  json({}),
  json([1, [2, [3]]]),
  json({ rows }, "large json")
]

/** What a neighbour answers, made comparable: strings are bytes, and numbers are numbers. */
export const normalize = (plain: Plain | { readonly other: string } | null): unknown => {
  if (plain === null) return { null: true }
  if ("text" in plain) return { bytes: Buffer.from(plain.text).toString("base64") }
  if ("float" in plain) {
    const name = plain.float.replace(/^(-?)inf.*$/i, "$1Infinity").replace(/^nan$/i, "NaN")
    return { float: Number(name) }
  }
  if ("boolean" in plain) return { boolean: plain.boolean }
  return plain
}
