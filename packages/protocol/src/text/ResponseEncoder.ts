/**
 * Writes replies as lines of the classic text protocol: the mirror of the decoder, for a server.
 *
 * @since 0.1.0
 */
import type { Reply } from "../Reply.ts"
import type { WriteBuffer } from "../WriteBuffer.ts"

/**
 * What the reply alone does not say.
 *
 * @category models
 * @since 0.1.0
 */
export interface EncodeOptions {
  /** Whether `VALUE` names the cas unique, as for `gets`. Left out: when the reply has one. */
  readonly withCas?: boolean | undefined
  /** How a line of a report begins: `ITEM` for cachedump, `PREFIX` for detail dump. Left out: `STAT`. */
  readonly statWord?: "STAT" | "ITEM" | "PREFIX" | undefined
}

/**
 * Appends the reply, with its value if it has one. Answers whether text has words for it; `HD`, `MN`, `ME` and malformed
 * replies it has none for, and then nothing is written.
 *
 * The end of a multi-get or of a report is an `End` of its own.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = (buffer: WriteBuffer, reply: Reply, options: EncodeOptions = {}): boolean => {
  switch (reply._tag) {
    case "Value": {
      buffer.text("VALUE ").text(reply.key ?? "").blank().number(reply.flags).blank().number(reply.value.length)
      if (options.withCas ?? reply.cas !== undefined) buffer.blank().text(String(reply.cas ?? 0n))
      buffer.crlf().bytes(reply.value)
      break
    }
    case "End":
      buffer.text("END")
      break
    case "Stored":
      buffer.text("STORED")
      break
    case "NotStored":
      buffer.text("NOT_STORED")
      break
    case "Exists":
      buffer.text("EXISTS")
      break
    case "NotFound":
      buffer.text("NOT_FOUND")
      break
    case "Deleted":
      buffer.text("DELETED")
      break
    case "Touched":
      buffer.text("TOUCHED")
      break
    case "Ok":
      buffer.text("OK")
      break
    case "Reset":
      buffer.text("RESET")
      break
    case "Counter":
      buffer.text(String(reply.value))
      break
    case "Version":
      buffer.text("VERSION ").text(reply.version)
      break
    case "Stat":
      buffer.text(options.statWord ?? "STAT").blank().text(reply.name).blank().text(reply.value)
      break
    case "Error":
      message(buffer.text("ERROR"), reply.message)
      break
    case "ClientError":
      message(buffer.text("CLIENT_ERROR"), reply.message)
      break
    case "ServerError":
      message(buffer.text("SERVER_ERROR"), reply.message)
      break
    default:
      return false
  }
  buffer.crlf()
  return true
}

const message = (buffer: WriteBuffer, text: string): void => {
  if (text !== "") buffer.blank().text(text)
}
