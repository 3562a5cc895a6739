/**
 * Burns CPU time (not wall time: contention stretches it, as it would real work). Hot: nothing is allocated but the
 * two numbers that a look at the CPU clock returns.
 */
let sink = 1

/** Iterations between two looks at the clock: about 5 µs. A look costs about 1 µs and is itself CPU that counts. */
const chunk = 4000

const spin = (): void => {
  let x = sink
  for (let i = 0; i < chunk; i++) x = (Math.imul(x, 31) + 7) | 0
  sink = x
}

/**
 * Node 20 tells the CPU time of the whole process only. Where more CPU than wall time has passed, other threads (garbage
 * collection, compilation) ran too; the kernel adds theirs in jumps, which this much tells from the clock's rounding.
 */
const jumpMicros = 20

const cpuMicros = (): number => {
  const { user, system } = process.cpuUsage()
  return user + system
}

const wallMicros = (): number => performance.now() * 1000

export interface Burner {
  /** Burns `seconds` of this thread's CPU time and returns what was burnt. Blocks the event loop, as computing does. */
  burn(seconds: number): number
}

/** A burn ends a few microseconds late; the next one of the same burner is shorter by that, so that the mean is right. */
export const burner = (): Burner => {
  let surplusMicros = 0
  return {
    burn: (seconds) => {
      const wanted = seconds * 1e6 - surplusMicros
      if (wanted <= 0) {
        surplusMicros = -wanted
        return 0
      }
      let burnt = 0
      let cpu = cpuMicros()
      let wall = wallMicros()
      while (burnt < wanted) {
        spin()
        const cpuNow = cpuMicros()
        const wallNow = wallMicros()
        const cpuPassed = cpuNow - cpu
        const wallPassed = wallNow - wall
        burnt += cpuPassed > wallPassed + jumpMicros ? wallPassed : cpuPassed
        cpu = cpuNow
        wall = wallNow
      }
      surplusMicros = burnt - wanted
      return burnt / 1e6
    },
  }
}
