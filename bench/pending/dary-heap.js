// Candidate of bench/pending.js: an implicit d-ary heap of typed arrays (times and slots), ties by sequence number.
export const heapOf = (ways) =>
  class DaryHeap {
    times = new Float64Array(1024)
    slots = Int32Array.from({ length: 1024 }, (_, i) => i)
    sequences = new Float64Array(1024)
    payloads = new Int32Array(1024)
    stamps = new Int32Array(1024)
    size = 0
    sequence = 0
    time = 0
    payload = 0
    stamp = 0

    peekTime() {
      return this.size === 0 ? Infinity : this.times[0]
    }

    push(payload, stamp, time) {
      if (this.size === this.times.length) this.grow()
      const { times, slots } = this
      let place = this.size++
      const slot = slots[place]
      this.payloads[slot] = payload
      this.stamps[slot] = stamp
      this.sequences[slot] = this.sequence++
      while (place > 0) {
        const above = ways === 2 ? (place - 1) >> 1 : (place - 1) >> 2
        if (times[above] <= time) break
        times[place] = times[above]
        slots[place] = slots[above]
        place = above
      }
      times[place] = time
      slots[place] = slot
    }

    pop() {
      const { times, slots, sequences } = this
      const freed = slots[0]
      this.time = times[0]
      this.payload = this.payloads[freed]
      this.stamp = this.stamps[freed]
      const last = --this.size
      const time = times[last]
      const slot = slots[last]
      let place = 0
      for (;;) {
        const first = ways * place + 1
        if (first >= last) break
        const end = Math.min(first + ways, last)
        let below = first
        let least = times[first]
        for (let child = first + 1; child < end; child++) {
          const candidate = times[child]
          if (candidate < least || (candidate === least && sequences[slots[child]] < sequences[slots[below]])) {
            below = child
            least = candidate
          }
        }
        if (least > time || (least === time && sequences[slots[below]] > sequences[slot])) break
        times[place] = least
        slots[place] = slots[below]
        place = below
      }
      times[place] = time
      slots[place] = slot
      slots[last] = freed
    }

    grow() {
      const length = 2 * this.times.length
      const grown = (old, larger) => {
        larger.set(old)
        return larger
      }
      const old = this.slots.length
      this.times = grown(this.times, new Float64Array(length))
      this.slots = grown(this.slots, new Int32Array(length))
      for (let i = old; i < length; i++) this.slots[i] = i
      this.sequences = grown(this.sequences, new Float64Array(length))
      this.payloads = grown(this.payloads, new Int32Array(length))
      this.stamps = grown(this.stamps, new Int32Array(length))
    }
  }
