/**
 * memcached's own options, read for the embedded server.
 *
 * Options that would change nothing here are taken in silence, so that a script which starts the real one can start this
 * one. Options that would change something which this server does not have are refused with a sentence.
 *
 * @since 0.1.0
 */
import type { Options } from "./MemcachedServer.ts"
import { VERSION } from "./Settings.ts"

/**
 * What the arguments ask for.
 *
 * @category models
 * @since 0.1.0
 */
export type CommandLine =
  | { readonly _tag: "Run"; readonly options: Options; readonly isShutdownAllowed: boolean }
  | { readonly _tag: "Print"; readonly text: string }
  | { readonly _tag: "Refuse"; readonly reason: string }

/** What has been read so far. */
interface Draft {
  host: string | undefined
  port: number
  path: string | undefined
  maxConnections: number
  maxItemSize: number
  memoryLimit: number
  evict: boolean
  cas: boolean
  flushAll: boolean
  isShutdownAllowed: boolean
}

/** One option. `value` names what follows it, `help` is left out where the option means nothing here. */
interface Rule {
  readonly letter: string
  readonly long: string
  readonly value?: string
  readonly help?: string
  /** Answers what is wrong with the value, if anything. */
  readonly apply?: (draft: Draft, value: string) => string | undefined
}

const MIB = 1_048_576
const DEFAULT_PORT = 11_211

// Extended options that only tune what this server has not, or say what it does anyway. A `no_` before them is the same.
const HARMLESS: ReadonlySet<string> = new Set(
  `maxconns_fast modern drop_privileges hashexpand hashpower hash_algorithm tail_repair_time
   lru_crawler lru_crawler_sleep lru_crawler_tocrawl lru_maintainer hot_lru_pct warm_lru_pct hot_max_factor
   warm_max_factor temporary_ttl slab_reassign slab_automove slab_automove_window slab_automove_ratio
   slab_chunk_max read_buf_mem_limit worker_logbuf_size watcher_logbuf_size track_sizes
   resp_obj_mem_limit inline_ascii_resp`.split(/\s+/)
)

const isHarmless = (option: string): boolean => {
  const [name] = option.split("=")
  return HARMLESS.has(name) || name.startsWith("no_") && HARMLESS.has(name.slice(3))
}

const RULES: ReadonlyArray<Rule> = [
  {
    letter: "p",
    long: "port",
    value: "num",
    help: `TCP port; 0 takes a free one (default: ${DEFAULT_PORT})`,
    apply: (draft, value) => {
      const port = integer(value, 0, 65_535)
      if (port === undefined) return "is not a port from 0 to 65535"
      draft.port = port
      return undefined
    }
  },
  {
    letter: "l",
    long: "listen",
    value: "addr",
    help: "address to listen on, with or without a port (default: 127.0.0.1)",
    apply: (draft, value) => {
      const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:,[\]]+))(?::(\d{1,5}))?$/.exec(value) ?? []
      const host = bracketed ?? plain ?? (/^[0-9a-fA-F:.]+$/.test(value) ? value : undefined)
      if (host === undefined || Number(port ?? 0) > 65_535) return "is not one address"
      draft.host = host
      if (port !== undefined) draft.port = Number(port)
      return undefined
    }
  },
  {
    letter: "s",
    long: "unix-socket",
    value: "file",
    help: "unix socket to listen on instead of a port",
    apply: (draft, value) => {
      draft.path = value
      return undefined
    }
  },
  {
    letter: "m",
    long: "memory-limit",
    value: "num",
    help: "memory for items in megabytes (default: 64)",
    apply: (draft, value) => {
      const megabytes = integer(value, 1, 1_048_576)
      if (megabytes === undefined) return "is not a number of megabytes"
      draft.memoryLimit = megabytes * MIB
      return undefined
    }
  },
  {
    letter: "I",
    long: "max-item-size",
    value: "num",
    help: "largest item, 1k to 1024m, not above half of -m (default: 1m)",
    apply: (draft, value) => {
      const [, digits, unit] = /^(\d{1,10})([kKmM]?)$/.exec(value) ?? []
      const size = Number(digits) * (unit === "" ? 1 : unit?.toLowerCase() === "k" ? 1024 : MIB)
      if (!(size >= 1024 && size <= 1024 * MIB)) return "is not a size from 1k to 1024m"
      draft.maxItemSize = size
      return undefined
    }
  },
  {
    letter: "c",
    long: "conn-limit",
    value: "num",
    help: "connections at a time; more are turned away (default: 1024)",
    apply: (draft, value) => {
      const limit = integer(value, 1, 1_000_000)
      if (limit === undefined) return "is not a number of connections"
      draft.maxConnections = limit
      return undefined
    }
  },
  { letter: "M", long: "disable-evictions", help: "refuse items when memory is full", apply: set("evict", false) },
  { letter: "C", long: "disable-cas", help: "do without cas uniques", apply: set("cas", false) },
  { letter: "F", long: "disable-flush-all", help: "refuse flush_all", apply: set("flushAll", false) },
  { letter: "A", long: "enable-shutdown", help: "let \"shutdown\" end it", apply: set("isShutdownAllowed", true) },
  { letter: "h", long: "help", help: "print this and exit" },
  { letter: "V", long: "version", help: "print the version and exit" },
  {
    letter: "U",
    long: "udp-port",
    value: "num",
    apply: (_, value) => value === "0" ? undefined : "cannot be: there is no UDP here, only -U 0 is taken"
  },
  {
    letter: "o",
    long: "extended",
    value: "list",
    apply: (_, value) => {
      const unknown = value.split(",").find((option) => option !== "" && !isHarmless(option))
      return unknown === undefined ? undefined : `asks for ${unknown}, which this server does not have`
    }
  },
  { letter: "t", long: "threads", value: "num" },
  { letter: "u", long: "user", value: "name" },
  { letter: "b", long: "listen-backlog", value: "num" },
  { letter: "R", long: "max-reqs-per-event", value: "num" },
  { letter: "f", long: "slab-growth-factor", value: "num" },
  { letter: "n", long: "slab-min-size", value: "num" },
  { letter: "a", long: "unix-mask", value: "mask" },
  { letter: "v", long: "verbose" },
  { letter: "k", long: "lock-memory" },
  { letter: "r", long: "enable-coredumps" },
  { letter: "L", long: "enable-largepages" }
]

