import { expect, test } from 'vitest'
import { command, elapse, playerFor } from '../../src/tui/player.js'

test('a replay goes on with its speed, and pauses at the end', () => {
  const player = elapse(playerFor(30, 4), 5)
  expect(player).toEqual({ position: 20, end: 30, isPlaying: true, speed: 4 })
  expect(elapse(player, 5)).toEqual({ position: 30, end: 30, isPlaying: false, speed: 4 })
})

test('a paused one stays where it is, and from the end it begins anew', () => {
  const paused = command(elapse(playerFor(30, 1), 7), 'pause')
  expect(elapse(paused, 60).position).toBe(7)
  expect(elapse(command(paused, 'pause'), 1).position).toBe(8)
  expect(command(command(paused, 'end'), 'pause')).toMatchObject({ position: 0, isPlaying: true })
})

test('jumps stay within the run, speeds within their bounds', () => {
  const player = playerFor(30, 1)
  expect(command(player, 'back').position).toBe(0)
  expect(command(command(player, 'end'), 'forward').position).toBe(30)
  let fast = player
  for (let i = 0; i < 20; i++) fast = command(fast, 'faster')
  expect(fast.speed).toBe(1024)
  for (let i = 0; i < 20; i++) fast = command(fast, 'slower')
  expect(fast.speed).toBe(0.25)
})
