/**
 * Runs the user's `onWriteFailure` beside the commands whose failures it hears of: no caller waits for it, and no
 * failure of it reaches one.
 *
 * It is not run before the caller gets the error, because a hook that waits for a queue or a database would take the
 * caller's deadline with it, and an interrupted caller could not leave. What is bounded instead is how much of it runs
 * at once and how much waits; and a layer that is closed lets what was noted end first.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import type { WriteFailure } from "../../WriteFailure.ts"

/**
 * What a user wants to do about a write that failed.
 *
 * @category models
 * @since 0.1.0
 */
export type OnWriteFailure = (failure: WriteFailure) => Effect.Effect<unknown, unknown>

/** Hooks at once. */
const MAX_RUNNING = 64

/** Failures that wait: what may be in flight to a server that dies. */
const MAX_WAITING = 131_072

/** How long closing the layer waits for hooks. */
const PATIENCE = Duration.seconds(1)

/** Set in the hooks themselves: their own writes must not call them again, for ever. */
const IsHook = Context.Reference<boolean>("@effect-memcache/client/WriteFailureHook/IsHook", {
  defaultValue: () => false
})

/**
 * The hook of one client. `note` it does not wait.
 *
 * @category models
 * @since 0.1.0
 */
export class WriteFailureHook {
  /** A hook that lives as long as the scope. Closing it waits up to a second for what was noted. */
  static readonly make = Effect.fnUntraced(function*(
    onWriteFailure: OnWriteFailure
  ): Effect.fn.Return<WriteFailureHook, never, Scope.Scope> {
    const context = Context.add(yield* Effect.context<never>(), IsHook, true)
    const hook = new WriteFailureHook(onWriteFailure, Effect.runForkWith(context))
    yield* Effect.addFinalizer(() => hook.close)
    return hook
  })

  private readonly onWriteFailure: OnWriteFailure
  private readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  private waiting: Array<WriteFailure> = []
  private taken = 0
  private readonly workers = new Set<Fiber.Fiber<void>>()
  private dropped = 0
  private isClosed = false
  private idle: Deferred.Deferred<void> | undefined = undefined

  private constructor(onWriteFailure: OnWriteFailure, fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>) {
    this.onWriteFailure = onWriteFailure
    this.fork = fork
  }

  /** Runs the hook soon, unless the fiber that asks is a hook itself. */
  note(failures: ReadonlyArray<WriteFailure>): Effect.Effect<void> {
    return failures.length === 0 ? Effect.void : Effect.withFiber((fiber) => {
      if (fiber.getRef(IsHook)) return Effect.void
      for (const failure of failures) this.add(failure)
      return Effect.void
    })
  }

  private add(failure: WriteFailure): void {
    if (this.isClosed) return
    if (this.waiting.length - this.taken >= MAX_WAITING) {
      if (++this.dropped === 1) {
        this.fork(report("onWriteFailure cannot keep up: write failures are dropped until it has caught up"))
      }
      return
    }
    this.waiting.push(failure)
    if (this.workers.size < MAX_RUNNING) this.start()
  }

  private start(): void {
    const worker = this.fork(this.work)
    this.workers.add(worker)
    worker.addObserver(() => this.onWorkerDone(worker))
  }

  private take(): WriteFailure | undefined {
    // What is taken is let go now and then, also when the list is never empty.
    const left = this.waiting.length - this.taken
    if (left === 0 || (this.taken >= 1024 && this.taken >= left)) {
      this.waiting = this.waiting.slice(this.taken)
      this.taken = 0
    }
    return left === 0 ? undefined : this.waiting[this.taken++]
  }

  // It begins with a pause, since it is started where a caller waits for its error.
  private readonly work: Effect.Effect<void> = Effect.gen({ self: this }, function*() {
    yield* Effect.yieldNow
    for (let failure = this.take(); failure !== undefined; failure = this.take()) {
      const noted = failure
      yield* Effect.suspend(() => this.onWriteFailure(noted)).pipe(
        Effect.catchCause((cause) =>
          Cause.hasInterruptsOnly(cause) ? Effect.void : report("onWriteFailure failed", cause)
        )
      )
    }
  })

  private onWorkerDone(worker: Fiber.Fiber<void>): void {
    this.workers.delete(worker)
    // Noted when the worker had found nothing more to do and had not ended yet.
    if (this.taken < this.waiting.length) return this.start()
    if (this.workers.size > 0) return
    const { dropped } = this
    this.dropped = 0
    if (dropped > 0) this.fork(report(`onWriteFailure has caught up: ${dropped} write failures were dropped`))
    if (this.idle !== undefined) Deferred.doneUnsafe(this.idle, Effect.void)
  }

  private get close(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      // Callers whose commands failed because the layer closes run first.
      yield* Effect.yieldNow
      this.isClosed = true
      if (this.workers.size === 0) return
      const idle = Deferred.makeUnsafe<void>()
      this.idle = idle
      yield* Effect.interruptible(Effect.timeoutOption(Deferred.await(idle), PATIENCE))
      const lost = this.workers.size + this.waiting.length - this.taken
      if (this.workers.size === 0) return
      this.waiting = []
      this.taken = 0
      yield* Fiber.interruptAll(this.workers)
      yield* report(`onWriteFailure did not end when the layer closed: ${lost} write failures were dropped`)
    })
  }
}

const report = (message: string, cause?: Cause.Cause<unknown>): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const level = fiber.getRef(References.UnhandledLogLevel)
    if (level === undefined) return Effect.void
    return cause === undefined ? Effect.logWithLevel(level)(message) : Effect.logWithLevel(level)(message, cause)
  })
