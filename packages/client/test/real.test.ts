/**
 * The behaviour suite against the memcached that is installed. Without one, a missing server is a failure under CI and
 * said aloud elsewhere.
 */
import { describe } from "@effect/vitest"
import { behaviour } from "./behaviour.ts"
import { reasonForNoRealMemcached, Target } from "./Target.ts"

const reason = reasonForNoRealMemcached()
if (reason !== undefined) process.stderr.write(`${reason}\n`)

describe.skipIf(reason !== undefined)("real memcached", () => {
  behaviour("over TCP, meta", Target.real({ protocol: "meta" }))
  behaviour("over TCP, text", Target.real({ protocol: "text" }))
  behaviour("over a unix socket", Target.real({ protocol: "auto", through: "unix" }))
  behaviour("over TLS", Target.real({ protocol: "auto", through: "tls" }))
  behaviour("with text authentication", Target.real({ protocol: "auto", through: "authentication" }))
})
