import type { Memcache } from "@effect-memcache/client"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Manifest } from "../../../src/internal/large/Manifest.ts"
import * as Parts from "../../../src/internal/large/Parts.ts"

it.effect("no memory is taken for a value of which nothing has come", () =>
  Effect.gen(function*() {
    const cache = { getMany: () => Effect.succeed(new Map()) } as unknown as Memcache["Service"]
    // As much as no buffer can be.
    const manifest: Manifest = { id: "0123456789", length: 1e15, partSize: 1e12, checksum: 0, flags: 0 }
    assert.isUndefined(yield* Parts.read(cache, manifest))
  }))
