/**
 * What a fault server is told to do: scripts as plain data, so that they can be printed, kept in tables, and passed to a
 * child process as JSON.
 *
 * A rule says when (`on`, `onAccept`) and what (its steps). For each request the first rule that fits wins, and where
 * none fits, the server answers as memcached does.
 *
 * ```ts
 * const rules = [
 *   FaultScript.onAccept({ connection: 1 }, FaultScript.rst),
 *   FaultScript.on({ verb: "mg", nth: 3 }, FaultScript.part(-2), FaultScript.fin),
 *   FaultScript.on({ key: "slow" }, FaultScript.delay(400), FaultScript.reply)
 * ]
 * ```
 *
 * Bytes are byte strings, one UTF-16 unit for each byte, as on the wire: `"\xff\r\n"`.
 *
 * @since 0.1.0
 */

/**
 * One thing to do. The steps of a request are done in their order, and a request's after those of the one before.
 *
 * The server carries a command out when it comes to the first step that wants memcached's reply, or loses it: `Reply`,
 * `Part`, `Slice`, `Duplicate`, `Swap` and `Drop`. A script without any of them leaves the command undone.
 *
 * @category models
 * @since 0.1.0
 */
export type Step =
  | { readonly _tag: "Reply" }
  | { readonly _tag: "ReplyBytes"; readonly bytes: string }
  | { readonly _tag: "Part"; readonly end: number }
  | { readonly _tag: "Slice"; readonly size: number; readonly every: number; readonly bytes?: string | undefined }
  | { readonly _tag: "Delay"; readonly millis: number }
  | { readonly _tag: "Drop" }
  | { readonly _tag: "Duplicate" }
  | { readonly _tag: "Swap" }
  | { readonly _tag: "Push"; readonly bytes: string }
  | { readonly _tag: "Stall" }
  | { readonly _tag: "Silence" }
  | { readonly _tag: "Endless"; readonly pattern: string; readonly limit: number }
  | { readonly _tag: "Fin" }
  | { readonly _tag: "Rst" }
  | { readonly _tag: "StopReading" }
  | { readonly _tag: "ResumeReading" }

/**
 * Numbers from 1: one of them, or a stretch of them, both ends included and both open if left out.
 *
 * @category models
 * @since 0.1.0
 */
export type Numbers = number | { readonly from?: number | undefined; readonly to?: number | undefined }

/**
 * Which requests a rule is for. What is left out does not matter; what is there must all be so.
 *
 * @category models
 * @since 0.1.0
 */
export interface RequestCondition {
  /**
   * The command's word as on the wire, or several of them. `"*"` is every request, also one that is no legal command.
   * Left out: every legal command but `version` and `mn`, with which clients greet and probe.
   */
  readonly verb?: string | ReadonlyArray<string> | undefined
  /** A key of the command as on the wire, or several of which one must be there. */
  readonly key?: string | ReadonlyArray<string> | undefined
  /** Connections in the order in which they were accepted, from 1. */
  readonly connection?: Numbers | undefined
  /** Of the requests for which the rest of the condition holds, the first, the second, the third to the ninth. */
  readonly nth?: Numbers | undefined
  /** Whether `nth` counts on each connection for itself (the default) or over the server. */
  readonly per?: "connection" | "server" | undefined
  /** How often the rule may be used in all; left out: always. 1 is once. */
  readonly times?: number | undefined
}

/**
 * Which connections a rule is for.
 *
 * @category models
 * @since 0.1.0
 */
export interface AcceptCondition {
  /** Connections in the order in which they were accepted, from 1; left out: every one. */
  readonly connection?: Numbers | undefined
  /** How often the rule may be used in all; left out: always. */
  readonly times?: number | undefined
}

/**
 * When, and what to do. Rules are plain data: `JSON.parse(JSON.stringify(rule))` is the same rule.
 *
 * @category models
 * @since 0.1.0
 */
export type Rule =
  | { readonly _tag: "OnRequest"; readonly when: RequestCondition; readonly steps: ReadonlyArray<Step> }
  | { readonly _tag: "OnAccept"; readonly when: AcceptCondition; readonly steps: ReadonlyArray<Step> }

/**
 * A rule for requests.
 *
 * @category constructors
 * @since 0.1.0
 */
export const on = (when: RequestCondition, ...steps: ReadonlyArray<Step>): Rule => ({ _tag: "OnRequest", when, steps })

/**
 * A rule for connections. Its steps are done before the first request is answered, and before a TLS handshake begins.
 *
 * @category constructors
 * @since 0.1.0
 */
export const onAccept = (when: AcceptCondition, ...steps: ReadonlyArray<Step>): Rule => ({
  _tag: "OnAccept",
  when,
  steps
})

/**
 * Sends what memcached answers.
 *
 * @category steps
 * @since 0.1.0
 */
export const reply: Step = { _tag: "Reply" }

/**
 * Sends these bytes in the place of the reply. `{opaque}` and `{key}` in them stand for the request's own, empty if it
 * has none. By themselves they leave the command undone.
 *
 * @category steps
 * @since 0.1.0
 */
