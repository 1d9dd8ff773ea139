/**
 * memjs: Java's string hash in 32 signed bits, without its sign, modulo the number of servers; then the next in the list.
 *
 * @since 0.1.0
 */
import type { Key } from "@effect-memcache/protocol/Key"
import type { HashInput } from "../../Key.ts"
import type { Placement } from "./Placement.ts"
import { inOrder } from "./Placement.ts"
import { integerOf, textOf } from "./Routing.ts"

/**
 * Places keys on so many servers as memjs does, which knows no weights. A numeric hash stands for the string's.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (count: number): Placement => {
  const locate = (key: Key, hash: HashInput | undefined): number =>
    count === 0 ? -1 : Math.abs(hashOf(key, hash)) % count
  return inOrder(locate, function*(key, hash) {
    const home = locate(key, hash)
    for (let i = 0; i < count; i++) yield (home + i) % count
  })
}

const hashOf = (key: Key, hash: HashInput | undefined): number => {
  if (typeof hash === "number" || typeof hash === "bigint") return Number(BigInt.asIntN(32, integerOf(hash)))
  const text = textOf(key, hash)
  let sum = 0
  for (let i = 0; i < text.length; i++) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) | 0
  return sum
}
