// Candidate of bench/pending.js: a calendar queue (R. Brown, CACM 31(10), 1988). Days are sorted lists; their number follows
// the number of entries, their width the gaps between the next ones.
export class CalendarQueue {
  times = new Float64Array(1024)
  payloads = new Int32Array(1024)
  stamps = new Int32Array(1024)
  next = Int32Array.from({ length: 1024 }, (_, i) => (i + 1 < 1024 ? i + 1 : -1))
  free = 0
  heads = new Int32Array(2).fill(-1)
  tails = new Int32Array(2).fill(-1)
  mask = 1
  width = 1
  /** The day in hand, counted from time 0. */
  day = 0
  size = 0
  time = 0
  payload = 0
  stamp = 0
  /** The entry that peekTime found. */
  found = -1

  push(payload, stamp, time) {
    if (this.free < 0) this.grow()
    const entry = this.free
    this.free = this.next[entry]
    this.times[entry] = time
    this.payloads[entry] = payload
    this.stamps[entry] = stamp
    this.size++
    this.file(entry, time)
    if (this.found >= 0 && time < this.times[this.found]) this.found = -1
    if (this.size > 2 * (this.mask + 1)) this.resize(2 * (this.mask + 1))
  }

  file(entry, time) {
    const { next, times } = this
    const day = Math.floor(time / this.width)
    if (day < this.day) this.day = day
    const bucket = day & this.mask
    const tail = this.tails[bucket]
    if (tail < 0) {
      this.heads[bucket] = entry
      this.tails[bucket] = entry
      next[entry] = -1
    } else if (times[tail] <= time) {
      next[tail] = entry
      next[entry] = -1
      this.tails[bucket] = entry
    } else {
      let before = -1
      let after = this.heads[bucket]
      while (times[after] <= time) {
        before = after
        after = next[after]
      }
      next[entry] = after
      if (before < 0) this.heads[bucket] = entry
      else next[before] = entry
    }
  }

  find() {
    const { heads, times, width, mask } = this
    let day = this.day
    for (let tried = 0; tried <= mask; tried++, day++) {
      const head = heads[day & mask]
      if (head >= 0 && Math.floor(times[head] / width) === day) {
        this.day = day
        this.found = head
        return
      }
    }
    // Nothing within a year: the earliest of all.
    let least = Infinity
    for (let bucket = 0; bucket <= mask; bucket++) {
      const head = heads[bucket]
      if (head >= 0 && times[head] < least) {
        least = times[head]
        this.found = head
      }
    }
    this.day = Math.floor(least / width)
  }

  peekTime() {
    if (this.size === 0) return Infinity
    if (this.found < 0) this.find()
    return this.times[this.found]
  }

  pop() {
    if (this.found < 0) this.find()
    const entry = this.found
    this.found = -1
    this.time = this.times[entry]
    this.payload = this.payloads[entry]
    this.stamp = this.stamps[entry]
    const bucket = this.day & this.mask
    this.heads[bucket] = this.next[entry]
    if (this.heads[bucket] < 0) this.tails[bucket] = -1
    this.next[entry] = this.free
    this.free = entry
    this.size--
    if (this.mask > 1 && this.size < (this.mask + 1) / 2) this.resize((this.mask + 1) / 2)
  }

  resize(buckets) {
    const { heads, next, times } = this
    // Three times the mean gap between the next entries, without the outliers (Brown's rule), from a sample of 25 times.
    const sample = []
    for (let bucket = 0; bucket <= this.mask && sample.length < 4096; bucket++)
      for (let entry = heads[bucket]; entry >= 0 && sample.length < 4096; entry = next[entry]) sample.push(times[entry])
    sample.sort((a, b) => a - b)
    // Gaps within a sample are wider than those of all.
    const share = sample.length / this.size
    const gaps = sample.slice(1, 26).map((time, i) => (time - sample[i]) * share)
    const mean = gaps.reduce((a, b) => a + b, 0) / gaps.length
    const small = gaps.filter((gap) => gap <= 2 * mean)
    const gap = small.reduce((a, b) => a + b, 0) / small.length
    const width = gap > 0 ? 3 * gap : this.width
    this.heads = new Int32Array(buckets).fill(-1)
    this.tails = new Int32Array(buckets).fill(-1)
    this.mask = buckets - 1
    this.width = width
    this.day = Math.floor((sample[0] ?? 0) / width)
    this.found = -1
    for (const head of heads)
      for (let entry = head; entry >= 0; ) {
        const after = next[entry]
        this.file(entry, times[entry])
        entry = after
      }
  }

  grow() {
    const old = this.times.length
    const length = 2 * old
    const grown = (array, larger) => {
      larger.set(array)
      return larger
    }
    this.times = grown(this.times, new Float64Array(length))
    this.payloads = grown(this.payloads, new Int32Array(length))
    this.stamps = grown(this.stamps, new Int32Array(length))
    this.next = grown(this.next, new Int32Array(length))
    for (let i = old; i < length; i++) this.next[i] = i + 1 < length ? i + 1 : -1
    this.free = old
  }
}
