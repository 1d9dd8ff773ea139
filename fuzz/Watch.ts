/**
 * What a thread is busy with, seen from another: a loop that never ends cannot say so itself.
 */
const HEADER = 2
const MAX_LENGTH = 65_536

/** Both ends of the shared memory: a counter, a length, and the bytes of the input that is being run. */
export class Watch {
  readonly memory: SharedArrayBuffer
  private readonly header: Int32Array
  private readonly bytes: Uint8Array

  constructor(memory = new SharedArrayBuffer(HEADER * 4 + MAX_LENGTH)) {
    this.memory = memory
    this.header = new Int32Array(memory, 0, HEADER)
    this.bytes = new Uint8Array(memory, HEADER * 4)
  }

  /** The thread that works begins with this input. */
  begin(input: Uint8Array): void {
    this.header[1] = input.length
    this.bytes.set(input)
    Atomics.add(this.header, 0, 1)
  }

  /** How many inputs were begun. */
  get count(): number {
    return Atomics.load(this.header, 0)
  }

  /** The input that was begun last. */
  get input(): Uint8Array {
    return this.bytes.slice(0, this.header[1])
  }
}
