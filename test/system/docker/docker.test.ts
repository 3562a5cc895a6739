import { expect, test } from 'vitest'
import { hierarchyOf, unifiedOf } from '../../../src/system/docker/cgroup.js'
import { demultiplex, unixTime } from '../../../src/system/docker/log.js'

const piece = (text: string): Buffer => {
  const header = Buffer.alloc(8)
  header.writeUInt8(2, 0)
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

test('a log loses the headers of its pieces, wherever the stream is cut', () => {
  const whole = Buffer.concat([piece('one\n'), piece('zwölf\n')])
  for (let cut = 0; cut <= whole.length; cut++) {
    const first = demultiplex(whole.subarray(0, cut))
    const second = demultiplex(Buffer.concat([first.rest, whole.subarray(cut)]))
    expect(Buffer.concat([first.payload, second.payload]).toString()).toBe('one\nzwölf\n')
    expect(second.rest).toHaveLength(0)
  }
})

test('a time is told to the engine to the nanosecond', () => {
  expect(unixTime('2026-11-30T20:19:30.123456789Z')).toBe('1796069970.123456789')
  expect(unixTime('2026-11-30T20:19:30.5Z')).toBe('1796069970.500000000')
  expect(unixTime('2026-11-30T20:19:30Z')).toBe('1796069970.000000000')
})

test('control groups of version 1, also where two controllers share a mount', () => {
  const groups = '11:memory:/docker/ab\n4:cpu,cpuacct:/docker/ab\n1:name=systemd:/docker/ab\n0::/\n'
  const mounts =
    'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\ncgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n'
  expect(hierarchyOf('cpuacct', groups, mounts)).toEqual({ mount: '/sys/fs/cgroup/cpu,cpuacct', path: '/docker/ab' })
  expect(hierarchyOf('memory', groups, mounts)).toEqual({ mount: '/sys/fs/cgroup/memory', path: '/docker/ab' })
  expect(hierarchyOf('pids', groups, mounts)).toBeUndefined()
})

test('control groups of version 2', () => {
  const mounts = 'cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n'
  expect(unifiedOf('0::/system.slice/docker-ab.scope\n', mounts)).toEqual({
    mount: '/sys/fs/cgroup',
    path: '/system.slice/docker-ab.scope',
  })
  expect(unifiedOf('0::/x\n', '')).toBeUndefined()
})
