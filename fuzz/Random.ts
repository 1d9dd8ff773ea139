/**
 * Numbers that look random and come again with the same seed, so that a run can be repeated. `Math.random` cannot.
 *
 * The generator is Chris Doty-Humphrey's sfc32: 128 bits of state, a few additions and shifts for each number.
 */
export class Random {
  private a: number
  private b: number
  private c = 0x9e3779b9
  private counter = 1

  constructor(seed: number, name = "") {
    this.a = seed | 0
    this.b = hash(name) | 0
    for (let i = 0; i < 16; i++) this.next()
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    const sum = (this.a + this.b + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** 0 to `n - 1`. */
  below(n: number): number {
    return Math.floor(this.next() / 4_294_967_296 * n)
  }
}

/** FNV-1a of a text. */
const hash = (text: string): number => {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}
