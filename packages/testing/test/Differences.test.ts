/**
 * Where memcached 1.6.18 and 1.6.45 differ, the embedded server answers as the newer one, apart from the defects that
 * PROTOCOL names. The cross-check with the installed server leaves all of this out, so each has its test here.
 */
import { assert, describe, it } from "@effect/vitest"
import { Conversation } from "./Conversation.ts"

const BAD_FORMAT = "CLIENT_ERROR bad command line format"
const LONG_KEY = "k".repeat(251)

interface Case {
  readonly name: string
  readonly say: ReadonlyArray<string>
  readonly hear: ReadonlyArray<string>
}

const newer: ReadonlyArray<Case> = [
  {
    name: "too few words are a CLIENT_ERROR, not an ERROR",
    say: ["get", "set a 0 0", "touch k", "incr k", "delete", "gat 0", "", "verbosity"],
    hear: Array(8).fill(BAD_FORMAT)
  },
  {
    name: "a value behind a key that is too long is read past and not run",
    say: ["set a 0 0 1", "x", `set ${LONG_KEY} 0 0 9`, "flush_all", "get a"],
    hear: ["STORED", BAD_FORMAT, "VALUE a 0 1", "x", "END"]
  },
  {
    name: "a value behind bad flags or a bad exptime is read past and not run",
    say: ["set a b 0 7", "version", "set a 0 b 7", "version", "set a -1 0 7", "version", "mn"],
    hear: [BAD_FORMAT, BAD_FORMAT, BAD_FORMAT, "MN"]
  },
  {
    name: "a key with a blank takes two bytes for the value that its wrong size names",
    say: ["set a 0 0 1", "x", "set a b 0 0 9", "flush_all", "get a"],
    hear: ["STORED", BAD_FORMAT, "ERROR", "VALUE a 0 1", "x", "END"]
  },
  {
    name: "a bad storage line with noreply is silent, and so is its value",
    say: ["set a abc 0 1 noreply", "x", "get a"],
    hear: ["END"]
  },
  {
    name: "a size of 2^32 + 1 is refused and not read as 1; the value is run, since nobody knows where it ends",
    say: ["set a 0 0 4294967297", "version"],
    hear: [BAD_FORMAT, "VERSION 1.6.45"]
  },
  {
    name: "the rest of a value that was longer than said is run as a command",
    say: ["set p 0 0 1", "12", "mn"],
    hear: ["CLIENT_ERROR bad data chunk", BAD_FORMAT, "MN"]
  },
  { name: "a leading blank is an ERROR", say: [" version"], hear: ["ERROR"] },
  { name: "bget is gone", say: ["bget a"], hear: ["ERROR"] },
  {
    name: "a delta with a plus is refused",
    say: ["set n 0 0 1", "1", "incr n +1"],
    hear: ["STORED", "CLIENT_ERROR invalid numeric delta argument"]
  },
  {
    name: "an exptime of 2^31 is refused where it is not in a storage line",
    say: ["touch a 2147483648", "gat 2147483648 a"],
    hear: Array(2).fill("CLIENT_ERROR invalid exptime argument")
  },
  { name: "shutdown is a SERVER_ERROR without -A", say: ["shutdown"], hear: ["SERVER_ERROR: shutdown not enabled"] },
  {
    name: "mg compares a cas unique",
    say: ["ms k 1", "x", "mg k v C1", "mg k v C2"],
    hear: ["HD", "HD", "VA 1", "x"]
  },
  {
    name: "E chooses the cas unique",
    say: ["ms k 1 E77 c", "1", "ma k E88 c", "mg new N0 E99 c", "md k I E66", "mg k c"],
    hear: ["HD c77", "HD c88", "HD c99 W", "HD", "HD c66 X W"]
  },
  { name: "md x empties", say: ["ms k 1 F5", "x", "md k x", "mg k v f"], hear: ["HD", "HD", "VA 0 f0", ""] },
  { name: "a counter that q makes is silent", say: ["ma k N0 J4 q v", "mn"], hear: ["MN"] },
  { name: "append makes what is not there, with N", say: ["ms k 1 MA N0", "x", "mg k v"], hear: ["HD", "VA 1", "x"] },
  { name: "s of an append is the whole size", say: ["ms k 1 s", "x", "ms k 2 MA s", "yz"], hear: ["HD s1", "HD s3"] },
  {
    name: "client flags beyond 32 bits are refused in the meta dialect",
    say: ["ms k 1 F4294967296", "x", "mn"],
    hear: [BAD_FORMAT, "MN"]
  },
  {
    name: "md says what is wrong with its flags, ma does not",
    say: ["md k y", "md k q q", "md k Cx", "ma k y", "ma k Dx"],
    hear: [
      "CLIENT_ERROR invalid flag",
      "CLIENT_ERROR duplicate flag",
      "CLIENT_ERROR bad token in command line format",
      ...Array(2).fill("CLIENT_ERROR invalid or duplicate flag")
    ]
  },
  {
    name: "me shows the rest of an exptime with its right sign",
    say: ["set k 0 60 1", "x", "me k"],
    hear: ["STORED", "ME k exp=60 la=0 cas=1 fetch=no cls=1 size=61"]
  },
  {
    name: "a flush is exact without cas uniques too",
    say: ["set a 0 0 1", "x", "flush_all", "set a 0 0 1", "y", "get a"],
    hear: ["STORED", "OK", "STORED", "VALUE a 0 1", "y", "END"]
  }
]

const defects: ReadonlyArray<Case> = [
  {
    name: "surplus words of delete are a CLIENT_ERROR; a 0 is what old clients send",
    say: ["delete a b c d e", "delete a 0", "delete a 0 noreply"],
    hear: [BAD_FORMAT, "NOT_FOUND"]
  },
  {
    name: "delete of a key named noreply is answered",
    say: ["set noreply 0 0 1", "x", "delete noreply", "delete noreply"],
    hear: ["STORED", "DELETED", "NOT_FOUND"]
  },
  {
    name: "a key that is too long in a get costs no other answer and adds no empty line",
    say: ["set a 0 0 1", "x", "get a", "set b 0 0 1", "y", `get a ${LONG_KEY}`, "gets b"],
    hear: ["STORED", "VALUE a 0 1", "x", "END", "STORED", BAD_FORMAT, "VALUE b 0 1 2", "y", "END"]
  },
  {
    name: "report names are whole words",
    say: ["stats r", "stats reset"],
    hear: ["ERROR", "RESET"]
  },
  {
    name: "me finds an item by its base64 key",
    say: ["ms Zm9v 1 b", "x", "me Zm9v b"],
    hear: ["HD", "ME Zm9v exp=-1 la=0 cas=1 fetch=no cls=1 size=63"]
  }
]

describe("as 1.6.45 and not as 1.6.18", () => {
  it.each(newer)("$name", ({ hear, name, say }) => {
    assert.deepStrictEqual(new Conversation({ cas: !name.includes("without cas") }).say(...say), hear)
  })
})

describe("as neither, because it is a defect", () => {
  it.each(defects)("$name", ({ hear, say }) => {
    assert.deepStrictEqual(new Conversation().say(...say), hear)
  })
})
