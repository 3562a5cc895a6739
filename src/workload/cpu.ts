/**
 * Burns CPU time (not wall time: contention stretches it, as it would real work). Hot: nothing is allocated but the
 * two numbers that process.cpuUsage returns.
 */
let sink = 1

/** Iterations between two looks at the clock: about 5 µs. A look costs about 1 µs and is itself CPU that counts. */
const chunk = 4000

const spin = (): void => {
  let x = sink
  for (let i = 0; i < chunk; i++) x = (Math.imul(x, 31) + 7) | 0
  sink = x
}

const cpuMicros = (): number => {
  const { user, system } = process.cpuUsage()
  return user + system
}

export interface Burner {
  /** Burns `seconds` of this process's CPU time and returns what was burnt. Blocks the event loop, as computing does. */
  burn(seconds: number): number
}

/** A burn ends a few microseconds late; the next one of the same burner is shorter by that, so that the mean is right. */
export const burner = (): Burner => {
  let surplusMicros = 0
  return {
    burn: (seconds) => {
      const micros = seconds * 1e6
      if (micros <= surplusMicros) {
        surplusMicros -= micros
        return 0
      }
      const began = cpuMicros()
      const end = began + micros - surplusMicros
      let now = began
      while (now < end) {
        spin()
        now = cpuMicros()
      }
      surplusMicros = Math.min(now - end, 1000)
      return (now - began) / 1e6
    },
  }
}
