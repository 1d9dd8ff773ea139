/**
 * The metrics of a client in Effect's registry: hooks that look at plain fields when somebody reads, and nothing else.
 *
 * One registry has one `Tally` for each server (and client's name), whoever counts in it: two clients of the same server add
 * to the same numbers instead of overwriting each other's, and a client that is built again goes on where the last one
 * ended. What was counted therefore stays in the registry when a client is closed, as it does with Effect's own counters;
 * an exporter that reads once more at the very end still finds it. What describes the client of the moment, such as
 * connections, goes with it; and with a server that is taken from the list, everything about it goes.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Attributes from "./Attributes.ts"
import { Tally } from "./Tally.ts"

/**
 * What can be asked of a server as one client sees it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Source {
  readonly isAlive: () => boolean
  /** Commands that are not settled yet. */
  readonly inFlight: () => number
  /** Open connections, each with what is in flight on it. */
  readonly connections: () => ReadonlyArray<{ readonly inFlight: number }>
}

/**
 * One client's part in the numbers of a server.
 *
 * @category models
 * @since 0.1.0
 */
export interface Share {
  readonly tally: Tally
  /** Takes back what describes the moment; with `isGone`, and if no other client has the server, the counts as well. */
  readonly leave: (isGone: boolean) => void
}

/**
 * @category options
 * @since 0.1.0
 */
export interface FiguresOptions {
  readonly name: string | undefined
  /** Upper bounds of durations, in seconds, rising. */
  readonly boundaries: ReadonlyArray<number>
}

/**
 * The figures of one client.
 *
 * @category models
 * @since 0.1.0
 */
export interface Figures {
  /** Begins to show a server's numbers. */
  readonly join: (server: string, source: Source) => Share
  /** Counts reads that failed on a server and are tried again. */
  readonly retried: (server: string | undefined, reads: number) => void
}

/**
 * Takes the registry, and the attributes that stand on all metrics, from where the client is built.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: FiguresOptions): Effect.Effect<Figures> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const registry = Context.get(context, Metric.MetricRegistry)
    const common = Context.get(context, Metric.CurrentMetricAttributes)
    // Nothing else of the context, because the registry may outlive everything in it.
    const place = Context.make(Metric.MetricRegistry, registry).pipe(
      Context.add(Metric.CurrentMetricAttributes, common)
    )
    const about = JSON.stringify([options.name, Object.entries(common).sort()])
    const nameOf = (server: string) => `${server} ${about}`
    return Effect.succeed({
      join: (server, source) => {
        const servers = serversOf(registry)
        const name = nameOf(server)
        let shared = servers.get(name)
        if (shared === undefined) {
          shared = new SharedServer(place, Attributes.ofMetric(options.name, server), options.boundaries)
          servers.set(name, shared)
        }
        return shared.join(source, () => servers.delete(name))
      },
      retried: (server, reads) => {
        const shared = server === undefined ? undefined : serversOf(registry).get(nameOf(server))
        if (shared !== undefined) shared.tally.retries += reads
      }
    })
  })

const registries = new WeakMap<Metric.MetricRegistry, Map<string, SharedServer>>()

const serversOf = (registry: Metric.MetricRegistry): Map<string, SharedServer> => {
  let servers = registries.get(registry)
  if (servers === undefined) {
    servers = new Map()
    registries.set(registry, servers)
  }
  return servers
}

type Sum = (source: Source) => number

/** The numbers of a server in one registry, and the clients that have it. */
class SharedServer {
  private readonly place: Context.Context<never>
  private readonly attributes: Record<string, string>
  readonly tally: Tally

  private readonly sources = new Set<Source>()
  private readonly counts: Array<Metric.Registration> = []
  private readonly gauges: Array<Metric.Registration> = []

