import { defineConfig } from 'vitest/config'

/** `unit` needs Node alone; `live` starts real servers from Debian; `tty` drives the CLI in tmux. */
const project = (name: string, include: string[], extra: Record<string, unknown> = {}) => ({
  test: { name, include, globalSetup: ['test/support/build.ts'], ...extra },
})

export default defineConfig({
  test: {
    projects: [
      project('unit', ['test/**/*.test.ts'], {
        exclude: ['test/live/**', 'test/tty/**', 'test/full/**'],
        testTimeout: 30_000,
      }),
      // Real stacks share two cores with the load generator: one file at a time, or they measure each other.
      project('live', ['test/live/**/*.test.ts'], {
        testTimeout: 180_000,
        hookTimeout: 120_000,
        fileParallelism: false,
      }),
      project('tty', ['test/tty/**/*.test.ts'], { testTimeout: 120_000, hookTimeout: 60_000, fileParallelism: false }),
      project('full', ['test/full/**/*.test.ts'], {
        testTimeout: 300_000,
        hookTimeout: 300_000,
        fileParallelism: false,
      }),
    ],
  },
})
