/**
 * A memcached client for Effect.
 *
 * `Memcache` is the service and `MemcacheLayer` a layer for it that is configured by the environment.
 *
 * @since 0.1.0
 */
export { isMemcacheError, MemcacheError } from "@effect-memcache/transport/MemcacheError"
export { ArgumentError } from "./ArgumentError.ts"
export * as Distribution from "./Distribution.ts"
export type { CounterOptions } from "./internal/commands/Counter.ts"
export type { Item } from "./internal/commands/Retrieval.ts"
export type { StoreOptions, Swap } from "./internal/commands/Storage.ts"
export * as Key from "./Key.ts"
export { KeyCharacterError, KeyEncodingError, KeyError, KeyLengthError } from "./KeyError.ts"
export * as LargeValues from "./LargeValues.ts"
export { Memcache } from "./Memcache.ts"
export type { MemcacheMethods } from "./Memcache.ts"
export * as MemcacheConfig from "./MemcacheConfig.ts"
export { MemcacheLayer } from "./MemcacheLayer.ts"
export type { MemcacheOptions } from "./MemcacheOptions.ts"
export * as MemcacheStore from "./MemcacheStore.ts"
export * as Namespace from "./Namespace.ts"
export { OptionsError } from "./OptionsError.ts"
export * as Profile from "./Profile.ts"
export type { GetOrSetOptions, Lookup, ReadThroughCounts, ValueCodec } from "./ReadThrough.ts"
export type { ServerEvent, ServerState } from "./ServerState.ts"
export * as StandardTranscoder from "./StandardTranscoder.ts"
export { StoreConflictError, StoreDecodeError, StoreEncodeError } from "./StoreError.ts"
export type { TelemetryOptions } from "./Telemetry.ts"
export type { TimeToLive } from "./TimeToLive.ts"
export * as Transcoder from "./Transcoder.ts"
export type { WriteFailure } from "./WriteFailure.ts"
