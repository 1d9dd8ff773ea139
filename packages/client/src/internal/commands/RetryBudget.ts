/**
 * How many commands may be sent again: a token bucket that requests fill. When everything fails, trying again must not
 * double the load on servers that are in trouble already.
 *
 * No clock: what counts is the share of the requests, however fast they come.
 *
 * @since 0.1.0
 */

/** Retries in a row that need no requests before them. */
const BURST = 10

/** Requests that pay for one retry. Counted in whole numbers, because tenths would not add up. */
const PRICE = 10

/**
 * The budget of one client: at most a tenth of its requests and ten more.
 *
 * @category models
 * @since 0.1.0
 */
export class RetryBudget {
  private saved = BURST * PRICE

  /** So many commands are sent for the first time. */
  deposit(commands: number): void {
    this.saved = Math.min(this.saved + commands, BURST * PRICE)
  }

  /** Whether so many commands may be sent again; if so, they are paid for. */
  withdraw(commands: number): boolean {
    const price = commands * PRICE
    if (price > this.saved) return false
    this.saved -= price
    return true
  }
}
