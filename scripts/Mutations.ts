/**
 * The mistakes that the tests must notice: each is one that was made in another client, or that a careless change would
 * make here. `mutants.ts` makes them, one at a time.
 */

/** One small change of one file, and the tests that fail because of it. */
export interface Mutation {
  /** What is wrong with the code once it is made. */
  readonly name: string
  /** The invariant that it breaks: A1 to A10, as in docs/RELIABILITY.md. */
  readonly invariant: string
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** Each of these files must have a failing test. */
  readonly tests: ReadonlyArray<string>
  /** Where a file takes long: only the tests whose names have these words. */
  readonly only?: string
}

const PIPELINE = "packages/protocol/src/Pipeline.ts"
const CORRELATION = "packages/protocol/src/Correlation.ts"
const CONNECTION = "packages/transport/src/Connection.ts"
const HANDSHAKE = "packages/transport/src/internal/Handshake.ts"
const SHARED_DIAL = "packages/client/src/internal/servers/SharedDial.ts"

const PIPELINE_TEST = "packages/protocol/test/Pipeline.test.ts"
const CORRELATION_TEST = "packages/protocol/test/Correlation.test.ts"
const CONNECTION_TEST = "packages/transport/test/Connection.test.ts"
const HANDSHAKE_TEST = "packages/transport/test/internal/Handshake.test.ts"
const SHARED_DIAL_TEST = "packages/client/test/internal/servers/SharedDial.test.ts"
const SERVER_TEST = "packages/client/test/internal/servers/Server.test.ts"
const FUZZ_TEST = "fuzz/test/Fuzz.test.ts"

