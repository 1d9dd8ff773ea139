/**
 * The client that needs no code: its options come from the environment.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import type * as Layer from "effect/Layer"
import { Memcache } from "./Memcache.ts"
import { config } from "./MemcacheConfig.ts"
import type { OptionsError } from "./OptionsError.ts"

/**
 * A ready `Memcache` on Node's sockets. Without any configuration it speaks to `127.0.0.1:11211`; `MEMCACHE_SERVERS` and
 * the other names of `MemcacheConfig` are read through Effect's `Config`, which reads the environment by default.
 *
 * @category layers
 * @since 0.1.0
 */
export const MemcacheLayer: Layer.Layer<Memcache, OptionsError | Config.ConfigError> = Memcache.layerConfig(config)
