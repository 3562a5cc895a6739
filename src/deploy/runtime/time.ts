export const sleep = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

/** False: `seconds` passed and it still did not hold. */
export const until = async (
  holds: () => boolean | Promise<boolean>,
  seconds: number,
  everySeconds = 0.02,
): Promise<boolean> => {
  const deadline = performance.now() + seconds * 1000
  for (;;) {
    if (await holds()) return true
    if (performance.now() >= deadline) return false
    await sleep(everySeconds)
  }
}
