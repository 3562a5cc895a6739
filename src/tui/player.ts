/** A replay: where it is in the time of the run, and how fast it goes on. */

export interface Player {
  /** Seconds of the run. */
  readonly position: number
  readonly end: number
  readonly isPlaying: boolean
  /** Seconds of the run in a second. */
  readonly speed: number
}

export const slowest = 0.25
export const fastest = 1024
const jumpSeconds = 10

export const playerFor = (end: number, speed: number): Player => ({ position: 0, end, isPlaying: end > 0, speed })

/** At the end it pauses. */
export const elapse = (player: Player, seconds: number): Player => {
  if (!player.isPlaying) return player
  const position = Math.min(player.end, player.position + seconds * player.speed)
  return { ...player, position, isPlaying: position < player.end }
}

export type PlayerCommand = 'pause' | 'faster' | 'slower' | 'back' | 'forward' | 'start' | 'end'

export const command = (player: Player, what: PlayerCommand): Player => {
  const at = (position: number): Player => ({ ...player, position: Math.max(0, Math.min(player.end, position)) })
  switch (what) {
    case 'pause':
      // From the end it begins anew.
      if (!player.isPlaying && player.position >= player.end) return { ...player, position: 0, isPlaying: true }
      return { ...player, isPlaying: !player.isPlaying }
    case 'faster':
      return { ...player, speed: Math.min(fastest, player.speed * 2) }
    case 'slower':
      return { ...player, speed: Math.max(slowest, player.speed / 2) }
    case 'back':
      return at(player.position - jumpSeconds)
    case 'forward':
      return at(player.position + jumpSeconds)
    case 'start':
      return at(0)
    case 'end':
      return { ...at(player.end), isPlaying: false }
  }
}
