/**
 * Who takes part, in the order of the turns.
 */

export interface Client {
  readonly name: string
  readonly title: string
  /** `reference` is no client for users; `variant` is the measured client with something added. */
  readonly role: "reference" | "measured" | "peer" | "variant"
  /** Beside this file. Loaded by the process that measures it, and by no other. */
  readonly module: string
  /** The flags that it writes text with: what it reads must have been written as by itself. */
  readonly flags: number
  /** The installed package of a peer. */
  readonly package?: string | undefined
}

const peer = (name: string, module: string): Client => ({
  name,
  title: name,
  role: "peer",
  module: `./clients/${module}.ts`,
  flags: 0,
  package: name
})

const own = (name: string, title: string, role: Client["role"]): Client => ({
  name,
  title,
  role,
  module: "./clients/EffectMemcache.ts",
  flags: 16
})

export const clients: ReadonlyArray<Client> = [
  { name: "raw", title: "raw", role: "reference", module: "./clients/Raw.ts", flags: 16 },
  { name: "bare", title: "bare", role: "reference", module: "./clients/Bare.ts", flags: 16 },
  own("effect", "effect-memcache", "measured"),
  own("effect-metrics", "with metrics", "variant"),
  own("effect-traced", "with metrics and tracer", "variant"),
  { ...own("effect-structs", "structs as they are", "variant"), module: "./clients/EffectStore.ts", flags: 32 },
  { ...own("effect-store", "structs by a store", "variant"), module: "./clients/EffectStore.ts", flags: 32 },
  { ...own("effect-get-or-set", "by getOrSet", "variant"), module: "./clients/EffectStore.ts" },
  { ...own("effect-alone", "Effect without a client", "variant"), module: "./clients/EffectAlone.ts" },
  peer("memcached", "Memcached"),
  peer("memjs", "Memjs"),
  peer("memcache-client", "MemcacheClient"),
  peer("memcache", "Memcache")
]

/** Who does a work unless it says otherwise. */
export const contestants: ReadonlyArray<string> = clients
  .filter(({ role }) => role !== "variant")
  .map(({ name }) => name)

export const byName = (name: string): Client => {
  const client = clients.find((client) => client.name === name)
  if (client === undefined) {
    throw new Error(`There is no client ${name}; there are ${clients.map((c) => c.name).join(", ")}.`)
  }
  return client
}
