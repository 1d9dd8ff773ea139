/**
 * The rows of the fault matrix that can be asked of any client: what breaks, what its user does meanwhile, and what counts.
 * The numbers are those of the matrix in `packages/client/test/matrix`.
 */
import type { Fault } from "./FaultyLine.ts"
import { TRIGGER } from "./FaultyLine.ts"
import type { Trial } from "./Trial.ts"
import { stamp } from "./Trial.ts"

export interface Row {
  readonly number: string
  readonly title: string
  /** One line for the table's reader: what happens, and what a client should do. */
  readonly explanation: string
  readonly fault: Fault
  readonly play: (trial: Trial) => Promise<void>
  /** The client's timeout in milliseconds, where it is not the 250 of all rows. */
  readonly timeout?: number | undefined
  /** Not judged where the fault is about the time that work takes. */
  readonly isUntimed?: boolean | undefined
  /** Whether it is about text, which the binary protocol is not. */
  readonly isText?: boolean | undefined
  /** Commands that came through a key or a value are looked for afterwards. */
  readonly isInjection?: boolean | undefined
  /** Only this is judged: whether the process ends by itself. */
  readonly isEnding?: boolean | undefined
  /** Closed while operations are open. */
  readonly closesEarly?: boolean | undefined
}

const keys = ["a", "b", "c"] as const

/** Reads the key that breaks the line, then the others one after the other: who gets whose reply? */
const breakThenRead = async (trial: Trial, pause = 0): Promise<void> => {
  await trial.seed(TRIGGER, ...keys)
  await trial.get(TRIGGER)
  await trial.sleep(pause)
  await trial.recover(...keys)
}

/** Operations that overlap, `every` so many milliseconds. */
const overlap = async (trial: Trial, count: number, every: number): Promise<void> => {
  const started = []
  for (let i = 0; i < count; i++) {
    started.push(trial.get(keys[i % keys.length]!))
    await trial.sleep(every)
  }
  await Promise.all(started)
}

const hostileKeys = [
  "a\r\nset hacked 0 0 3\r\nyes\r\nget a",
  "a\r\nflush_all",
  "a\nflush_all",
  "a b",
  "a\u0000b",
  "a\tb",
  "a\u007fb",
  "",
  "\ud800"
]

const longKeys = ["k".repeat(251), "é".repeat(200)]

const hostile = (asked: ReadonlyArray<string>) => async (trial: Trial): Promise<void> => {
  await trial.seed("victim", ...keys)
  for (const key of asked) {
    await trial.get(key)
    await trial.set(key, "flush_all")
  }
  await trial.recover(...keys)
}

const BULK = 3000
const BULK_SIZE = 102_400
const ENDLESS = 134_217_728

