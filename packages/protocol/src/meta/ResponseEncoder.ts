/**
 * Writes the replies of a server in the meta dialect.
 *
 * The server decides which return flags there are and in which order, since only it has seen the request's.
 *
 * @since 0.1.0
 */
import type { MetaFlag } from "../Command.ts"
import type { WriteBuffer } from "../WriteBuffer.ts"

/**
 * One reply. `value` belongs to `VA`; `text` to `ME`, and is the key and what is known of it; `flags` are the return
 * flags ready made (`f30`, `O7`, `W`), which `MN` and `ME` do not have.
 *
 * @category models
 * @since 0.1.0
 */
export interface MetaReply {
  readonly code: "VA" | "HD" | "EN" | "NS" | "EX" | "NF" | "MN" | "ME"
  readonly value?: Uint8Array | undefined
  readonly flags: ReadonlyArray<MetaFlag>
  readonly text?: string | undefined
}

/**
 * Writes one reply, with its value.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = (buffer: WriteBuffer, reply: MetaReply): void => {
  const { code, flags, text, value } = reply
  buffer.text(code)
  if (code === "ME") {
    if (text !== undefined) buffer.blank().text(text)
    buffer.crlf()
    return
  }
  if (code === "VA") buffer.blank().number(value === undefined ? 0 : value.length)
  for (let i = 0; i < flags.length; i++) buffer.blank().text(flags[i])
  buffer.crlf()
  if (code !== "VA") return
  if (value !== undefined) buffer.bytes(value)
  buffer.crlf()
}
