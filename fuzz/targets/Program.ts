/**
 * A random program out of bytes: every choice that a target has to make is the next byte, and 0 when none is left.
 *
 * So a program can be cut anywhere and stays one, and leaving out bytes leaves out steps.
 */
export class Program {
  private at = 0
  private readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get isOver(): boolean {
    return this.at >= this.bytes.length
  }

  /** 0 to 255. */
  next(): number {
    return this.bytes[this.at++] ?? 0
  }

  /** 0 to `n - 1`, for `n` up to 256. */
  below(n: number): number {
    return this.next() % n
  }
}
