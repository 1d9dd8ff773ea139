/**
 * Where a server is, and how that is written: in options, in errors, in logs and in the environment.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"

/**
 * A TCP address or the path of a Unix socket. The host is kept as it was configured, because placement depends on it.
 *
 * @category models
 * @since 0.1.0
 */
export type Address =
  | { readonly _tag: "Tcp"; readonly host: string; readonly port: number }
  | { readonly _tag: "Unix"; readonly path: string }

/**
 * An address with its share of the keys, relative to the other servers' weights.
 *
 * @category models
 * @since 0.1.0
 */
export interface Weighted {
  readonly address: Address
  readonly weight: number
}

/**
 * Why a text is no server: a few words that follow the text in a sentence.
 *
 * @category errors
 * @since 0.1.0
 */
export interface AddressFault {
  readonly _tag: "AddressFault"
  readonly text: string
  readonly reason: string
}

/**
 * memcached's own port.
 *
 * @category constants
 * @since 0.1.0
 */
export const DEFAULT_PORT = 11211

/**
 * Largest weight, a bound of our own: the sum over 256 servers stays exact in the 32-bit floats that ketama computes in.
 *
 * @category constants
 * @since 0.1.0
 */
export const MAX_WEIGHT = 65_535

/**
 * A TCP address.
 *
 * @category constructors
 * @since 0.1.0
 */
export const tcp = (host: string, port: number = DEFAULT_PORT): Address => ({ _tag: "Tcp", host, port })

/**
 * The address of a Unix socket.
 *
 * @category constructors
 * @since 0.1.0
 */
export const unix = (path: string): Address => ({ _tag: "Unix", path })

/**
 * `host:port`, `[v6]:port` or `unix:/path`: the name of the server in errors, logs and statistics.
 *
 * @category encoding
 * @since 0.1.0
 */
export const format = (address: Address): string => {
  if (address._tag === "Unix") return `unix:${address.path}`
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

/**
 * Whether two addresses are the same server as it is written; names are not resolved.
 *
 * @category guards
 * @since 0.1.0
 */
export const equals = (self: Address, that: Address): boolean => format(self) === format(that)

/**
 * Reads `host[:port][:weight]`, `[v6]:port[:weight]` or `unix:/path[:weight]`, and python-memcached's spellings
 * `inet:host:port` and `inet6:[v6]:port`. The port is 11211 and the weight 1 where they are not given.
 *
 * A bare IPv6 address is refused: `::1:11211` could mean two things.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (text: string): Result.Result<Weighted, AddressFault> => {
  const fault = (reason: string) => Result.fail<AddressFault>({ _tag: "AddressFault", text, reason })
  const trimmed = text.trim()
  if (trimmed === "") return fault("is empty; write host:port")
  if (/^unix:/i.test(trimmed)) return parseUnix(trimmed.slice("unix:".length), fault)
  const rest = trimmed.replace(/^inet6?:/i, "")
  const bracketed = /^\[([^\]]*)\](.*)$/.exec(rest)
  const host = bracketed === null ? /^[^:]*/.exec(rest)![0] : bracketed[1]
  const tail = bracketed === null ? rest.slice(host.length) : bracketed[2]
  const hostFault = bracketed === null ? checkHost(host) : checkIPv6(host)
  if (hostFault !== undefined) return fault(hostFault)
  if (tail !== "" && !tail.startsWith(":")) return fault("has something other than \":port\" after the address")
  const numbers = tail === "" ? [] : tail.slice(1).split(":")
  if (numbers.length > 2) {
    return fault("has too many colons; write an IPv6 address in brackets, as in [::1]:11211")
  }
  const port = numbers.length > 0 ? parsePort(numbers[0]) : DEFAULT_PORT
  if (typeof port === "string") return fault(port)
  const weight = numbers.length > 1 ? parseWeight(numbers[1]) : 1
  if (typeof weight === "string") return fault(weight)
  return Result.succeed({ address: tcp(host, port), weight })
}

/**
 * What is wrong with a host, or `undefined`. An IPv6 address stands without its brackets.
 *
 * @category guards
 * @since 0.1.0
 */
export const checkHost = (host: string): string | undefined => {
  if (host === "") return "has no host; write host:port"
  if (host.length > 255) return "has a host of more than 255 characters"
  if (host.includes(":")) return checkIPv6(host)
  return /^[^\s\p{Cc}/[\]@,]+$/u.test(host)
    ? undefined
    : "has a character in its host that no host name has"
}

/**
 * What is wrong with a port, or `undefined`.
 *
 * @category guards
 * @since 0.1.0
 */
export const checkPort = (port: number): string | undefined =>
  Number.isInteger(port) && port >= 1 && port <= 65_535 ? undefined : "has a port that is not from 1 to 65535"

/**
 * What is wrong with a weight, or `undefined`.
 *
 * @category guards
 * @since 0.1.0
 */
export const checkWeight = (weight: number): string | undefined =>
  Number.isInteger(weight) && weight >= 1 && weight <= MAX_WEIGHT
    ? undefined
    : `has a weight that is not a whole number from 1 to ${MAX_WEIGHT}`

/**
 * What is wrong with the path of a Unix socket, or `undefined`. The system's limit is 107 bytes (unix(7)), and Node cuts
 * a longer path without an error.
 *
 * @category guards
 * @since 0.1.0
 */
export const checkPath = (path: string): string | undefined => {
  if (path === "") return "has no path; write unix:/path"
  if (path.includes("\0")) return "has a NUL character in its path"
  return new TextEncoder().encode(path).length > 107 ? "has a path of more than 107 bytes" : undefined
}

const parseUnix = (
  rest: string,
  fault: (reason: string) => Result.Result<never, AddressFault>
): Result.Result<Weighted, AddressFault> => {
  // A path may hold colons; only a number behind the last one is a weight.
  const match = /^(.*):(\d+)$/s.exec(rest)
  const path = match === null ? rest : match[1]
  const weight = match === null ? 1 : parseWeight(match[2])
  const pathFault = checkPath(path)
  if (pathFault !== undefined) return fault(pathFault)
  if (typeof weight === "string") return fault(weight)
  return Result.succeed({ address: unix(path), weight })
}

// The URL parser knows the whole grammar; a zone (fe80::1%eth0) is the one thing it refuses.
const checkIPv6 = (host: string): string | undefined =>
  URL.canParse(`http://[${host.replace(/%[\w.-]+$/, "")}]/`)
    ? undefined
    : "has something in brackets that is no IPv6 address"

const parsePort = (text: string): number | string => {
  const port = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  return checkPort(port) ?? port
}

const parseWeight = (text: string): number | string => {
  const weight = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  return checkWeight(weight) ?? weight
}