export const rows: ReadonlyArray<Row> = [
  {
    number: "1",
    title: "port refused",
    explanation: "Nobody listens: ten reads and a write must each fail, soon, and must not look like a miss.",
    fault: { kind: "refuse" },
    play: async (trial) => {
      await Promise.all([...Array.from({ length: 10 }, (_, i) => trial.get(`k${i}`)), trial.set("k")])
    }
  },
  {
    number: "3",
    title: "accepts, never speaks",
    explanation: "The connection is made and nothing ever comes: a client must not wait for ever.",
    fault: { kind: "mute" },
    play: async (trial) => {
      await Promise.all([trial.get("a"), trial.get("b"), trial.set("c")])
      await trial.get("a")
    }
  },
  {
    number: "11",
    title: "falls silent under load",
    explanation: "Ten reads, one every 100 ms, to a server that has stopped to answer: each ends after its own 250 ms.",
    fault: { kind: "stall" },
    play: async (trial) => {
      await trial.seed(TRIGGER, ...keys)
      await Promise.all([trial.get(TRIGGER), overlap(trial, 10, 100)])
    }
  },
  {
    number: "13",
    title: "frozen for a second, then thawed",
    explanation:
      "What was asked meanwhile is answered all at once and too late: nobody may get a reply that was another's.",
    fault: { kind: "freeze", for: 1000 },
    play: async (trial) => {
      await trial.seed(TRIGGER, ...keys)
      await Promise.all([trial.get(TRIGGER), overlap(trial, 40, 50)])
      await trial.recover(...keys)
    }
  },
  {
    number: "15",
    title: "replies 600 ms late",
    explanation: "Every reply comes after its caller has gone: the next caller must get its own or an error.",
    fault: { kind: "late", delay: 600, for: 1500 },
    play: async (trial) => {
      await trial.seed(TRIGGER, ...keys)
      await trial.get(TRIGGER)
      for (let i = 0; i < 6; i++) await trial.get(keys[i % keys.length]!)
      await trial.sleep(800)
      await trial.recover(...keys)
    }
  },
  {
    number: "17",
    title: "one byte each 100 ms",
    explanation: "Bytes come, an answer does not: the caller's time is over after 250 ms, not after 10 s.",
    fault: { kind: "trickle", every: 100 },
    play: breakThenRead
  },
  {
    number: "25",
    title: "cancelled between write and reply",
    explanation:
      "A hundred reads are given up, each after its request went out; the read that follows gets its own value.",
    fault: { kind: "none" },
    play: async (trial) => {
      if (!trial.adapter.canCancel) {
        trial.facts.cannot = true
        return
      }
      await trial.seed(...keys)
      for (let i = 0; i < 100; i++) {
        const controller = new AbortController()
        const given = trial.adapter.get("a", controller.signal).catch(() => undefined)
        await new Promise((resolve) => setImmediate(resolve))
        controller.abort()
        await trial.get(keys[1 + i % 2]!)
        await given
      }
    }
  },
  {
    number: "28",
    title: "closed with ten reads in flight",
    explanation: "The server is silent, the client is closed: each read must end, and then the process.",
    fault: { kind: "stall" },
    // Longer than it takes to close, so that it is the close that ends them.
    timeout: 3000,
    isUntimed: true,
    closesEarly: true,
    play: async (trial) => {
      await trial.seed(TRIGGER, ...keys)
      const open = [trial.get(TRIGGER), ...Array.from({ length: 9 }, (_, i) => trial.get(keys[i % keys.length]!))]
      await trial.sleep(100)
      await trial.adapter.close()
      await Promise.all(open)
    }
  },
  {
    number: "30",
    title: "one reply twice",
    explanation: "A reply too many shifts every later one, unless the client notices.",
    fault: { kind: "twice" },
    play: breakThenRead
  },
  {
    number: "32",
    title: "a reply that nobody asked for",
    explanation: "A value is pushed on the idle connection; the next caller must not get it.",
    fault: { kind: "push" },
    play: (trial) => breakThenRead(trial, 200)
  },
  {
    number: "35",
    title: "keys longer than the server takes",
    explanation:
      "251 bytes, and 200 characters of two bytes: if they are sent, memcached 1.6.18 runs the value as a command.",
    fault: { kind: "none" },
    isInjection: true,
    play: hostile(longKeys)
  },
  {
    number: "66",
    title: "hostile keys",
    explanation: "Line ends, spaces, NUL and others in a key: no command in a key may reach the server.",
    fault: { kind: "none" },
    isInjection: true,
    play: hostile(hostileKeys)
  },
  {
    number: "37",
    title: "10,000 replies at once",
    explanation: "All of them come in one burst: each caller gets its own, and the stack holds.",
    fault: { kind: "gather" },
    timeout: 4500,
    isUntimed: true,
    play: async (trial) => {
      await trial.seed(TRIGGER, ...keys)
      await trial.get(TRIGGER)
      await Promise.all(Array.from({ length: 10_000 }, (_, i) => trial.get(keys[i % keys.length]!)))
    }
  },
  {
    number: "38",
    title: "a length of 4294967295",
    explanation: "A reply that claims 4 GiB: an error, no memory for it, and the next reads are right.",
    fault: { kind: "answer", with: "huge" },
    play: breakThenRead
  },
  {
    number: "40",
    title: "a line without an end",
    explanation:
      "128 MiB without a line end (for a binary client, a body of 2 GiB): an error, and not 128 MiB of memory.",
    fault: { kind: "endless", bytes: ENDLESS },
    play: breakThenRead
  },
  {
    number: "42",
    title: "24 bytes of garbage",
    explanation: "Not a value and not a miss, and the process must live.",
    fault: { kind: "answer", with: "garbage" },
    play: breakThenRead
  },
  {
    number: "44",
    title: "a value that is longer than its length",
    explanation: "Five bytes are announced and more come: what was cut off must not be taken for the value.",
    fault: { kind: "answer", with: "unterminated" },
    isText: true,
    play: breakThenRead
  },
  {
    number: "47",
    title: "3000 writes of 100 KiB to a frozen server",
    explanation: "300 MB that cannot leave: they must be refused or given up, not kept.",
    fault: { kind: "freeze", for: 1_000_000 },
    isUntimed: true,
    play: async (trial) => {
      await trial.seed(TRIGGER)
      const open: Array<Promise<unknown>> = [trial.get(TRIGGER)]
      // One value for all, so that what grows is what the client makes of it.
      const value = stamp("bulk", BULK_SIZE)
      for (let i = 0; i < BULK; i++) {
        open.push(trial.set(`bulk:${i}`, value))
        if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      await Promise.all(open)
    }
  },
  {
    number: "52",
    title: "dies with 200 reads in flight",
    explanation: "Connections are reset and the port is refused for 500 ms: all end, and all is well soon after.",
    fault: { kind: "die", for: 500 },
    play: async (trial) => {
      await trial.seed(TRIGGER, ...keys)
      const lost = trial.get(TRIGGER)
      await Promise.all([lost, ...Array.from({ length: 199 }, (_, i) => trial.get(keys[i % keys.length]!))])
      await trial.sleep(500)
      await trial.recover(...keys)
    }
  },
  {
    number: "A6",
    title: "ends by itself",
    explanation: "After the client is closed, nothing of it may keep the process: it ends within a second.",
    fault: { kind: "none" },
    isEnding: true,
    play: (trial) => trial.seed(...keys)
  }
]
