/**
 * Replies and requests as one line of text each, so that two readings of the same bytes can be compared.
 */
import { byteString } from "@effect-memcache/protocol/Ascii"
import type { Reply } from "@effect-memcache/protocol/Reply"
import type { Request } from "@effect-memcache/protocol/Request"

/** Bytes as one UTF-16 unit each. */
export const latin1 = (bytes: Uint8Array): string => byteString(bytes, 0, bytes.length)

/** Everything a reply says. `hasValue` false leaves out the value's bytes, for a reader that skips them. */
export const ofReply = (reply: Reply, hasValue = true): string => {
  switch (reply._tag) {
    case "Value":
    case "Header":
    case "End":
    case "NotStored":
    case "Exists":
    case "NotFound": {
      const r = reply
      const fields = `${r._tag} ${r.isText} ${r.opaque} ${r.key} ${r.isBase64} ${r.flags} ${r.cas} ${r.size} ${r.ttl}`
      const marks = `${r.lastAccess} ${r.isHitBefore} ${r.isWin} ${r.isStale} ${r.isWinSent}`
      if (r._tag !== "Value") return `${fields} ${marks}`
      return `${fields} ${marks} ${r.length}${hasValue ? `:${latin1(r.value)}` : ""}`
    }
    case "Counter":
      return `Counter ${reply.value}`
    case "Version":
      return `Version ${reply.version}`
    case "Stat":
      return `Stat ${reply.name} ${reply.value}`
    case "Debug":
      return `Debug ${reply.key} ${reply.text}`
    case "Error":
    case "ClientError":
    case "ServerError":
      return `${reply._tag} ${reply.message}`
    // Why is said for people, and may depend on how much of the line is there.
    default:
      return reply._tag
  }
}

const plain = (_key: string, value: unknown): unknown =>
  typeof value === "bigint" ? `${value}n` : value instanceof Uint8Array ? latin1(value) : value

/** Everything a request says. */
export const ofRequest = (request: Request): string => JSON.stringify(request, plain)
