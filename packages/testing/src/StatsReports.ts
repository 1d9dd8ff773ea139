/**
 * The statistics reports, line by line, under the names and in the order of memcached 1.6.45.
 *
 * What the embedded server has, it counts; what it has not (slab rebalancing, the crawler, the logger), it reports at
 * rest, because tools look for the names.
 *
 * @since 0.1.0
 */
import type { StatsReport } from "@effect-memcache/protocol/Command"
import * as GeneralStats from "./GeneralStats.ts"
import type { Item } from "./ItemStore.ts"
import type { Line, Source } from "./Report.ts"
import * as SlabClass from "./SlabClass.ts"
import type { ClassCounter } from "./Statistics.ts"
import { slabClass } from "./Storing.ts"

/**
 * The lines of a report; `undefined` for reports that have none and are answered in another way (`reset`, `detail on`).
 *
 * @category reports
 * @since 0.1.0
 */
export const lines = (source: Source, report: StatsReport | undefined): Iterable<Line> => {
  switch (report) {
    case undefined:
      return GeneralStats.general(source)
    case "settings":
      return GeneralStats.settings(source)
    case "items":
      return items(source)
    case "slabs":
      return slabs(source)
    case "sizes":
      return [["sizes_status", "disabled"]]
    case "conns":
      return conns(source)
    case "detail dump":
      return detail(source)
    default:
      return report.startsWith("cachedump ") ? cachedump(source, report) : []
  }
}

const byClass = ({ store }: Source): ReadonlyArray<readonly [slabClass: number, items: ReadonlyArray<Item>]> => {
  const classes = new Map<number, Array<Item>>()
  for (const item of store.entries()) {
    const id = slabClass(store, item)
    const found = classes.get(id)
    if (found === undefined) classes.set(id, [item])
    else found.push(item)
  }
  return [...classes].sort(([a], [b]) => a - b)
}

const ITEMS_AT_REST = [
  "evicted",
  "evicted_nonzero",
  "evicted_time",
  "outofmemory",
  "tailrepairs",
  "reclaimed",
  "expired_unfetched",
  "evicted_unfetched",
  "evicted_active",
  "crawler_reclaimed",
  "crawler_items_checked",
  "lrutail_reflocked",
  "moves_to_cold",
  "moves_to_warm",
  "moves_within_lru",
  "direct_reclaims",
  "hits_to_hot",
  "hits_to_warm"
] as const

// There is one list of items here, which is what the real server calls its cold one.
function* items(source: Source): Generator<Line> {
  const { statistics, store } = source
  for (const [id, members] of byClass(source)) {
    const prefix = `items:${id}:`
    yield [`${prefix}number`, members.length]
    yield [`${prefix}number_hot`, 0]
    yield [`${prefix}number_warm`, 0]
    yield [`${prefix}number_cold`, members.length]
    yield [`${prefix}age_hot`, 0]
    yield [`${prefix}age_warm`, 0]
    yield [`${prefix}age`, store.time - members[0].lastAccess]
    yield [`${prefix}mem_requested`, members.reduce((sum, item) => sum + store.size(item), 0)]
    for (const name of ITEMS_AT_REST) yield [`${prefix}${name}`, 0]
    yield [`${prefix}hits_to_cold`, statistics.valueIn(id, "get_hits")]
    yield [`${prefix}hits_to_temp`, 0]
  }
}

const SLAB_COUNTERS: ReadonlyArray<ClassCounter> = [
  "get_hits",
  "cmd_set",
  "delete_hits",
  "incr_hits",
  "decr_hits",
  "cas_hits",
  "cas_badval",
  "touch_hits"
]

function* slabs(source: Source): Generator<Line> {
  const classes = byClass(source)
  let pagesInAll = 0
  for (const [id, members] of classes) {
    const perPage = Math.floor(SlabClass.PAGE_SIZE / SlabClass.chunkSize(id))
    const pages = Math.ceil(members.length / perPage)
    pagesInAll += pages
    yield [`${id}:chunk_size`, SlabClass.chunkSize(id)]
    yield [`${id}:chunks_per_page`, perPage]
    yield [`${id}:total_pages`, pages]
    yield [`${id}:total_chunks`, pages * perPage]
    yield [`${id}:used_chunks`, members.length]
    yield [`${id}:free_chunks`, pages * perPage - members.length]
    yield [`${id}:free_chunks_end`, 0]
    for (const counter of SLAB_COUNTERS) yield [`${id}:${counter}`, source.statistics.valueIn(id, counter)]
  }
  yield ["active_slabs", classes.length]
  yield ["total_malloced", pagesInAll * SlabClass.PAGE_SIZE]
}

function* conns({ peers, store }: Source): Generator<Line> {
  let id = 0
  for (const peer of peers()) {
    yield [`${id}:addr`, peer.address]
    yield [`${id}:listen_addr`, peer.listenAddress]
    yield [`${id}:state`, "conn_parse_cmd"]
    yield [`${id}:secs_since_last_cmd`, store.time - peer.lastCommand]
    id++
  }
}

function* detail({ statistics }: Source): Generator<Line> {
  for (const [prefix, { del, get, hit, set }] of statistics.detail) {
    yield [prefix, `get ${get} hit ${hit} set ${set} del ${del}`]
  }
}

// The most recently used first. Keys that are base64 may hold line ends, so the real server leaves them out too.
function* cachedump(source: Source, report: string): Generator<Line> {
  const [, id, limit] = report.split(" ").map(Number)
  const members = Array.from(source.store.entries())
    .filter((item) => !item.isBase64 && slabClass(source.store, item) === id)
    .toReversed()
  for (const item of limit === 0 ? members : members.slice(0, limit)) {
    const expires = item.exptime === 0 ? 0 : source.store.toUnix(item.exptime)
    yield [item.key, `[${item.value.length} b; ${expires} s]`]
  }
}
