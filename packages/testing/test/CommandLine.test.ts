import { assert, describe, it } from "@effect/vitest"
import * as CommandLine from "../src/CommandLine.ts"

const run = (...args: ReadonlyArray<string>) => {
  const asked = CommandLine.parse(args)
  return asked._tag === "Run" ? asked : assert.fail(JSON.stringify(asked))
}

const refused = (...args: ReadonlyArray<string>): string => {
  const asked = CommandLine.parse(args)
  return asked._tag === "Refuse" ? asked.reason : assert.fail(JSON.stringify(asked))
}

describe("CommandLine", () => {
  it("has memcached's defaults", () => {
    const { isShutdownAllowed, options } = run()
    assert.isFalse(isShutdownAllowed)
    assert.include(options, {
      port: 11_211,
      maxConnections: 1024,
      maxItemSize: 1_048_576,
      memoryLimit: 67_108_864,
      evict: true,
      cas: true,
      flushAll: true
    })
  })

  it("takes letters with their value behind them or apart, joined flags, and long names", () => {
    assert.include(run("-p", "4711").options, { port: 4711 })
    assert.include(run("-p4711").options, { port: 4711 })
    assert.include(run("--port=4711").options, { port: 4711 })
    assert.include(run("--port", "4711").options, { port: 4711 })
    assert.include(run("-MCFp", "0").options, { port: 0, evict: false, cas: false, flushAll: false })
    assert.include(
      run("--disable-evictions", "--disable-cas", "--disable-flush-all", "--conn-limit=7").options,
      { evict: false, cas: false, flushAll: false, maxConnections: 7 }
    )
    assert.isTrue(run("-A").isShutdownAllowed)
  })

  it("reads sizes in their units", () => {
    assert.include(run("-m", "1024", "-I", "2m").options, { memoryLimit: 1_073_741_824, maxItemSize: 2_097_152 })
    assert.include(run("-I", "512k").options, { maxItemSize: 524_288 })
    assert.include(run("-I", "2048").options, { maxItemSize: 2048 })
  })

  it("reads addresses, and a unix socket in their place", () => {
    assert.include(run("-l", "127.0.0.1").options, { host: "127.0.0.1", port: 11_211 })
    assert.include(run("-l", "localhost:4711").options, { host: "localhost", port: 4711 })
    assert.include(run("-l", "[::1]:4711").options, { host: "::1", port: 4711 })
    assert.include(run("-l", "::1").options, { host: "::1", port: 11_211 })
    assert.include(run("-s", "/tmp/some.sock").options, { path: "/tmp/some.sock" })
  })

  it("takes in silence what would change nothing", () => {
    run("-U", "0", "-t", "4", "-u", "nobody", "-vv", "-o", "no_lru_crawler,hashpower=20,modern", "-b", "1024")
  })

  it.each([
    { args: ["-Z"], reason: "The embedded memcached has no option -Z." },
    { args: ["-S"], reason: "The embedded memcached has no option -S." },
    { args: ["--enable-ssl"], reason: "The embedded memcached has no option --enable-ssl." },
    { args: ["-U", "11211"], reason: "-U: \"11211\" cannot be: there is no UDP here, only -U 0 is taken." },
    {
      args: ["-o", "hashpower=20,ext_path=/tmp/x:1g"],
      reason: "-o: \"hashpower=20,ext_path=/tmp/x:1g\" asks for ext_path=/tmp/x:1g, which this server does not have."
    },
    { args: ["-p", "70000"], reason: "-p: \"70000\" is not a port from 0 to 65535." },
    { args: ["-p"], reason: "-p needs a value." },
    { args: ["-M=1"], reason: "The embedded memcached has no option -=." },
    { args: ["--disable-cas=1"], reason: "--disable-cas takes no value." },
    { args: ["-I", "10"], reason: "-I: \"10\" is not a size from 1k to 1024m." },
    { args: ["-m", "0"], reason: "-m: \"0\" is not a number of megabytes." },
    { args: ["-c", "x"], reason: "-c: \"x\" is not a number of connections." },
    { args: ["-l", "127.0.0.1,10.0.0.1"], reason: "-l: \"127.0.0.1,10.0.0.1\" is not one address." },
    { args: ["-I", "40m"], reason: "An item may not be larger than half of the memory: lower -I or raise -m." },
    { args: ["11211"], reason: "\"11211\" is not an option." }
  ])("$args is refused with a sentence", ({ args, reason }) => {
    assert.strictEqual(refused(...args), reason)
  })

  it("prints a help that names every option with a meaning, and the version", () => {
    const help = CommandLine.parse(["-h"])
    assert.strictEqual(help._tag, "Print")
    if (help._tag !== "Print") return
    for (
      const option of ["-p, --port=<num>", "-s, --unix-socket=<file>", "-I, --max-item-size", "-A, --enable-shutdown"]
    ) {
      assert.include(help.text, option)
    }
    assert.isTrue(help.text.split("\n").every((line) => line.length <= 100))
    assert.deepStrictEqual(CommandLine.parse(["--version"]), { _tag: "Print", text: "memcached 1.6.45 (embedded)\n" })
  })
})
