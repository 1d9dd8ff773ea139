/**
 * The behaviour suite against the embedded memcached.
 */
import { behaviour } from "./behaviour.ts"
import { Target } from "./Target.ts"

behaviour("embedded, meta", Target.embedded({ protocol: "meta" }))
behaviour("embedded, text", Target.embedded({ protocol: "text" }))
