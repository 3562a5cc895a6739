/**
 * What the engine is measured against: an M/M/1 queue as one would write it by hand for speed, and nothing else. Two times (next
 * arrival, next departure), a ring of arrival times in a typed array, sfc32 inlined, exponentials by Math.log, the sum of the
 * responses and an HDR-like histogram of them. It knows no steps, no timeouts, no statistics per second, no second component.
 */
const ringSize = 1 << 16

/** Plays `requests` of them; rates per second. Returns the mean response in seconds, and the histogram (so that none is optimized away). */
export const bareLoop = (requests, arrivalsPerSecond, servedPerSecond) => {
  const ring = new Float64Array(ringSize)
  const histogram = new Uint32Array(23 * 1024)
  const meanGap = 1 / arrivalsPerSecond
  const meanService = 1 / servedPerSecond
  let a = 0x9e3779b9
  let b = 0x243f6a88
  let c = 0xb7e15162
  let d = 1
  let t = 0
  let head = 0
  let tail = 0
  let sum = 0
  let served = 0
  let nextArrival = 0
  let nextDeparture = Number.POSITIVE_INFINITY
  while (served < requests) {
    if (nextArrival < nextDeparture) {
      const now = nextArrival
      if (tail - head === ringSize) throw new Error('bare loop: the queue outgrew its ring')
      ring[tail & (ringSize - 1)] = now
      tail++
      t = (((a + b) | 0) + d) | 0
      d = (d + 1) | 0
      a = b ^ (b >>> 9)
      b = (c + (c << 3)) | 0
      c = (((c << 21) | (c >>> 11)) + t) | 0
      nextArrival = now - meanGap * Math.log(((t >>> 0) + 1) / 4294967296)
      if (tail - head !== 1) continue
      t = (((a + b) | 0) + d) | 0
      d = (d + 1) | 0
      a = b ^ (b >>> 9)
      b = (c + (c << 3)) | 0
      c = (((c << 21) | (c >>> 11)) + t) | 0
      nextDeparture = now - meanService * Math.log(((t >>> 0) + 1) / 4294967296)
    } else {
      const now = nextDeparture
      const response = now - ring[head & (ringSize - 1)]
      head++
      served++
      sum += response
      const micros = (response * 1e6 + 0.5) >>> 0
      const zeros = Math.clz32(micros)
      const bucket = zeros < 21 ? 21 - zeros : 0
      histogram[bucket * 1024 + (micros >>> bucket)]++
      if (tail === head) nextDeparture = Number.POSITIVE_INFINITY
      else {
        t = (((a + b) | 0) + d) | 0
        d = (d + 1) | 0
        a = b ^ (b >>> 9)
        b = (c + (c << 3)) | 0
        c = (((c << 21) | (c >>> 11)) + t) | 0
        nextDeparture = now - meanService * Math.log(((t >>> 0) + 1) / 4294967296)
      }
    }
  }
  return { meanSeconds: sum / served, histogram }
}
