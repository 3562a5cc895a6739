/**
 * Latency histogram in the HdrHistogram layout (G. Tene): microseconds, 3 significant digits, 0…1 h. Hot: `record` is an
 * index computation and an increment of a typed array.
 *
 * The text form is HdrHistogram V2, compressed envelope, base64 (`HISTFAAA…`), which every HdrHistogram library reads. Its
 * zlib stream holds stored (uncompressed) blocks: cheap enough for one per class and second, and the same bytes whatever
 * zlib this Node was built with ("same seed, same bytes").
 */
import { inflateSync } from 'node:zlib'
import { invalidInput } from '../lib/errors.js'
import type { Latency } from './run-result.js'

/** 3 digits: 2048 sub-buckets of width 1 µs first, then 1024 more for each doubling. */
const halfCount = 1024
const highestMicros = 3_600_000_000
const slots = 23 * halfCount

const cookieV2 = 0x1c849303 | 0x10
const cookieV2Compressed = 0x1c849304 | 0x10
const headerBytes = 40

/** For 0…2³¹ − 1, without a branch. */
const indexOfInteger = (micros: number): number => {
  const bucket = 21 - Math.clz32(micros | halfCount)
  return bucket * halfCount + (micros >>> bucket)
}

/** For whatever a clock may say. */

const indexOf = (micros: number): number => {
  const whole = Math.min(highestMicros, Math.max(0, Math.floor(micros)))
  const bucket = Math.max(0, 21 - Math.clz32(whole))
  return bucket * halfCount + (whole >>> bucket)
}

const bucketOf = (index: number): number => Math.max(0, (index >> 10) - 1)

/** Lowest value in microseconds that is counted at `index`. */
const lowest = (index: number): number => {
  const bucket = bucketOf(index)
  return (index - bucket * halfCount) * (1 << bucket)
}

const highest = (index: number): number => lowest(index) + (1 << bucketOf(index)) - 1

/** A histogram in coarse bins. */
export interface Binned {
  readonly from: number
  readonly counts: Uint32Array
}

/** Bin of each slot: 64 per doubling, and below 128 µs one per microsecond. */
const binOf = Uint16Array.from({ length: slots }, (_, slot) => {
  if (slot >= halfCount) return 320 + ((slot - halfCount) >> 4)
  const doubling = Math.max(0, 25 - Math.clz32(slot))
  return doubling * 64 + (slot >>> doubling)
})

export class LatencyHistogram {
  #counts = new Uint32Array(slots)
  #from = slots
  #to = -1
  #count = 0
  #sumSeconds = 0

  get count(): number {
    return this.#count
  }

  /** Exact for what was recorded here; of what was decoded, from the middles of the buckets. 0 when empty. */
  get meanSeconds(): number {
    return this.#count === 0 ? 0 : this.#sumSeconds / this.#count
  }

  /** Below 0 counts as 0, above an hour as an hour (the mean keeps the exact value). */
  record(seconds: number): void {
    this.#count++
    this.#sumSeconds += seconds
    const micros = seconds * 1e6 + 0.5
    this.#increment(micros >= 0 && micros < 2147483648 ? indexOfInteger(micros | 0) : indexOf(micros))
  }

