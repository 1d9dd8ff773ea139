/**
 * `stats` without a word behind it, and `stats settings`: the two long reports.
 *
 * @since 0.1.0
 */
import type { Line, Source } from "./Report.ts"
import type { ClassCounter, ServerCounter } from "./Statistics.ts"

/**
 * The general report: the names of memcached 1.6.45 with default options, in its order.
 *
 * @category reports
 * @since 0.1.0
 */
export function* general({ peers, settings, statistics, store }: Source): Generator<Line> {
  const usage = process.resourceUsage()
  const connected = peers().length
  const server = (counter: ServerCounter): Line => [counter, statistics.value(counter)]
  const summed = (counter: ClassCounter): Line => [counter, statistics.sum(counter)]
  yield ["pid", process.pid]
  yield ["uptime", store.uptime]
  yield ["time", store.toUnix(store.time)]
  yield ["version", settings.version]
  yield ["libevent", "none"]
  yield ["pointer_size", 64]
  yield ["rusage_user", (usage.userCPUTime / 1e6).toFixed(6)]
  yield ["rusage_system", (usage.systemCPUTime / 1e6).toFixed(6)]
  yield ["max_connections", settings.maxConnections]
  yield ["curr_connections", connected]
  yield server("total_connections")
  yield server("rejected_connections")
  yield ["connection_structures", connected]
  yield* atRest(
    ["response_obj_oom", "response_obj_count", "response_obj_bytes", "read_buf_count", "read_buf_bytes"],
    ["read_buf_bytes_free", "read_buf_oom", "reserved_fds"]
  )
  yield server("cmd_get")
  yield summed("cmd_set")
  yield server("cmd_flush")
  yield server("cmd_touch")
  yield server("cmd_meta")
  yield summed("get_hits")
  yield server("get_misses")
  yield ["get_expired", store.foundExpired]
  yield ["get_flushed", 0]
  yield server("delete_misses")
  yield summed("delete_hits")
  yield server("incr_misses")
  yield summed("incr_hits")
  yield server("decr_misses")
  yield summed("decr_hits")
  yield server("cas_misses")
  yield summed("cas_hits")
  yield summed("cas_badval")
  yield summed("touch_hits")
  yield server("touch_misses")
  yield server("store_too_large")
  yield server("store_no_memory")
  yield server("auth_cmds")
  yield server("auth_errors")
  yield server("bytes_read")
  yield server("bytes_written")
  yield ["limit_maxbytes", store.options.memoryLimit]
  yield ["accepting_conns", 1]
  yield* atRest(["listen_disabled_num", "time_in_listen_disabled_us"])
  yield ["threads", settings.threads]
  yield* atRest(["conn_yields", "hash_power_level", "hash_bytes", "hash_is_expanding"])
  yield* atRest(
    ["slab_reassign_rescues", "slab_reassign_chunk_rescues", "slab_reassign_inline_reclaim"],
    ["slab_reassign_busy_items", "slab_reassign_busy_deletes", "slab_reassign_busy_nomem"]
  )
  yield ["slab_reassign_last_busy_status", "none"]
  yield* atRest(
    ["slab_reassign_running", "slabs_moved", "lru_crawler_running", "lru_crawler_starts", "lru_maintainer_juggles"],
    ["malloc_fails", "log_worker_dropped", "log_worker_written", "log_watcher_skipped", "log_watcher_sent"],
    ["log_watchers", "unexpected_napi_ids", "round_robin_fallback"]
  )
  yield ["bytes", store.bytes]
  yield ["curr_items", store.count]
  yield ["total_items", store.totalItems]
  yield ["slab_global_page_pool", 0]
  yield ["expired_unfetched", store.expiredUnfetched]
  yield ["evicted_unfetched", store.evictedUnfetched]
  yield ["evicted_active", 0]
  yield ["evictions", store.evictions]
  yield ["reclaimed", store.reclaimed]
  yield* atRest(
    ["crawler_reclaimed", "crawler_items_checked", "lrutail_reflocked", "moves_to_cold", "moves_to_warm"],
    ["moves_within_lru", "direct_reclaims", "lru_bumps_dropped"]
  )
}

function* atRest(...names: ReadonlyArray<ReadonlyArray<string>>): Generator<Line> {
  for (const name of names.flat()) yield [name, 0]
}

/**
 * How the server was set up. Settings of what the embedded server does not have are left out.
 *
 * @category reports
 * @since 0.1.0
 */
export function* settings({ settings, statistics, store }: Source): Generator<Line> {
  const { hasCas, isEvicting, maxItemSize, memoryLimit } = store.options
  yield ["maxbytes", memoryLimit]
  yield ["maxconns", settings.maxConnections]
  yield ["tcpport", settings.port]
  yield ["udpport", 0]
  yield ["inter", settings.host ?? "NULL"]
  yield ["verbosity", settings.verbosity]
  yield ["oldest", 0]
  yield ["evictions", isEvicting ? "on" : "off"]
  yield ["domain_socket", settings.path ?? "NULL"]
  yield ["umask", "700"]
  yield ["shutdown_command", yesNo(settings.isShutdownAllowed)]
  yield ["growth_factor", "1.25"]
  yield ["chunk_size", 48]
  yield ["num_threads", settings.threads]
  yield ["num_threads_per_udp", settings.threads]
  yield ["stat_key_prefix", ":"]
  yield ["detail_enabled", yesNo(statistics.isDetailed)]
  yield ["reqs_per_event", 20]
  yield ["cas_enabled", yesNo(hasCas)]
  yield ["tcp_backlog", 511]
  yield ["binding_protocol", "ascii"]
  yield ["auth_enabled_sasl", "no"]
  yield ["auth_enabled_ascii", yesNo(settings.isAuthenticating)]
  yield ["item_size_max", maxItemSize]
  yield ["maxconns_fast", "yes"]
  yield ["flush_enabled", yesNo(settings.isFlushAllowed)]
  yield ["dump_enabled", "yes"]
  yield ["lru_crawler", "no"]
  yield ["lru_maintainer_thread", "no"]
  yield ["lru_segmented", "no"]
  yield ["idle_timeout", 0]
  yield ["track_sizes", "no"]
  yield ["inline_ascii_response", "no"]
  yield ["ssl_enabled", yesNo(settings.isEncrypted)]
  yield ["client_flags_size", 4]
}

const yesNo = (isOn: boolean): string => isOn ? "yes" : "no"
