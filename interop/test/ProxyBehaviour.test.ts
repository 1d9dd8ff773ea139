/**
 * The client's own suite, through twemproxy: everything that has a key works there as it does without it.
 */
import { Memcache } from "@effect-memcache/client"
import { RealMemcached } from "@effect-memcache/testing"
import { describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { batches } from "../../packages/client/test/behaviour/Batches.ts"
import { conditions } from "../../packages/client/test/behaviour/Conditions.ts"
import { counters } from "../../packages/client/test/behaviour/Counters.ts"
import { keys } from "../../packages/client/test/behaviour/Keys.ts"
import { timesToLive } from "../../packages/client/test/behaviour/TimesToLive.ts"
import { values } from "../../packages/client/test/behaviour/Values.ts"
import { wire } from "../../packages/client/test/behaviour/Wire.ts"
import { Target } from "../../packages/client/test/Target.ts"
import { connect } from "../Fleet.ts"
import * as Installed from "../Installed.ts"
import * as Nutcracker from "../Nutcracker.ts"

const installed = Nutcracker.installed()

/** One server behind the proxy, so that the raw socket beside the client sees every item. */
const target = Effect.gen(function*() {
  const server = yield* RealMemcached.make()
  const proxy = yield* Nutcracker.make({ program: Installed.programOf(installed), servers: [server.address] })
  return Target.of({
    options: { servers: [proxy], commandTimeout: "10 seconds", connectTimeout: "10 seconds" },
    isEmbedded: false,
    raw: yield* Target.rawTo(server.address)
  })
})

/** The proxy knows no `gat`: with two commands in its place, the suite asks the same of both. */
const client = Effect.gen(function*() {
  const cache = yield* connect((yield* Target).options)
  const getAndTouch: typeof cache.getAndTouch = (key, ttl) =>
    Effect.flatMap(cache.touch(key, ttl), (isThere) => isThere ? cache.get(key) : Effect.succeedNone)
  return Memcache.of({ ...cache, getAndTouch })
})

const both = Layer.orDie(Layer.provideMerge(Layer.effect(Memcache, client), Layer.effect(Target, target)))

describe.skipIf(Installed.isSkipped(installed) || Installed.isSkipped(Installed.memcached()))("what has a key", () => {
  layer(both, { excludeTestServices: true, timeout: "30 seconds" })("works through twemproxy", (it) => {
    values(it)
    wire(it)
    keys(it)
    conditions(it)
    counters(it)
    timesToLive(it)
    batches(it)
  })
})
