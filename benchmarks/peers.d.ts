/**
 * As much of the peers' interfaces as is used here. The packages are installed by the benchmark itself, so that types
 * must be known without them.
 */
declare module "memcached" {
  type Callback<A> = (error: unknown, result: A) => void

  export default class Memcached {
    constructor(servers: ReadonlyArray<string>, options?: { readonly idle?: number; readonly maxValue?: number })
    get(key: string, callback: Callback<string | undefined>): void
    getMulti(keys: ReadonlyArray<string>, callback: Callback<Record<string, string>>): void
    set(key: string, value: string, lifetime: number, callback: Callback<boolean>): void
    incr(key: string, amount: number, callback: Callback<number | false>): void
    end(): void
  }
}

declare module "memjs" {
  export class Client {
    static create(servers: string, options?: { readonly timeout?: number; readonly logger?: object }): Client
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
        }
        readonly lifetime?: number
        readonly cmdTimeout?: number
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
    disconnect(): Promise<void>
  }
}
