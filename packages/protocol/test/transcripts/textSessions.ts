/**
 * What is asked of a real memcached when the text transcripts are recorded: every command of the dialect, and every way
 * to get one wrong that the protocol's error table knows.
 */
import type { Bytes } from "./Transcript.ts"

const steps = (...lines: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<Bytes>> => lines.map((line) => [line])

const LONG_KEY: Bytes = ["k", 251]

export const sessions: ReadonlyArray<{
  readonly name: string
  readonly steps: ReadonlyArray<ReadonlyArray<Bytes>>
}> = [
  {
    name: "storage commands",
    steps: steps(
      "set a 5 0 3\r\nabc\r\n",
      "add a 0 0 1\r\nx\r\n",
      "add b 0 0 1\r\nx\r\n",
      "replace a 4294967295 0 3\r\ndef\r\n",
      "replace nope 0 0 1\r\nx\r\n",
      "append a 0 0 1\r\n!\r\n",
      "append nope 0 0 1\r\n!\r\n",
      "prepend a 0 0 1\r\n?\r\n",
      "prepend nope 0 0 1\r\n?\r\n",
      "get a\r\n",
      "set empty 0 0 0\r\n\r\n",
      "get empty\r\n",
      "set v 7 0 15\r\nA\r\nEND\r\nVALUE x\r\n",
      "get v\r\n",
      "set bytes 0 0 4\r\n\u0000\u00ff\r\n\r\n",
      "get bytes\r\n",
      "set k\u00c3\u00a4se 0 0 1\r\nx\r\n",
      "get k\u00c3\u00a4se\r\n"
    )
  },
  {
    name: "retrieval commands",
    steps: steps(
      "set a 1 0 1\r\nx\r\n",
      "set b 2 0 2\r\nyy\r\n",
      "get nope\r\n",
      "get a nope b a\r\n",
      "gets a b\r\n",
      "gat 100 a nope\r\n",
      "gats 100 a b\r\n",
      "gat -1 a\r\n",
      "get a\r\n",
      "get  b \r\n",
      "get b\n"
    )
  },
  {
    name: "cas",
    steps: steps(
      "set a 0 0 1\r\nx\r\n",
      "cas a 0 0 1 999999999\r\ny\r\n",
      "cas none 0 0 1 5\r\ny\r\n",
      "cas a 0 0 1 0\r\ny\r\n",
      "cas a 0 0 1 18446744073709551615\r\ny\r\n"
    )
  },
  {
    name: "counters",
    steps: steps(
      "set n 0 0 2\r\n10\r\n",
      "incr n 5\r\n",
      "decr n 100\r\n",
      "incr n 18446744073709551615\r\n",
      "incr n 1\r\n",
      "incr nope 1\r\n",
      "decr nope 1\r\n",
      "set s 0 0 3\r\nabc\r\n",
      "incr s 1\r\n",
      "incr n abc\r\n",
      "incr n -1\r\n",
      "incr n +1\r\n",
      "incr n 18446744073709551616\r\n",
      "incr n\r\n",
      "incr n 1 2 3\r\n"
    )
  },
  {
    name: "delete, touch, flush_all, verbosity, version",
    steps: steps(
      "set a 0 0 1\r\nx\r\n",
      "touch a 100\r\n",
      "touch nope 100\r\n",
      "touch a\r\n",
      "touch a abc\r\n",
      "touch a 2147483648\r\n",
      "touch a -1\r\n",
      "set a 0 0 1\r\nx\r\n",
      "delete a\r\n",
      "delete nope 0\r\n",
      "delete nope 1\r\n",
      "delete a b c d e\r\n",
      "delete\r\n",
      "flush_all\r\n",
      "flush_all 0\r\n",
      "flush_all 1000\r\n",
      "flush_all abc\r\n",
      "flush_all -1\r\n",
      "verbosity 0\r\n",
      "verbosity\r\n",
      "verbosity abc\r\n",
      "version\r\n",
      "version and more\r\n"
    )
  },
  {
    name: "noreply",
    steps: steps(
      "set a 0 0 1 noreply\r\n1\r\nget a\r\n",
      "add a 0 0 1 noreply\r\n2\r\nreplace a 0 0 1 noreply\r\n3\r\nget a\r\n",
      "append a 0 0 1 noreply\r\n4\r\nprepend a 0 0 1 noreply\r\n5\r\nget a\r\n",
      "incr a 1 noreply\r\ndecr a 2 noreply\r\ntouch a 0 noreply\r\nget a\r\n",
      "cas a 0 0 1 1 noreply\r\nx\r\nget a\r\n",
      "delete a noreply\r\nget a\r\n",
      "delete a 0 noreply\r\nget a\r\n",
      "flush_all noreply\r\nverbosity 0 noreply\r\nget a\r\n",
      "flush_all 0 noreply\r\nget a\r\n",
      "set a 0 0 1 NOREPLY\r\n1\r\n",
      "set a 0 0 1 noreply more\r\n1\r\n",
      "incr a abc noreply\r\nversion\r\n",
      "incr a noreply\r\nversion\r\n",
      "touch a noreply\r\nversion\r\n",
      "touch a abc noreply\r\nversion\r\n",
      "flush_all abc noreply\r\nversion\r\n",
      "verbosity noreply\r\nversion\r\n",
      "bogus noreply\r\nversion\r\n",
      "shutdown noreply\r\nversion\r\n",
      "set a noreply\r\nversion\r\n",
      "set a 0 0 1 noreply\r\nxyz\r\nversion\r\n",
      "stats noreply\r\n",
      "get noreply\r\n",
      "version noreply\r\n"
    )
  },
  {
    name: "storage lines that are refused",
    steps: steps(
      "set a abc 0 1\r\nx\r\nversion\r\n",
      "set a 0 abc 1\r\nx\r\nversion\r\n",
      "set a -1 0 1\r\nx\r\nversion\r\n",
      "set a 0 0 -1\r\nversion\r\n",
      "set a 0 0 abc\r\nversion\r\n",
      "set a 0 0 2147483647\r\nversion\r\n",
      "set a 0 0\r\nversion\r\n",
      "cas a 0 0 1\r\nx\r\nversion\r\n",
      "cas a 0 0 1 abc\r\nx\r\nversion\r\n",
      "set a abc 0 1 noreply\r\nx\r\nversion\r\n",
      "cas a 0 0 1 noreply\r\nx\r\nversion\r\n"
    )
  },
  {
    name: "storage lines whose numbers wrap",
    steps: steps(
      "set a 4294967297 0 1\r\nx\r\nget a\r\n",
      "set a 4294967296 0 1\r\nx\r\nget a\r\n",
      "set a +7 0 1\r\nx\r\nget a\r\n",
      "set a 0 2147483648 1\r\nx\r\nget a\r\n",
      "set a 0 4294967396 1\r\nx\r\nget a\r\n",
      "set a 0 +100 1\r\nx\r\nget a\r\n",
      "set a 0 -1 1\r\nx\r\nget a\r\n",
      "set a 18446744073709551615 0 1\r\nx\r\nget a\r\n",
      "set a 18446744073709551616 0 1\r\nx\r\nversion\r\n",
      "set a 0 9223372036854775808 1\r\nx\r\nversion\r\n"
    )
  },
  {
    name: "values of another length than announced",
    steps: steps(
      "set p 0 0 1\r\n12\r\n",
      "get p\r\n",
      "set p 0 0 1\r\nabcdef\r\n",
      "set p 0 0 4\r\nab\r\n",
      "version\r\nversion\r\n",
      "set p 0 0 1\r\nx\n\n"
    )
  },
  {
    name: "keys that are too long",
    steps: [
      ["set ", ["k", 250], " 0 0 1\r\nx\r\n"],
      ["get ", ["k", 250], "\r\n"],
      ["delete ", LONG_KEY, "\r\n"],
      ["incr ", LONG_KEY, " 1\r\n"],
      ["touch ", LONG_KEY, " 0\r\n"],
      ["get ", LONG_KEY, "\r\n"],
      ["version\r\n"],
      ["gat 0 ", LONG_KEY, "\r\n"],
      ["version\r\n"],
      ["set ", LONG_KEY, " 0 0 7\r\nversion\r\n"]
    ]
  },
  {
    name: "a value that is too large",
    steps: [["set big 0 0 1048577\r\n", ["x", 1_048_577], "\r\nversion\r\n"], ["version\r\n"]]
  },
  {
    name: "unknown commands and short lines",
    steps: steps(
      "bogus\r\n",
      "GET a\r\n",
      " get a\r\n",
      "get\ta\r\n",
      "set\r\n",
      "get\r\n",
      "gets\r\n",
      "gat 10\r\n",
      "gat abc a\r\n",
      "gat\r\n",
      "\r\n",
      "a\r\n",
      "shutdown\r\n",
      "mgx\r\n"
    )
  },
  { name: "http", steps: steps("GET / HTTP/1.1\r\nHost: x\r\n\r\n") },
  { name: "quit", steps: steps("version\r\nquit\r\nversion\r\n") },
  { name: "quit with more words", steps: steps("quit now\r\n") },
  { name: "a long line of get", steps: [["get", [" aaaaaaaaa", 1000], "\r\n"], ["version\r\n"]] },
  { name: "a long unfinished line", steps: [["delete ", ["k", 4000]], ["\r\nversion\r\n"]] },
  {
    name: "statistics",
    steps: steps(
      "set prefix:a 0 0 1\r\nx\r\n",
      "stats\r\n",
      "stats settings\r\n",
      "stats items\r\n",
      "stats slabs\r\n",
      "stats sizes\r\n",
      "stats conns\r\n",
      "stats cachedump 1 0\r\n",
      "stats cachedump 1\r\n",
      "stats cachedump a b\r\n",
      "stats cachedump 64 0\r\n",
      "stats detail on\r\nget prefix:a\r\nget prefix:b\r\n",
      "stats detail dump\r\n",
      "stats detail off\r\n",
      "stats detail\r\n",
      "stats detail bogus\r\n",
      "stats bogus\r\n",
      "stats reset\r\n"
    )
  }
]
