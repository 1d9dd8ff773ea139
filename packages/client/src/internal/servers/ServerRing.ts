/**
 * A list of servers with the rule that places keys on them, and which of them are alive.
 *
 * @since 0.1.0
 */
import type { Key } from "@effect-memcache/protocol/Key"
import type { Weighted } from "@effect-memcache/transport/Address"
import * as AddressModule from "@effect-memcache/transport/Address"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Distribution from "../../Distribution.ts"
import type { HashInput } from "../../Key.ts"
import type { OptionsError } from "../../OptionsError.ts"
import { mayMarkDead } from "./Health.ts"
import type { ServerOptions } from "./Server.ts"
import { Server } from "./Server.ts"

/**
 * What a ring makes its servers with.
 *
 * @category options
 * @since 0.1.0
 */
export interface ServerRingOptions {
  readonly distribution: Distribution.Distribution
  /** What stands before every plain key. Some clients send it and place the key without it. */
  readonly prefix: string
  readonly server: Omit<ServerOptions, "mayMarkDead" | "onStatus">
  /** Servers live as long as this. */
  readonly scope: Scope.Scope
  readonly onChange: (change: "ServerAdded" | "ServerRemoved", server: string) => void
}

/**
 * @category models
 * @since 0.1.0
 */
export class ServerRing {
  /** Each server once, in the order of the list. */
  servers: ReadonlyArray<Server> = []

  private readonly options: ServerRingOptions
  private readonly serverOptions: ServerOptions
  /** The servers as they are listed, which is what the placement counts. */
  private listed: ReadonlyArray<Server> = []
  private placement: Distribution.Placement | undefined = undefined
  /** The placement without the dead; made anew when one dies or comes back. */
  private live: Distribution.Placement | undefined = undefined

  constructor(options: ServerRingOptions) {
    this.options = options
    this.serverOptions = {
      ...options.server,
      mayMarkDead: () => mayMarkDead(this.servers.map((server) => server.death)),
      onStatus: () => {
        this.live = undefined
      }
    }
  }

  /**
   * Replaces the list. Servers that stay keep their connections; those that go settle what is in flight and close. Fails,
   * and changes nothing, if the distribution cannot place keys on such a list.
   */
  readonly replace = Effect.fnUntraced(function*(
    this: ServerRing,
    next: ReadonlyArray<Weighted>
  ): Effect.fn.Return<void, OptionsError> {
    const { distribution, prefix } = this.options
    const placement = yield* Effect.fromResult(Distribution.fromServers(distribution, next, prefix))
    const before = new Map(this.servers.map((server) => [server.name, server]))
    const after = new Map<string, Server>()
    for (const { address, weight } of next) {
      const name = AddressModule.format(address)
      const server = after.get(name) ?? before.get(name) ??
        (yield* Scope.provide(Server.make(address, weight, this.serverOptions), this.options.scope))
      server.weight = weight
      after.set(name, server)
    }
    // From here on in one step: a command sees either the old list or the new one.
    this.servers = [...after.values()]
    this.listed = next.map(({ address }) => after.get(AddressModule.format(address)) as Server)
    this.placement = placement
    this.live = undefined
    for (const [name, server] of before) {
      if (after.has(name)) continue
      server.retire()
      this.options.onChange("ServerRemoved", name)
    }
    for (const name of after.keys()) if (!before.has(name)) this.options.onChange("ServerAdded", name)
  }, Effect.uninterruptible).bind(this)

  /** The server that a key belongs to, dead or alive; `undefined` if there is none. */
  home(key: Key, hash: HashInput | undefined): Server | undefined {
    return this.placement === undefined ? undefined : this.listed[this.placement.indexOf(key, hash)]
  }

  /** The server that has the key while the dead ones are away, by the distribution's own rule. */
  alive(key: Key, hash: HashInput | undefined): Server | undefined {
    if (this.placement === undefined) return undefined
    this.live ??= this.placementOfLive(this.placement)
    return this.listed[this.live.indexOf(key, hash)]
  }

  private placementOfLive(placement: Distribution.Placement): Distribution.Placement {
    const dead = new Set(this.listed.flatMap((server, index) => server.death === undefined ? [] : [index]))
    return dead.size === 0 ? placement : placement.without(dead)
  }
}
