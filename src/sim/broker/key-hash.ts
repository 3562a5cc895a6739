/**
 * Which partition a key belongs to, as Kafka's own producers choose it: murmur2 of the key's bytes, modulo the partitions
 * (org.apache.kafka.common.utils.Utils.murmur2, BuiltInPartitioner.partitionForKey). Our keys are numbers, written in decimal.
 */

const multiplier = 0x5bd1e995

/** MurmurHash2 (Austin Appleby), 32 bits, with Kafka's seed, of the first `length` bytes. */
export const murmur2 = (bytes: Uint8Array, length: number): number => {
  let h = 0x9747b28c ^ length
  let i = 0
  const byte = (at: number): number => bytes[at] as number
  for (; i + 4 <= length; i += 4) {
    let k = byte(i) | (byte(i + 1) << 8) | (byte(i + 2) << 16) | (byte(i + 3) << 24)
    k = Math.imul(k, multiplier)
    k ^= k >>> 24
    h = Math.imul(h, multiplier) ^ Math.imul(k, multiplier)
  }
  const rest = length - i
  if (rest === 3) h ^= byte(i + 2) << 16
  if (rest >= 2) h ^= byte(i + 1) << 8
  if (rest >= 1) h = Math.imul(h ^ byte(i), multiplier)
  h ^= h >>> 13
  h = Math.imul(h, multiplier)
  return h ^ (h >>> 15)
}

const digits = new Uint8Array(20)

/** Of a whole number ≥ 0. */
export const partitionOfKey = (key: number, partitions: number): number => {
  let length = 0
  for (let rest = key; rest > 0 || length === 0; rest = Math.floor(rest / 10)) digits[length++] = 48 + (rest % 10)
  digits.subarray(0, length).reverse()
  return (murmur2(digits, length) & 0x7fffffff) % partitions
}
