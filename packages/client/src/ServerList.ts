/**
 * The list of servers in all the ways in which it may be written, read into one.
 *
 * @since 0.1.0
 */
import type { Weighted } from "@effect-memcache/transport/Address"
import * as Address from "@effect-memcache/transport/Address"
import * as Result from "effect/Result"
import { show } from "./ArgumentError.ts"
import { OptionsError } from "./OptionsError.ts"

/**
 * One server: `"host[:port][:weight]"`, `"[v6]:port[:weight]"` or `"unix:/path[:weight]"`, the same with its weight
 * beside it as python-memcached has it, or an object. The port is 11211 and the weight 1 unless given.
 *
 * @category models
 * @since 0.1.0
 */
export type ServerInput =
  | string
  | readonly [server: string, weight: number]
  | { readonly host: string; readonly port?: number | undefined; readonly weight?: number | undefined }
  | { readonly path: string; readonly weight?: number | undefined }

/**
 * One or more servers. A single string may name several, with commas between them.
 *
 * @category models
 * @since 0.1.0
 */
export type ServersInput = string | ReadonlyArray<ServerInput>

/**
 * The server that is used when none is named: `127.0.0.1:11211`.
 *
 * @category constants
 * @since 0.1.0
 */
export const DEFAULT_SERVERS: ReadonlyArray<Weighted> = [{ address: Address.tcp("127.0.0.1"), weight: 1 }]

/**
 * Reads a list, in its order. Fails on the first entry that is no server, on one that is named twice, and on an empty
 * list.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (input: ServersInput): Result.Result<ReadonlyArray<Weighted>, OptionsError> =>
  Result.gen(function*() {
    if (typeof input !== "string" && !Array.isArray(input)) {
      return yield* refuse("servers", `must be "host:port" or a list of servers, not ${show(input)}`)
    }
    const entries: ReadonlyArray<ServerInput> = typeof input === "string" ? split(input) : input
    if (entries.length === 0) return yield* refuse("servers", "is empty; name at least one server, as \"host:port\"")
    const servers: Array<Weighted> = []
    const seen = new Map<string, number>()
    for (const [index, entry] of entries.entries()) {
      const server = yield* parseOne(entry, `servers[${index}]`)
      const name = Address.format(server.address)
      const first = seen.get(name)
      if (first !== undefined) {
        return yield* refuse(
          `servers[${index}]`,
          `names ${name}, which is servers[${first}] already; for a larger share of the keys give it a weight`
        )
      }
      seen.set(name, index)
      servers.push(server)
    }
    return servers
  })

const refuse = (option: string, detail: string): Result.Result<never, OptionsError> =>
  Result.fail(new OptionsError({ option, detail }))

const split = (text: string): ReadonlyArray<string> => text.trim() === "" ? [] : text.split(",")

const parseOne = (input: unknown, option: string): Result.Result<Weighted, OptionsError> => {
  if (typeof input === "string") return parseText(input, option)
  if (Array.isArray(input) && input.length === 2 && typeof input[0] === "string") {
    return Result.flatMap(parseText(input[0], option), ({ address }) => weigh(address, input[1], option))
  }
  if (typeof input === "object" && input !== null && !Array.isArray(input)) return parseObject(input, option)
  return refuse(option, `must be "host:port", [server, weight] or an object, not ${show(input)}`)
}

const parseText = (text: string, option: string): Result.Result<Weighted, OptionsError> =>
  Result.mapError(
    Address.parse(text),
    ({ reason }) => new OptionsError({ option, detail: `${show(text)} ${reason}` })
  )

const parseObject = (
  input: { readonly host?: unknown; readonly port?: unknown; readonly path?: unknown; readonly weight?: unknown },
  option: string
): Result.Result<Weighted, OptionsError> => {
  const { host, path, port = Address.DEFAULT_PORT, weight = 1 } = input
  if (typeof path === "string" && host === undefined) {
    const wrong = Address.checkPath(path)
    return wrong === undefined ? weigh(Address.unix(path), weight, option) : refuse(option, `${show(path)} ${wrong}`)
  }
  if (typeof host !== "string" || path !== undefined) return refuse(option, "must have either a host or a path")
  // Brackets belong to the text form; an object's host stands alone.
  const bare = host.replace(/^\[(.*)\]$/, "$1")
  const wrongHost = Address.checkHost(bare)
  if (wrongHost !== undefined) return refuse(option, `${show(host)} ${wrongHost}`)
  const wrongPort = Address.checkPort(port as number)
  if (wrongPort !== undefined) return refuse(option, `${wrongPort}: ${show(port)}`)
  return weigh(Address.tcp(bare, port as number), weight, option)
}

const weigh = (address: Address.Address, weight: unknown, option: string): Result.Result<Weighted, OptionsError> => {
  const wrong = Address.checkWeight(weight as number)
  return wrong === undefined
    ? Result.succeed({ address, weight: weight as number })
    : refuse(option, `${wrong}: ${show(weight)}`)
}