/** All of them, by invariant. */
export const mutations: ReadonlyArray<Mutation> = [
  {
    name: "a tombstone is removed",
    invariant: "A1",
    file: PIPELINE,
    find: `    if (slot.state === "sent") return
`,
    replace: `    if (slot.state === "sent") {
      this.sent.remove(slot)
      return this.settle(slot)
    }
`,
    tests: [PIPELINE_TEST, CONNECTION_TEST, FUZZ_TEST]
  },
  {
    name: "a late reply is delivered to whoever has given up",
    invariant: "A1",
    file: PIPELINE,
    find: "if (!slot.isAbandoned) return slot",
    replace: "return slot",
    tests: [PIPELINE_TEST, FUZZ_TEST]
  },
  {
    name: "another request's opaque is accepted",
    invariant: "A1",
    file: CORRELATION,
    find: `if (reply.opaque !== expected.opaque) return poison(`,
    replace: `if (reply.opaque < 0) return poison(`,
    tests: [CORRELATION_TEST, FUZZ_TEST]
  },
  {
    name: "a reply without its opaque is accepted",
    invariant: "A1",
    file: CORRELATION,
    find: `return isMiss && circumstances.hasBareMisses ?`,
    replace: `return isMiss || reply.opaque === -1 ?`,
    tests: [CORRELATION_TEST]
  },
  {
    name: "a value under a key that nobody asked for is accepted",
    invariant: "A1",
    file: CORRELATION,
    find: `if (index < 0) return poison(`,
    replace: `if (index < -1) return poison(`,
    tests: [CORRELATION_TEST, PIPELINE_TEST]
  },
  {
    name: "the key that a meta reply echoes is ignored",
    invariant: "A1",
    file: CORRELATION,
    find: `return reply.key === undefined || isEcho(command, reply.key, reply.isBase64)`,
    replace: `return reply.key === undefined || isEcho !== undefined`,
    tests: [CORRELATION_TEST]
  },
  {
    name: "a stray byte on an idle connection is ignored",
    invariant: "A1",
    file: PIPELINE,
    find: `if (oldest === undefined && this.reader.isInsideReply) {`,
    replace: `if (oldest === null) {`,
    tests: [PIPELINE_TEST]
  },
  {
    name: "flags of a codec that nobody has pass for none",
    invariant: "A1",
    file: "packages/client/src/StandardTranscoder.ts",
    find: `if (codec === undefined) return fail("unknown", "nothing here reads such flags")`,
    replace: `if (codec === undefined) return decodePlain(kind, bytes)`,
    tests: ["packages/client/test/StandardTranscoder.test.ts"]
  },
  {
    name: "a deadline is ignored",
    invariant: "A2",
    file: CONNECTION,
    find: `if (slot.deadline <= now) late.push(slot)`,
    replace: `if (slot.deadline < 0) late.push(slot)`,
    tests: [CONNECTION_TEST]
  },
  {
    name: "a server that shows no life keeps its connection",
    invariant: "A2",
    file: CONNECTION,
    find: `if (limit <= now) {`,
    replace: `if (limit < 0) {`,
    tests: [CONNECTION_TEST]
  },
  {
    name: "bytes that are no JSON are thrown as an exception",
    invariant: "A3",
    file: "packages/client/src/internal/transcoders/Json.ts",
    find: `return fail("json", "its bytes are no JSON", issue)`,
    replace: `throw issue`,
    tests: ["packages/client/test/StandardTranscoder.test.ts", FUZZ_TEST]
  },
  {
    name: "what a transport throws is no error of ours",
    invariant: "A3",
    file: SHARED_DIAL,
    find: `return isMemcacheError(error) ? error :`,
    replace: `return isMemcacheError !== undefined ? error as MemcacheError :`,
    tests: [SERVER_TEST]
  },
  {
    name: "the error event of a socket has no listener",
    invariant: "A4",
    file: "packages/transport/src/NodeTransport.ts",
    find: `raw.on("error", fail)`,
    replace: `raw.on("failure", fail)`,
    tests: ["packages/transport/test/NodeTransport.test.ts"],
    only: "gives up on a handshake that stalls"
  },
  {
    name: "inflating has no bound",
    invariant: "A5",
    file: "packages/client/src/Compression.ts",
    find: `zlib.inflateSync(bytes, { maxOutputLength: limit })`,
    replace: `zlib.inflateSync(bytes)`,
    tests: [FUZZ_TEST]
  },
  {
    name: "inflating in another thread has no bound",
    invariant: "A5",
    file: "packages/client/src/Compression.ts",
    find: `zlib.inflate(bytes, { maxOutputLength: limit }, done)`,
    replace: `zlib.inflate(bytes, {}, done)`,
    tests: ["packages/client/test/Compression.test.ts", FUZZ_TEST]
  },
  {
    name: "the bound on what is in flight is ignored",
    invariant: "A5",
    file: "packages/transport/src/internal/Admission.ts",
    find: `pipeline.count + count > commands || pipeline.bytes > bytes`,
    replace: `pipeline.count < 0 && count > commands && bytes < 0`,
    tests: [CONNECTION_TEST]
  },
  {
    name: "a length that the server announces is not bounded",
    invariant: "A5",
    file: "packages/protocol/src/ResponseReader.ts",
    find: `if (reply.length > this.maxItemSize) {`,
    replace: `if (reply.length < 0) {`,
    tests: ["packages/protocol/test/ResponseReader.test.ts", FUZZ_TEST]
  },
  {
    name: "a socket is left open when the scope is closed",
    invariant: "A6",
    file: CONNECTION,
    find: `this.fork(this.writer.write(new Socket.CloseEvent(1000)))`,
    replace: `void Socket.CloseEvent`,
    tests: ["packages/transport/test/NodeTransport.test.ts"],
    only: "does not wait for a peer"
  },
  {
    name: "the scope of a lost connection is left open",
    invariant: "A6",
    file: SHARED_DIAL,
    find: `      this.discard(scope)
      if (!this.open.remove(connection)) return`,
    replace: `      if (!this.open.remove(connection)) return`,
    tests: [SHARED_DIAL_TEST]
  },
  {
    name: "a connection leaves its timer behind",
    invariant: "A6",
    file: CONNECTION,
    find: `    this.timer.stop()
`,
    replace: "",
    tests: [CONNECTION_TEST]
  },
  {
    name: "a command that was written is sent again",
    invariant: "A7",
    file: "packages/client/src/internal/servers/ColdPath.ts",
    find: `isMemcacheError(outcome) && outcome.outcome === "not-sent" &&`,
    replace: `isMemcacheError(outcome) &&`,
    tests: [SERVER_TEST, "packages/client/test/Resend.test.ts"]
  },
  {
    name: "a counter passes for a read that may be repeated",
    invariant: "A7",
    file: "packages/protocol/src/Command.ts",
    find: `    case "Version":
    case "MetaNoop":
    case "MetaDebug":
      return true`,
    replace: `    case "Version":
    case "Arithmetic":
    case "MetaNoop":
    case "MetaDebug":
      return true`,
    tests: ["packages/protocol/test/Command.test.ts"]
  },
  {
    name: "what was sent on a lost connection passes for not sent",
    invariant: "A7",
    file: CONNECTION,
    find: `const error = slot.state === "sent" ? unknown : notSent`,
    replace: `const error = slot.state === "done" ? unknown : notSent`,
    tests: [CONNECTION_TEST]
  },
  {
    name: "the key check lets line ends pass",
    invariant: "A8",
    file: "packages/protocol/src/Key.ts",
    find: `    if (code <= 0x20 || code === 0x7f) return { _tag: "KeyCharacter", index: i, code }
    if (code > 0x7f) return makeUtf8(whole, i)`,
    replace: `    if (code > 0x7f) return makeUtf8(whole, i)`,
    tests: ["packages/protocol/test/Key.test.ts", FUZZ_TEST]
  },
  {
    name: "a token of a meta flag may hold a line end",
    invariant: "A8",
    file: "packages/protocol/src/meta/RequestEncoder.ts",
    find: `if (code <= 0x20 || code >= 0x7f) return false`,
    replace: `if (code >= 0x7f) return false`,
    tests: ["packages/protocol/test/meta/RequestEncoder.test.ts"]
  },
  {
    name: "a command that was abandoned before the write is written",
    invariant: "A8",
    file: PIPELINE,
    find: `    this.pending.remove(slot)
`,
    replace: "",
    tests: [PIPELINE_TEST, CONNECTION_TEST, FUZZ_TEST]
  },
  {
    name: "everybody who waits dials for himself",
    invariant: "A9",
    file: SHARED_DIAL,
    find: `return this.dialing ?? this.beginDial()`,
    replace: `return this.beginDial()`,
    tests: [SERVER_TEST]
  },
  {
    name: "a schedule without pauses probes without pauses",
    invariant: "A9",
    file: "packages/client/src/internal/servers/ProbeDelays.ts",
    find: `const MIN_DELAY = Duration.millis(10)`,
    replace: `const MIN_DELAY = Duration.zero`,
    tests: ["packages/client/test/internal/servers/ProbeDelays.test.ts"]
  },
  {
    name: "a server that was well for a moment begins its pauses anew",
    invariant: "A9",
    file: "packages/client/src/internal/servers/Health.ts",
    find: `return now - this.returnedAt >= this.lastDelay`,
    replace: `return now - this.returnedAt >= 0`,
    tests: ["packages/client/test/internal/servers/Health.test.ts"]
  },
  {
    name: "an error repeats the password that the server repeats",
    invariant: "A10",
    file: HANDSHAKE,
    find: ` || text.detail.includes(password)`,
    replace: "",
    tests: [HANDSHAKE_TEST]
  },
  {
    name: "an error shows the bytes that came for the credentials",
    invariant: "A10",
    file: HANDSHAKE,
    find: `error.reason._tag === "ProtocolError"
      ? MemcacheError`,
    replace: `error.reason._tag === "ConnectError"
      ? MemcacheError`,
    tests: [HANDSHAKE_TEST]
  }
]
