/**
 * As much of the peers' interfaces as is used here. The packages are installed by the benchmark itself, so that types
 * must be known without them.
 */
declare module "memcached" {
  type Callback<A> = (error: unknown, result: A) => void

  export default class Memcached {
    constructor(
      servers: ReadonlyArray<string>,
      options?: {
        readonly idle?: number
        readonly maxValue?: number
        readonly timeout?: number
        readonly retries?: number
        readonly minTimeout?: number
        readonly maxTimeout?: number
        readonly retry?: number
        readonly reconnect?: number
      }
    )
    get(key: string, callback: Callback<string | undefined>): void
    getMulti(keys: ReadonlyArray<string>, callback: Callback<Record<string, string>>): void
    set(key: string, value: string, lifetime: number, callback: Callback<boolean>): void
    incr(key: string, amount: number, callback: Callback<number | false>): void
    end(): void
  }
}

declare module "memjs" {
  export class Client {
    static create(
      servers: string,
      options?: {
        readonly timeout?: number
        readonly conntimeout?: number
        readonly retries?: number
        readonly logger?: object
      }
    ): Client
    get(key: string): Promise<{ readonly value: Buffer | null }>
    set(key: string, value: string, options: { readonly expires?: number }): Promise<boolean>
    increment(key: string, amount: number, options: object): Promise<{ readonly value: number }>
    close(): void
  }
}

declare module "memcache-client" {
  export class MemcacheClient {
    constructor(
      options: {
        readonly server: {
          readonly servers: ReadonlyArray<{ readonly server: string; readonly maxConnections: number }>
          readonly config?: {
            readonly retryFailedServerInterval: number
            readonly failedServerOutTime: number
            readonly keepLastServer: boolean
          }
        }
        readonly lifetime?: number
        readonly cmdTimeout?: number
        readonly connectTimeout?: number
        readonly noDelay?: boolean
      }
    )
    get(key: string): Promise<{ readonly value: string } | undefined>
    get(keys: ReadonlyArray<string>): Promise<Record<string, { readonly value: string }>>
    set(key: string, value: string): Promise<ReadonlyArray<string>>
    incr(key: string, amount: number): Promise<string>
    shutdown(): void
  }
}

declare module "memcache" {
  export class Memcache {
    constructor(options: { readonly nodes: ReadonlyArray<string>; readonly timeout?: number })
    get(key: string): Promise<string | undefined>
    gets(keys: ReadonlyArray<string>): Promise<Map<string, string>>
    set(key: string, value: string): Promise<boolean>
    incr(key: string, amount: number): Promise<number | undefined>
    on(event: string, listener: () => void): void
    disconnect(): Promise<void>
  }
}

declare module "memcache-plus" {
  export default class MemcachePlus {
    constructor(options: {
      readonly hosts: ReadonlyArray<string>
      readonly netTimeout?: number
      readonly backoffLimit?: number
      readonly onNetError?: (error: Error) => void
    })
    get(key: string): Promise<string | null>
    set(key: string, value: string): Promise<void>
    disconnect(): Promise<void>
  }
}
