/** CPU time of an instance over all of its lives: a counter that never falls. */
import type { Machine } from '../../../contract/machine.js'

export class CpuAccount {
  #roots: readonly number[] = []
  /** Of lives that are over. */
  #past = 0
  /** Of this life, as last read. */
  #current = 0
  #memoryBytes = 0

  constructor(private readonly machine: Machine) {}

  began(roots: readonly number[]): void {
    this.#roots = roots
  }

  /** Reads the kernel's figures once more, while they are still there. */
  ending(): void {
    this.read()
  }

  ended(): void {
    this.#past += this.#current
    this.#current = 0
    this.#memoryBytes = 0
    this.#roots = []
  }

  /**
   * Living processes count with all of their threads and with the children that they have waited for, so a PostgreSQL
   * backend that has ended is counted with its postmaster. Shared pages count once.
   */
  read(): { readonly cpuSeconds: number; readonly memoryBytes: number } {
    if (this.#roots.length > 0) {
      const processes = [...this.machine.descendants(this.#roots).values()].flat()
      const cpu = processes.reduce((sum, one) => sum + one.cpuSeconds + one.childrenCpuSeconds, 0)
      // A child that died unwaited takes its time with it; the counter then stands still rather than fall.
      this.#current = Math.max(this.#current, cpu)
      const memory = processes.map(({ pid }) => this.machine.memory(pid))
      this.#memoryBytes =
        memory.reduce((sum, { residentBytes, sharedBytes }) => sum + residentBytes - sharedBytes, 0) +
        Math.max(0, ...memory.map(({ sharedBytes }) => sharedBytes))
    }
    return { cpuSeconds: this.#past + this.#current, memoryBytes: this.#memoryBytes }
  }
}
