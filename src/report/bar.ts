/** How far something is: `██████░░░░░░  50 %`. */
export const bar = (share: number, width: number): string => {
  const done = Math.max(0, Math.min(1, share))
  const full = Math.round(done * width)
  return `${'█'.repeat(full)}${'░'.repeat(width - full)} ${String(Math.floor(done * 100)).padStart(3)} %`
}
