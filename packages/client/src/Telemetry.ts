/**
 * What a client tells of itself: the options of its metrics and spans. What these are, `docs/OBSERVABILITY.md` says.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import { show } from "./ArgumentError.ts"
import { DEFAULT_BOUNDARIES } from "./internal/telemetry/Histogram.ts"
import { OptionsError } from "./OptionsError.ts"

/**
 * Options of metrics and spans. Metrics are always there, and cost next to nothing until they are read.
 *
 * @category options
 * @since 0.1.0
 */
export interface TelemetryOptions {
  /**
   * The client's name, `db.namespace` of all its metrics and spans, which tells clients apart that have the same servers.
   * Default none: the metrics of such clients are added up.
   */
  readonly name?: string | undefined
  /**
   * Upper bounds of the buckets of `db.client.operation.duration`, in seconds and rising. Default from 50 microseconds to
   * 2.5 seconds, in 15 steps. Clients that share metrics share the boundaries of the first.
   */
  readonly boundaries?: ReadonlyArray<number> | undefined
  /** `false` makes no spans, whatever tracer is installed. Default `true`. */
  readonly spans?: boolean | undefined
}

/**
 * Options that are checked and complete.
 *
 * @category models
 * @since 0.1.0
 */
export interface ResolvedTelemetry {
  readonly name: string | undefined
  readonly boundaries: ReadonlyArray<number>
  readonly spans: boolean
}

/**
 * Checks the options and fills in the defaults.
 *
 * @category constructors
 * @since 0.1.0
 */
export const resolve = (options: TelemetryOptions = {}): Result.Result<ResolvedTelemetry, OptionsError> => {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    return refuse("telemetry", "must be an object with name, boundaries and spans", options)
  }
  const { boundaries = DEFAULT_BOUNDARIES, name, spans = true } = options
  if (name !== undefined && (typeof name !== "string" || name === "")) {
    return refuse("telemetry.name", "must be a text that is not empty", name)
  }
  if (!Array.isArray(boundaries) || boundaries.length === 0 || !boundaries.every(isAboveLast)) {
    return refuse("telemetry.boundaries", "must be numbers of seconds above 0, each larger than the last", boundaries)
  }
  if (typeof spans !== "boolean") return refuse("telemetry.spans", "must be true or false", spans)
  return Result.succeed({ name, boundaries: [...boundaries], spans })
}

const isAboveLast = (seconds: number, i: number, all: ReadonlyArray<number>): boolean =>
  Number.isFinite(seconds) && seconds > (i === 0 ? 0 : all[i - 1])

const refuse = (option: string, rule: string, given: unknown): Result.Result<never, OptionsError> =>
  Result.fail(new OptionsError({ option, detail: `${rule}, not ${show(given)}` }))
