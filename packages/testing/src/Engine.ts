/**
 * A memcached without a network: takes a command, does it, writes the reply.
 *
 * It answers as memcached 1.6.45. What PROTOCOL calls defects of that release (replies that get lost, report names
 * matched by prefix) it does not have, and an item that was stored under a base64 key stays known by it, which the
 * real one forgets when `append`, `x` or a longer number make a new item of it.
 *
 * @since 0.1.0
 */
import type { Command, StatsReport } from "@effect-memcache/protocol/Command"
import { DEFAULT_MAX_ITEM_SIZE } from "@effect-memcache/protocol/Limits"
import * as MetaResponse from "@effect-memcache/protocol/meta/ResponseEncoder"
import type { Reply } from "@effect-memcache/protocol/Reply"
import * as TextResponse from "@effect-memcache/protocol/text/ResponseEncoder"
import type { WriteBuffer } from "@effect-memcache/protocol/WriteBuffer"
import * as Classic from "./ClassicCommands.ts"
import { ItemStore } from "./ItemStore.ts"
import * as Meta from "./MetaCommands.ts"
import type { Peer } from "./Report.ts"
import type { Settings } from "./Settings.ts"
import { DEFAULTS } from "./Settings.ts"
import { Statistics } from "./Statistics.ts"
import * as StatsReports from "./StatsReports.ts"

/**
 * What can be chosen about the items; memcached's own options are named behind.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** Milliseconds since 1970; the machine's clock if left out. */
  readonly now?: (() => number) | undefined
  /** Largest item in bytes, about 50 and the key's length of which are not for the value (`-I`; default 1 MiB). */
  readonly maxItemSize?: number | undefined
  /** Bytes for all items (`-m`, there in megabytes; default 64 MiB). */
  readonly memoryLimit?: number | undefined
  /** `false` refuses new items when memory is full, instead of evicting old ones (`-M`). */
  readonly evict?: boolean | undefined
  /** `false` does without cas uniques (`-C`). */
  readonly cas?: boolean | undefined
  /** What the server around the engine was set up with; `stats` shows it. */
  readonly settings?: Partial<Settings> | undefined
}

const DEFAULT_MEMORY_LIMIT = 67_108_864

const OK: Reply = { _tag: "Ok" }

// The real server has three levels of talking and takes any number for the highest.
const MAX_VERBOSITY = 2

/**
 * The items and counters of one server, and what commands do to them.
 *
 * @category models
 * @since 0.1.0
 */
export class Engine {
  readonly store: ItemStore
  readonly statistics = new Statistics()
  readonly settings: Settings
  /** Who is connected, as the server knows. */
  peers: () => ReadonlyArray<Peer> = () => []

  constructor(options: Options = {}) {
    this.store = new ItemStore({
      now: options.now ?? Date.now,
      maxItemSize: options.maxItemSize ?? DEFAULT_MAX_ITEM_SIZE,
      memoryLimit: options.memoryLimit ?? DEFAULT_MEMORY_LIMIT,
      isEvicting: options.evict ?? true,
      hasCas: options.cas ?? true
    })
    this.settings = { ...DEFAULTS, ...options.settings }
  }

  /** Does a command and writes what it answers, which may be nothing. `Quit` is left to the server. */
  execute(command: Command, buffer: WriteBuffer): void {
    switch (command._tag) {
      case "Get":
      case "GetAndTouch":
        for (const reply of Classic.get(this, command)) TextResponse.encode(buffer, reply)
        return
      case "Store":
      case "Cas":
        return answer(buffer, Classic.store(this, command), command.noreply)
      case "Arithmetic":
        return answer(buffer, Classic.arithmetic(this, command), command.noreply)
      case "Delete":
        return answer(buffer, Classic.remove(this, command), command.noreply)
      case "Touch":
        return answer(buffer, Classic.touch(this, command), command.noreply)
      case "FlushAll":
        return answer(buffer, this.flushAll(command.delay ?? 0), command.noreply)
      case "Verbosity":
        this.settings.verbosity = Math.min(command.level, MAX_VERBOSITY)
        return answer(buffer, OK, command.noreply)
      case "Version":
        return answer(buffer, { _tag: "Version", version: this.settings.version }, false)
      case "Stats":
        return this.stats(command.report, buffer)
      case "MetaGet":
        return answerMeta(buffer, Meta.get(this, command))
      case "MetaSet":
        return answerMeta(buffer, Meta.set(this, command))
      case "MetaDelete":
        return answerMeta(buffer, Meta.remove(this, command))
      case "MetaArithmetic":
        return answerMeta(buffer, Meta.arithmetic(this, command))
      case "MetaDebug":
        return answerMeta(buffer, Meta.debug(this, command))
      case "MetaNoop":
        return answerMeta(buffer, { code: "MN", flags: [] })
      case "Quit":
        return
    }
  }

  /** Answers a storage command whose value was too large to be read, and drops the old value where memcached does. */
  refuseTooLarge(command: Command, buffer: WriteBuffer): void {
    if (command._tag === "MetaSet") answerMeta(buffer, Meta.refuseSet(this, command))
    else if (command._tag === "Store" || command._tag === "Cas") {
      answer(buffer, Classic.refuseStore(this, command), command.noreply)
    }
  }

  private flushAll(delay: number): Reply {
    this.statistics.count("cmd_flush")
    if (!this.settings.isFlushAllowed) return { _tag: "ClientError", message: "flush_all not allowed" }
    this.store.flush(delay)
    return OK
  }

  private stats(report: StatsReport | undefined, buffer: WriteBuffer): void {
    if (report === "reset") {
      this.statistics.reset()
      this.store.resetCounters()
      return answer(buffer, { _tag: "Reset" }, false)
    }
    if (report === "detail on" || report === "detail off") {
      this.statistics.isDetailed = report === "detail on"
      return answer(buffer, OK, false)
    }
    const statWord = report === "detail dump" ? "PREFIX" : report?.startsWith("cachedump ") === true ? "ITEM" : "STAT"
    for (const [name, value] of StatsReports.lines(this, report)) {
      TextResponse.encode(buffer, { _tag: "Stat", name, value: String(value) }, { statWord })
    }
    TextResponse.encode(buffer, Classic.END)
  }
}

const answer = (buffer: WriteBuffer, reply: Reply, noreply: boolean): void => {
  if (!noreply) TextResponse.encode(buffer, reply)
}

const answerMeta = (buffer: WriteBuffer, outcome: Meta.MetaOutcome): void => {
  if (typeof outcome === "string") buffer.text(outcome).crlf()
  else if (outcome !== undefined) MetaResponse.encode(buffer, outcome)
}
