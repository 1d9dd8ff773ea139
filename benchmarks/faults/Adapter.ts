/**
 * As much of a client as the faults need: a key is read, a key is written, the client is closed. Each peer is driven
 * through it with the options that its own documentation names.
 */

export interface Adapter {
  /** `undefined` for a miss. `signal` is only given where `canCancel` says so. */
  readonly get: (key: string, signal?: AbortSignal) => Promise<string | undefined>
  /** Whether it was stored. */
  readonly set: (key: string, value: string) => Promise<boolean>
  readonly close: () => Promise<void> | void
  readonly canCancel: boolean
}

/** `timeout` in milliseconds is for everything that the client can limit. */
export type MakeAdapter = (address: string, timeout: number) => Promise<Adapter> | Adapter