  constructor(
    place: Context.Context<never>,
    attributes: Record<string, string>,
    boundaries: ReadonlyArray<number>
  ) {
    this.place = place
    this.attributes = attributes
    this.tally = new Tally(boundaries, (operation, errorType, durations) => {
      const metric = Metric.histogram("db.client.operation.duration", {
        description: "How long commands took, from being sent to the arrival of their answer, or until they failed.",
        boundaries,
        attributes: {
          ...attributes,
          [Attributes.OPERATION_NAME]: operation,
          ...errorType === undefined ? undefined : { [Attributes.ERROR_TYPE]: errorType },
          unit: "s"
        }
      })
      const get = () => durations.state()
      this.counts.push(Metric.registerUnsafe(metric, place, { get, update: ignore, modify: ignore }))
    })
    this.showCounts()
  }

  join(source: Source, forget: () => void): Share {
    this.sources.add(source)
    if (this.gauges.length === 0) this.showGauges()
    return {
      tally: this.tally,
      leave: (isGone) => {
        this.sources.delete(source)
        if (this.sources.size > 0) return
        remove(this.gauges)
        if (!isGone) return
        remove(this.counts)
        forget()
      }
    }
  }

  private showCounts(): void {
    const { tally } = this
    const io = (direction: string) => ({ "network.io.direction": direction, unit: "By" })
    this.count("memcached.client.hits", "Keys that were read and found.", { unit: "{key}" }, () => tally.hits)
    this.count("memcached.client.misses", "Keys that were read and not found.", { unit: "{key}" }, () => tally.misses)
    this.count("memcached.client.retries", "Commands that were tried again.", {}, () => tally.retries)
    const bytes = "Bytes on the connections to the server."
    this.count("memcached.client.network.io", bytes, io("transmit"), () => tally.bytesSent)
    this.count("memcached.client.network.io", bytes, io("receive"), () => tally.bytesReceived)
    this.count("memcached.client.connections.opened", "Connections that were opened.", {}, () => tally.opened)
    const lost = "Connections that ended without the client's doing."
    this.count("memcached.client.connections.lost", lost, {}, () => tally.lost)
    this.count("memcached.client.server.deaths", "Times that the server was found dead.", {}, () => tally.deaths)
  }

  private showGauges(): void {
    const connections = "Open connections, by whether a command is in flight on them."
    const used = (source: Source) => source.connections().filter(({ inFlight }) => inFlight > 0).length
    const state = (state: string) => ({ "db.client.connection.state": state })
    this.sum(
      "memcached.client.active_operations",
      "Commands that are not settled yet.",
      {},
      (source) => source.inFlight()
    )
    this.sum("db.client.connection.count", connections, state("used"), used)
    const idle: Sum = (source) => source.connections().length - used(source)
    this.sum("db.client.connection.count", connections, state("idle"), idle)
    this.gauge("memcached.client.server.alive", "1, or 0 while the server is dead.", {}, () => {
      for (const source of this.sources) if (!source.isAlive()) return 0
      return 1
    })
  }

  private sum(name: string, description: string, more: Record<string, string>, of: Sum): void {
    this.gauge(name, description, more, () => {
      let sum = 0
      for (const source of this.sources) sum += of(source)
      return sum
    })
  }

  private gauge(name: string, description: string, more: Record<string, string>, read: () => number): void {
    const metric = Metric.gauge(name, { description, attributes: { ...this.attributes, ...more } })
    const get = () => ({ value: read() })
    this.gauges.push(Metric.registerUnsafe(metric, this.place, { get, update: ignore, modify: ignore }))
  }

  private count(name: string, description: string, more: Record<string, string>, read: () => number): void {
    const metric = Metric.counter(name, { description, incremental: true, attributes: { ...this.attributes, ...more } })
    const get = () => ({ count: read(), incremental: true })
    this.counts.push(Metric.registerUnsafe(metric, this.place, { get, update: ignore, modify: ignore }))
  }
}

const remove = (registrations: Array<Metric.Registration>): void => {
  for (const registration of registrations.splice(0)) registration.remove()
}

/** The registry never calls them: what is counted here is counted in fields. */
const ignore = () => {}
