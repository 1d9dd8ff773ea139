import * as Distribution from "@effect-memcache/client/Distribution"
import * as Profile from "@effect-memcache/client/Profile"
import * as Transcoder from "@effect-memcache/client/Transcoder"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as ProbeDelays from "../src/internal/servers/ProbeDelays.ts"
import { resolve } from "../src/MemcacheOptions.ts"

describe("every profile", () => {
  it.each(Profile.names)("%s is a client with a distribution and a transcoder of its name", (name) => {
    const { distribution, transcoder } = Profile.profiles[name]
    assert.strictEqual(distribution, name)
    assert.strictEqual(transcoder, name)
    assert.include(Distribution.names, distribution)
    assert.include(Transcoder.names, transcoder)
    assert.isTrue(Result.isSuccess(resolve({ profile: name, servers: "10.0.0.1,10.0.0.2" })))
  })

  it.effect.each(
    [
      ["python-memcached", 30_000],
      ["pymemcache", 60_000],
      ["pylibmc", 2000],
      ["php-memcached", 2000],
      ["dalli", 30_000],
      ["npm-memcached", 30_000]
    ] as const
  )("%s tries a dead server again after %i ms", ([name, millis]) =>
    Effect.gen(function*() {
      const next = yield* ProbeDelays.make(Profile.profiles[name].deadHost.schedule)
      for (let i = 0; i < 3; i++) assert.strictEqual(Duration.toMillis(yield* next), millis)
    }))
})