function set<K extends "evict" | "cas" | "flushAll" | "isShutdownAllowed">(name: K, value: boolean) {
  return (draft: Draft): undefined => {
    draft[name] = value
  }
}

const integer = (text: string, min: number, max: number): number | undefined => {
  if (!/^\d{1,10}$/.test(text)) return undefined
  const n = Number(text)
  return n < min || n > max ? undefined : n
}

/**
 * Reads the arguments as memcached does: letters may be joined (`-vM`, `-p11211`), long names take their value behind
 * `=` or as the next word.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (args: ReadonlyArray<string>): CommandLine => {
  const draft: Draft = {
    host: undefined,
    port: DEFAULT_PORT,
    path: undefined,
    maxConnections: 1024,
    maxItemSize: MIB,
    memoryLimit: 64 * MIB,
    evict: true,
    cas: true,
    flushAll: true,
    isShutdownAllowed: false
  }
  for (let i = 0; i < args.length; i++) {
    let rest = args[i]
    if (!rest.startsWith("-") || rest === "-" || rest === "--") return refuse(`"${rest}" is not an option.`)
    const isLong = rest.startsWith("--")
    const [name, attached] = isLong ? splitLong(rest) : ["", undefined]
    rest = rest.slice(1)
    do {
      const shown = isLong ? `--${name}` : `-${rest[0]}`
      const rule = RULES.find(({ letter, long }) => isLong ? long === name : letter === rest[0])
      if (rule === undefined) return refuse(`The embedded memcached has no option ${shown}.`)
      if (rule.letter === "h") return { _tag: "Print", text: HELP }
      if (rule.letter === "V") return { _tag: "Print", text: `memcached ${VERSION} (embedded)\n` }
      const behind = isLong ? attached : rest.slice(1) || undefined
      rest = isLong ? "" : rest.slice(1)
      if (rule.value === undefined) {
        if (isLong && attached !== undefined) return refuse(`${shown} takes no value.`)
        rule.apply?.(draft, "")
        continue
      }
      const value = behind ?? args[++i]
      if (value === undefined) return refuse(`${shown} needs a value.`)
      const fault = rule.apply?.(draft, value)
      if (fault !== undefined) return refuse(`${shown}: "${value}" ${fault}.`)
      rest = ""
    } while (rest !== "")
  }
  if (draft.maxItemSize > draft.memoryLimit / 2) {
    return refuse("An item may not be larger than half of the memory: lower -I or raise -m.")
  }
  const { isShutdownAllowed, path, ...options } = draft
  return { _tag: "Run", options: path === undefined ? options : { ...options, path, port: 0 }, isShutdownAllowed }
}

const refuse = (reason: string): CommandLine => ({ _tag: "Refuse", reason })

const splitLong = (word: string): readonly [name: string, value: string | undefined] => {
  const end = word.indexOf("=")
  return end < 0 ? [word.slice(2), undefined] : [word.slice(2, end), word.slice(end + 1)]
}

const HELP = (() => {
  const titles = RULES.map(({ letter, long, value }) =>
    `  -${letter}, --${long}${value === undefined ? "" : `=<${value}>`}`
  )
  const width = Math.max(...RULES.map(({ help }, i) => help === undefined ? 0 : titles[i].length)) + 3
  const listed = RULES.flatMap(({ help }, i) => help === undefined ? [] : [titles[i].padEnd(width) + help])
  const ignored = RULES.flatMap(({ help, letter }) => help === undefined ? [`-${letter}`] : [])
  return `embedded-memcached: a memcached for tests that answers as ${VERSION}

${listed.join("\n")}

Taken and without effect, so that it can stand in for the real one:
  ${ignored.join(" ")}  (-U only as 0, -o only for tuning)

It keeps everything in the memory of this process and ends on SIGTERM or SIGINT.
`
})()
