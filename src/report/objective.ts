/** `p95`, `hit p95`, `completion p95`: as an objective is written in the file. */
export const objectiveName = (path: string): string =>
  path
    .split('.')
    .filter((part) => part !== 'latency' && part !== 'outcomes')
    .join(' ')