export const replyBytes = (bytes: string | Uint8Array): Step => ({ _tag: "ReplyBytes", bytes: asText(bytes) })

/**
 * Sends the reply up to this byte, counted from its end if negative, as `Array.slice` does: `part(10)` are its first ten
 * bytes, `part(-2)` leaves its last CRLF away.
 *
 * @category steps
 * @since 0.1.0
 */
export const part = (end: number): Step => ({ _tag: "Part", end })

/**
 * Sends the reply, or the bytes given instead, in pieces of `size` bytes, one `every` so many milliseconds. With 0, the
 * default, each piece is a write of its own in its own turn of the event loop.
 *
 * @category steps
 * @since 0.1.0
 */
export const slice = (
  size: number,
  options: { readonly every?: number | undefined; readonly bytes?: string | Uint8Array | undefined } = {}
): Step => ({
  _tag: "Slice",
  size: Math.max(1, size),
  every: options.every ?? 0,
  ...options.bytes === undefined ? undefined : { bytes: asText(options.bytes) }
})

/**
 * Does what follows so many milliseconds after the request came; after the step before, if that was later than the
 * request by itself. Requests that came together are late together, not one after the other, as on a long line.
 *
 * A server made by Effect waits by Effect's `Clock`, so that under `TestClock` time passes when the test says so.
 *
 * @category steps
 * @since 0.1.0
 */
export const delay = (millis: number): Step => ({ _tag: "Delay", millis })

/**
 * Carries the command out and sends nothing: the reply is lost.
 *
 * @category steps
 * @since 0.1.0
 */
export const drop: Step = { _tag: "Drop" }

/**
 * Sends the reply twice.
 *
 * @category steps
 * @since 0.1.0
 */
export const duplicate: Step = { _tag: "Duplicate" }

/**
 * Sends the reply after that of the next request. Used always, it exchanges replies in pairs.
 *
 * @category steps
 * @since 0.1.0
 */
export const swap: Step = { _tag: "Swap" }

/**
 * Sends bytes that nobody asked for. `{opaque}` and `{key}` stand for the request's own.
 *
 * @category steps
 * @since 0.1.0
 */
export const push = (bytes: string | Uint8Array): Step => ({ _tag: "Push", bytes: asText(bytes) })

/**
 * From now on nothing is sent on this connection. Requests are still read and logged, but not carried out.
 *
 * @category steps
 * @since 0.1.0
 */
export const stall: Step = { _tag: "Stall" }

/**
 * From now on nothing is sent on this connection, and what comes is counted but not understood: for `onAccept`, a peer
 * that never shakes hands, whatever is spoken.
 *
 * @category steps
 * @since 0.1.0
 */
export const silence: Step = { _tag: "Silence" }

/**
 * Sends a pattern again and again until so many bytes went out, as fast as the client reads them.
 *
 * @category steps
 * @since 0.1.0
 */
export const endless = (pattern: string | Uint8Array, options: { readonly limit: number }): Step => ({
  _tag: "Endless",
  pattern: asText(pattern),
  limit: options.limit
})

/**
 * Ends the connection after what was sent. What the client still sends is read and logged, until it ends its half too.
 *
 * @category steps
 * @since 0.1.0
 */
export const fin: Step = { _tag: "Fin" }

/**
 * Resets the connection. A unix socket has no reset and is destroyed.
 *
 * @category steps
 * @since 0.1.0
 */
export const rst: Step = { _tag: "Rst" }

/**
 * Reads no more from this connection, so that the client's buffers fill up. What was read before is still answered.
 *
 * @category steps
 * @since 0.1.0
 */
export const stopReading: Step = { _tag: "StopReading" }

/**
 * Reads again.
 *
 * @category steps
 * @since 0.1.0
 */
export const resumeReading: Step = { _tag: "ResumeReading" }

/**
 * A rule as one line, for the name of a test or a table.
 *
 * @category formatting
 * @since 0.1.0
 */
export const show = (rule: Rule): string => {
  const when = Object.entries(rule.when).filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
  const head = [rule._tag === "OnAccept" ? "accept" : "request", ...when].join(", ")
  return `${head}: ${rule.steps.map(showStep).join(", ")}`
}

const showStep = ({ _tag, ...rest }: Step): string => {
  const name = _tag[0].toLowerCase() + _tag.slice(1)
  const values = Object.values(rest).filter((value) => value !== undefined)
  return values.length === 0 ? name : `${name}(${values.map(showValue).join(", ")})`
}

const MAX_SHOWN = 60

// No control character gets into a terminal, whatever the bytes are.
const showValue = (value: string | number): string => {
  const text = JSON.stringify(value).replaceAll("\\u00", "\\x").replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\x${unit.charCodeAt(0).toString(16).padStart(2, "0")}`
  )
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}...`
}

const asText = (bytes: string | Uint8Array): string =>
  typeof bytes === "string" ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1")
