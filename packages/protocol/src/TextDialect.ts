/**
 * The classic text protocol as a dialect: spoken by every memcached and every proxy, answered strictly in order and
 * without opaques.
 *
 * @since 0.1.0
 */
import type { Dialect } from "./Dialect.ts"
import * as RequestEncoder from "./text/RequestEncoder.ts"
import * as ResponseDecoder from "./text/ResponseDecoder.ts"

/**
 * The text dialect. Its `encode` never carries an opaque.
 *
 * @category dialects
 * @since 0.1.0
 */
export const textDialect: Dialect = {
  name: "text",
  supports: RequestEncoder.supports,
  encode: (buffer, command) => {
    RequestEncoder.encode(buffer, command)
    return false
  },
  parse: ResponseDecoder.parse
}
