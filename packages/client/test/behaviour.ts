/**
 * The one suite that every server must pass, whatever it is and however it is reached: the method table of the design,
 * the points that the suites of other clients pin down, and the defects that other clients have.
 *
 * `D12` in a test's name is the defect of that number in the project's list of other clients' defects, `P3` the third
 * of the behaviours that a newcomer easily misses.
 */
import type { Memcache } from "@effect-memcache/client"
import type { Vitest } from "@effect/vitest"
import { layer } from "@effect/vitest"
import type * as Layer from "effect/Layer"
import { administration } from "./behaviour/Administration.ts"
import { batches } from "./behaviour/Batches.ts"
import { conditions } from "./behaviour/Conditions.ts"
import { connections } from "./behaviour/Connections.ts"
import { counters } from "./behaviour/Counters.ts"
import { keys } from "./behaviour/Keys.ts"
import { timesToLive } from "./behaviour/TimesToLive.ts"
import { values } from "./behaviour/Values.ts"
import { wire } from "./behaviour/Wire.ts"
import type { Target } from "./Target.ts"

export type It = Vitest.MethodsNonLive<Memcache | Target>

export const behaviour = (name: string, target: Layer.Layer<Memcache | Target>): void =>
  // Real sockets need the real clock.
  layer(target, { excludeTestServices: true, timeout: "30 seconds" })(name, (it) => {
    values(it)
    wire(it)
    keys(it)
    conditions(it)
    counters(it)
    timesToLive(it)
    batches(it)
    administration(it)
    connections(it)
  })
