/**
 * Finds the rule for a request: the one place where a script's rules are matched and counted.
 *
 * @since 0.1.0
 */
import type { Command } from "@effect-memcache/protocol/Command"
import { isGreeting } from "../FaultLog.ts"
import type { Numbers, RequestCondition, Rule, Step } from "../FaultScript.ts"
import * as FaultScript from "../FaultScript.ts"

/** What a rule can ask about a request. */
export interface Candidate {
  readonly verb: string
  readonly keys: ReadonlyArray<string>
  readonly isLegal: boolean
}

const DEFAULT_STEPS: ReadonlyArray<Step> = [FaultScript.reply]

/** How far a rule has got. */
interface Page {
  readonly rule: Rule
  used: number
  readonly seen: Map<number, number>
}

// What `nth` counts under when it counts over the server; connections begin at 1.
const SERVER = 0

/** The rules of one server, in force from one `script` to the next. */
export class RuleBook {
  private pages: ReadonlyArray<Page> = []

  /** Exchanges the rules; every count begins anew. */
  replace(rules: ReadonlyArray<Rule>): void {
    this.pages = rules.map((rule) => ({ rule, used: 0, seen: new Map() }))
  }

  /** What to do with a new connection. */
  onAccept(connection: number): ReadonlyArray<Step> {
    for (const page of this.pages) {
      const { rule } = page
      if (rule._tag === "OnAccept" && isAmong(rule.when.connection, connection) && use(page)) return rule.steps
    }
    return []
  }

  /** What to do with a request. Each request counts for every rule that it fits, also behind the one that wins. */
  onRequest(connection: number, candidate: Candidate): ReadonlyArray<Step> {
    let found: ReadonlyArray<Step> | undefined = undefined
    for (const page of this.pages) {
      const { rule } = page
      if (rule._tag !== "OnRequest" || !fits(rule.when, connection, candidate)) continue
      const { nth, per } = rule.when
      if (nth !== undefined) {
        const counter = per === "server" ? SERVER : connection
        const count = (page.seen.get(counter) ?? 0) + 1
        page.seen.set(counter, count)
        if (!isAmong(nth, count)) continue
      }
      if (found === undefined && use(page)) found = rule.steps
    }
    return found ?? DEFAULT_STEPS
  }

  /** Forgets what was counted for a connection that is gone. */
  forget(connection: number): void {
    for (const { seen } of this.pages) seen.delete(connection)
  }
}

/** The keys that a command names. */
export const keysOf = (command: Command): ReadonlyArray<string> =>
  "keys" in command ? command.keys : "key" in command ? [command.key] : []

const use = (page: Page): boolean => {
  if (page.used >= (page.rule.when.times ?? Infinity)) return false
  page.used++
  return true
}

const fits = (when: RequestCondition, connection: number, { isLegal, keys, verb }: Candidate): boolean =>
  (when.verb === undefined ? isLegal && !isGreeting(verb) : when.verb === "*" || isOneOf(when.verb, verb)) &&
  (when.key === undefined || keys.some((key) => isOneOf(when.key!, key))) &&
  isAmong(when.connection, connection)

const isOneOf = (wanted: string | ReadonlyArray<string>, word: string): boolean =>
  typeof wanted === "string" ? wanted === word : wanted.includes(word)

const isAmong = (wanted: Numbers | undefined, n: number): boolean => {
  if (wanted === undefined) return true
  if (typeof wanted === "number") return wanted === n
  return n >= (wanted.from ?? 1) && n <= (wanted.to ?? Infinity)
}
