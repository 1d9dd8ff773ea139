/**
 * The meta dialect as a connection sees it: memcached 1.6.10 and later.
 *
 * @since 0.1.0
 */
import type { Dialect } from "./Dialect.ts"
import { encode, supports } from "./meta/RequestEncoder.ts"
import { parse } from "./meta/ResponseDecoder.ts"

/**
 * Meta commands with opaques where there is a meta form, classic lines for the rest.
 *
 * @category dialects
 * @since 0.1.0
 */
export const metaDialect: Dialect = { name: "meta", supports, encode, parse }
