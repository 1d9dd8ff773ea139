/**
 * Bytes that no server should send, in the protocol that the client speaks: the same fault for classic text, for the meta
 * commands and for the binary protocol.
 */

export type Dialect = "classic" | "meta" | "binary"

/** A read of one key, as far as a reply to it must know it. */
export interface Read {
  readonly dialect: Dialect
  /** The flags of a meta command. */
  readonly flags: ReadonlyArray<string>
  /** Operation code and opaque of a binary one. */
  readonly code: number
  readonly opaque: number
}

/** What is sent in the place of a reply. */
export type Nonsense = "huge" | "garbage" | "unterminated"

const READS = new Set([0x00, 0x09, 0x0c, 0x0d])
/** The first byte of every binary request. */
export const MAGIC = 0x80

/** The read of `key` that a chunk begins or holds, if there is one. */
export const readOf = (chunk: Buffer, key: string): Read | undefined => {
  if (chunk[0] === MAGIC) {
    const isRead = READS.has(chunk[1]!) && chunk.includes(key)
    return isRead ? { dialect: "binary", flags: [], code: chunk[1]!, opaque: chunk.readUInt32BE(12) } : undefined
  }
  const found = new RegExp(`(?:^|\\n)(mg|gets?) ${key}([^\\r\\n]*)\\r?\\n`).exec(chunk.toString("latin1"))
  if (found === null) return undefined
  const isMeta = found[1] === "mg"
  return { dialect: isMeta ? "meta" : "classic", flags: isMeta ? found[2]!.trim().split(" ") : [], code: 0, opaque: 0 }
}

const header = (read: Read, bodyLength: number): Buffer => {
  const bytes = Buffer.alloc(28)
  bytes[0] = 0x81
  bytes[1] = read.code
  bytes[4] = 4
  bytes.writeUInt32BE(bodyLength, 8)
  bytes.writeUInt32BE(read.opaque, 12)
  return bytes
}

const firstLine = ({ dialect, flags }: Read, key: string, length: number): string => {
  if (dialect === "classic") return `VALUE ${key} 0 ${length}\r\n`
  const told = flags.flatMap((flag) =>
    flag[0] === "O" ? [flag] : flag === "f" ? ["f16"] : flag === "k" ? [`k${key}`] : flag === "c" ? ["c1"] : []
  )
  return `VA ${[length, ...told].join(" ")}\r\n`
}

/** A whole reply with a value that is not that of any key, to nobody's question. */
export const unasked = (read: Read): Buffer => {
  const value = "somebody else's"
  if (read.dialect === "binary") {
    return Buffer.concat([header({ ...read, opaque: 0 }, 4 + value.length), Buffer.from(value)])
  }
  const line = firstLine({ ...read, flags: ["f"] }, "other", value.length)
  return Buffer.from(`${line}${value}\r\n${read.dialect === "classic" ? "END\r\n" : ""}`)
}

/** What a reply that never ends begins with. */
export const endlessStart = (read: Read): Buffer =>
  read.dialect === "binary" ? header(read, 0x7fff_ffff) : Buffer.from("VALUE ")

export const nonsense = (what: Nonsense, read: Read, key: string): Buffer => {
  if (what === "garbage") {
    const bytes = Buffer.from(Array.from({ length: 24 }, (_, i) => 0xf3 - 7 * i & 0xff))
    if (read.dialect !== "binary") bytes.write("\r\n", 22)
    return bytes
  }
  if (what === "huge") {
    return read.dialect === "binary"
      ? Buffer.concat([header(read, 0xffff_ffff), Buffer.from("abc")])
      : Buffer.from(`${firstLine(read, key, 0xffff_ffff)}abc`)
  }
  return Buffer.from(`${firstLine(read, key, 5)}other than said\r\n${read.dialect === "classic" ? "END\r\n" : ""}`)
}