  #increment(index: number): void {
    this.#counts[index] = (this.#counts[index] as number) + 1
    if (index < this.#from) this.#from = index
    if (index > this.#to) this.#to = index
  }

  /** Records the first `size` of `seconds`: faster than one by one. */
  recordAll(seconds: Float64Array, size: number): void {
    if (size === 0) return
    const counts = this.#counts
    let from = this.#from
    let to = this.#to
    let sum = this.#sumSeconds
    for (let i = 0; i < size; i++) {
      const value = seconds[i] as number
      sum += value
      // Within 31 bits rounding is an addition.
      const micros = value * 1e6 + 0.5
      const index = micros >= 0 && micros < 2147483648 ? indexOfInteger(micros | 0) : indexOf(micros)
      counts[index] = (counts[index] as number) + 1
      if (index < from) from = index
      if (index > to) to = index
    }
    this.#from = from
    this.#to = to
    this.#count += size
    this.#sumSeconds = sum
  }

  add(other: LatencyHistogram): void {
    for (let i = other.#from; i <= other.#to; i++)
      this.#counts[i] = (this.#counts[i] as number) + (other.#counts[i] as number)
    this.#from = Math.min(this.#from, other.#from)
    this.#to = Math.max(this.#to, other.#to)
    this.#count += other.#count
    this.#sumSeconds += other.#sumSeconds
  }

  /** Takes away what an earlier sample of the same growing histogram held; counts never go below 0. */
  subtract(earlier: LatencyHistogram): void {
    let from = slots
    let to = -1
    let count = 0
    for (let i = this.#from; i <= this.#to; i++) {
      const left = Math.max(0, (this.#counts[i] as number) - (earlier.#counts[i] as number))
      this.#counts[i] = left
      if (left === 0) continue
      if (from === slots) from = i
      to = i
      count += left
    }
    this.#from = from
    this.#to = to
    this.#count = count
    this.#sumSeconds = count === 0 ? 0 : Math.max(0, this.#sumSeconds - earlier.#sumSeconds)
  }

  reset(): void {
    if (this.#to >= 0) this.#counts.fill(0, this.#from, this.#to + 1)
    this.#from = slots
    this.#to = -1
    this.#count = 0
    this.#sumSeconds = 0
  }

  /** The value in seconds that `quantile` (0…1) of the samples do not exceed: the upper end of its bucket. 0 when empty. */
  quantile(quantile: number): number {
    if (this.#count === 0) return 0
    const rank = Math.max(1, Math.ceil(quantile * this.#count * (1 - 1e-12)))
    let seen = 0
    for (let i = this.#from; i <= this.#to; i++) {
      seen += this.#counts[i] as number
      if (seen >= rank) return highest(i) / 1e6
    }
    return highest(this.#to) / 1e6
  }

  /** Sum of the samples in seconds: exact for what was recorded here. */
  get sumSeconds(): number {
    return this.#sumSeconds
  }

  /** In seconds², from the middles of the buckets; 0 when empty. */
  variance(): number {
    if (this.#count === 0) return 0
    const mean = this.meanSeconds
    let squares = 0
    for (let i = this.#from; i <= this.#to; i++) {
      const count = this.#counts[i] as number
      if (count > 0) squares += count * ((lowest(i) + highest(i)) / 2e6 - mean) ** 2
    }
    return squares / this.#count
  }

  /** Samples that are at most `seconds`, as far as buckets tell: those of its own bucket count. */
  countAtMost(seconds: number): number {
    const last = Math.min(this.#to, indexOf(seconds * 1e6 + 0.5))
    let seen = 0
    for (let i = this.#from; i <= last; i++) seen += this.#counts[i] as number
    return seen
  }

  /** Counts in bins of 64 per doubling of the value, from the first bin that is not empty to the last. */
  binned(): Binned {
    if (this.#to < 0) return { from: 0, counts: new Uint32Array(0) }
    const from = binOf[this.#from] as number
    const counts = new Uint32Array((binOf[this.#to] as number) - from + 1)
    const exact = this.#counts
    const to = this.#to
    for (let i = this.#from; i <= to; i++) {
      const bin = (binOf[i] as number) - from
      counts[bin] = (counts[bin] as number) + (exact[i] as number)
    }
    return { from, counts }
  }

  /** The bin that `seconds` lies in, and the share of that bin's samples that are at most as large. */
  placeInBins(seconds: number): { readonly bin: number; readonly share: number } {
    const slot = indexOf(seconds * 1e6 + 0.5)
    const bin = binOf[slot] as number
    let [below, all] = [0, 0]
    for (let i = slot; binOf[i] === bin; i--) below += this.#counts[i] as number
    for (let i = slot + 1; binOf[i] === bin; i++) all += this.#counts[i] as number
    all += below
    return { bin, share: all === 0 ? 0 : below / all }
  }

  /** Null when empty. */
  latency(): Latency | null {
    if (this.#count === 0) return null
    return {
      mean: this.meanSeconds,
      p50: this.quantile(0.5),
      p90: this.quantile(0.9),
      p95: this.quantile(0.95),
      p99: this.quantile(0.99),
      p999: this.quantile(0.999),
      max: highest(this.#to) / 1e6,
    }
  }

  encode(): string {
    const payload = scratch(headerBytes + 5 * Math.max(1, this.#to + 1))
    let at = headerBytes
    const counts = this.#counts
    const to = this.#to
    let zeros = this.#count === 0 ? 1 : this.#from
    for (let i = this.#from; i <= to; i++) {
      const count = counts[i] as number
      if (count === 0) {
        zeros++
        continue
      }
      if (zeros > 0) at = putZigZag(payload, at, zeros === 1 ? 0 : -zeros)
      zeros = 0
      at = putZigZag(payload, at, count)
    }
    if (zeros > 0) at = putZigZag(payload, at, zeros === 1 ? 0 : -zeros)
    const view = new DataView(payload.buffer, payload.byteOffset)
    view.setUint32(0, cookieV2)
    view.setUint32(4, at - headerBytes)
    view.setUint32(8, 1)
    view.setUint32(12, 3)
    view.setBigUint64(16, 1n)
    view.setBigUint64(24, BigInt(highestMicros))
    view.setBigUint64(32, 1n)
    return envelope(payload.subarray(0, at))
  }

  /** '' is empty. Throws a PlimsollError for what is no HdrHistogram V2 with our range and precision. */
  static decode(text: string): LatencyHistogram {
    const histogram = new LatencyHistogram()
    histogram.addEncoded(text)
    return histogram
  }

  /** As `add(decode(text))`, without a histogram in between. */
  addEncoded(text: string): void {
    if (text === '') return
    const payload = unwrap(text)
    let at = headerBytes
    let index = 0
    while (at < payload.length) {
      let value = payload[at++] as number
      if (value >= 128) {
        value &= 127
        let scale = 128
        for (let bytes = 2; ; bytes++) {
          const byte = payload[at++]
          if (byte === undefined) throw notAHistogram('it ends in the middle of a count')
          // LEB128-64b9B: the ninth byte carries eight bits.
          value += (bytes === 9 ? byte : byte & 0x7f) * scale
          scale *= 128
          if (byte < 128 || bytes === 9) break
        }
      }
      const count = value % 2 === 0 ? value / 2 : -(value + 1) / 2
      if (count < 0) index -= count
      else {
        if (index >= slots) throw notAHistogram('it holds values above one hour')
        this.#addAt(index++, count)
      }
    }
  }

  #addAt(index: number, count: number): void {
    if (count === 0) return
    this.#counts[index] = (this.#counts[index] as number) + count
    if (index < this.#from) this.#from = index
    if (index > this.#to) this.#to = index
    this.#count += count
    this.#sumSeconds += (count * (lowest(index) + highest(index))) / 2e6
  }
}

/** Appends a signed number in 7 bits per byte, the sign in the lowest; returns where the next one goes. */
const putZigZag = (bytes: Uint8Array, at: number, value: number): number => {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  while (rest >= 128) {
    bytes[at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  bytes[at++] = rest
  return at
}

/** The text form of a histogram without samples. */
export const emptyHistogram = (): string => new LatencyHistogram().encode()

let scratchBytes = new Uint8Array(4096)
/** Encoding is synchronous, so one growing buffer serves all histograms. */
const scratch = (bytes: number): Uint8Array<ArrayBuffer> => {
  if (scratchBytes.length < bytes) scratchBytes = new Uint8Array(bytes * 2)
  return scratchBytes
}

const largestBlock = 65535

/** Base64 of cookie, length and a zlib stream (RFC 1950) of stored blocks (RFC 1951, 3.2.4). */
const envelope = (raw: Uint8Array): string => {
  const blocks = Math.ceil(raw.length / largestBlock)
  const streamBytes = 2 + blocks * 5 + raw.length + 4
  const out = Buffer.allocUnsafe(8 + streamBytes)
  out.writeUInt32BE(cookieV2Compressed, 0)
  out.writeUInt32BE(streamBytes, 4)
  out.writeUInt16BE(0x7801, 8)
  let at = 10
  for (let from = 0; from < raw.length; from += largestBlock) {
    const block = raw.subarray(from, from + largestBlock)
    out[at] = from + block.length === raw.length ? 1 : 0
    out.writeUInt16LE(block.length, at + 1)
    out.writeUInt16LE(block.length ^ 0xffff, at + 3)
    out.set(block, at + 5)
    at += 5 + block.length
  }
  out.writeUInt32BE(adler32(raw), at)
  return out.toString('base64')
}

/** RFC 1950, 8.2. Sums of 5552 bytes stay below 2³², so the remainder can wait that long. */
const adler32 = (bytes: Uint8Array): number => {
  let a = 1
  let b = 0
  for (let from = 0; from < bytes.length; from += 5552) {
    const to = Math.min(bytes.length, from + 5552)
    for (let i = from; i < to; i++) {
      a += bytes[i] as number
      b += a
    }
    a %= 65521
    b %= 65521
  }
  return b * 65536 + a
}

const unwrap = (text: string): Uint8Array => {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length < 8) throw notAHistogram('it is too short')
  const raw = bytes.readUInt32BE(0) === cookieV2Compressed ? inflate(bytes.subarray(8)) : bytes
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
  if (raw.length < headerBytes || view.getUint32(0) !== cookieV2) throw notAHistogram('its cookie is missing')
  const digits = view.getUint32(12)
  const unit = view.getBigUint64(16)
  if (digits !== 3 || unit !== 1n) throw notAHistogram(`it has ${digits} digits and unit ${unit}`)
  return raw.subarray(0, headerBytes + view.getUint32(4))
}

const inflate = (bytes: Uint8Array): Uint8Array => {
  const stored = storedBlock(bytes)
  if (stored !== undefined) return stored
  try {
    return inflateSync(bytes)
  } catch {
    throw notAHistogram('its compressed part is damaged')
  }
}

/** What a zlib stream of a single stored block holds, such as we write: in place, without zlib. */
const storedBlock = (bytes: Uint8Array): Uint8Array | undefined => {
  const header = 2 + 5
  if (bytes.length < header + 4 || bytes[0] !== 0x78 || bytes[2] !== 1) return undefined
  const length = (bytes[3] as number) | ((bytes[4] as number) << 8)
  const complement = (bytes[5] as number) | ((bytes[6] as number) << 8)
  if ((length ^ complement) !== 0xffff || bytes.length !== header + length + 4) return undefined
  const content = bytes.subarray(header, header + length)
  const checksum = new DataView(bytes.buffer, bytes.byteOffset + header + length).getUint32(0)
  return adler32(content) === checksum ? content : undefined
}

const notAHistogram = (reason: string): Error =>
  invalidInput({
    message: `not a latency histogram: ${reason}`,
    why: 'histograms are HdrHistogram V2 in base64, in microseconds with 3 significant digits',
  })
