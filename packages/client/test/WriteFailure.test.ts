import type { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, describe, it } from "@effect/vitest"
import { isWriteFailure } from "../src/WriteFailure.ts"
import { makers } from "./fixtures/Errors.ts"

describe("a write that failed is told", () => {
  /** "may have reached nobody" or "is refused for what it is"; an unknown outcome is always told. */
  const table: { readonly [T in MemcacheError["reason"]["_tag"]]: boolean } = {
    ConnectError: true,
    ConnectionLostError: true,
    TimeoutError: true,
    OverloadedError: true,
    NoServerError: true,
    ServerDeadError: true,
    // Of a proxy that could not reach its server, for one.
    ServerError: true,
    ProtocolError: true,
    AuthenticationError: true,
    TlsError: true,
    ValueTooLargeError: false,
    OutOfMemoryError: false,
    NotNumberError: false,
    UnsupportedError: false,
    ClientError: false,
    EncodeError: false,
    DecodeError: false
  }
  for (const [tag, expected] of Object.entries(table)) {
    it(`${tag}: ${expected ? "yes" : "only if its outcome is unknown"}`, () => {
      const make = makers[tag as keyof typeof table]
      for (const outcome of ["not-sent", "rejected"] as const) {
        assert.strictEqual(isWriteFailure(make(outcome)), expected)
      }
      // What came back of a value has an outcome of its own.
      assert.strictEqual(isWriteFailure(make("unknown")), tag !== "DecodeError")
    })
  }
})
