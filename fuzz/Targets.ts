/**
 * All targets, by name.
 */
import type { Target } from "./Target.ts"
import { targets as foreignValues } from "./targets/ForeignValues.ts"
import { targets as keys } from "./targets/Keys.ts"
import { targets as pipelines } from "./targets/Pipelines.ts"
import { targets as replies } from "./targets/Replies.ts"
import { targets as requests } from "./targets/Requests.ts"
import { targets as values } from "./targets/Values.ts"

/** In the order in which they are run. */
export const all: ReadonlyArray<Target> = [...replies, ...requests, ...pipelines, ...values, ...foreignValues, ...keys]
