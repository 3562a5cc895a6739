import { describe, expect, it, onTestFinished } from 'vitest'
import { type Alarm, threadAlarm } from '../../src/load/alarm.js'
import { now } from '../../src/load/clock.js'

const entry = new URL('../../dist/entries/load-alarm.js', import.meta.url)

/** The alarm, and when it rang. */
const underTest = async (onRing: (alarm: Alarm) => void = () => {}): Promise<{ alarm: Alarm; rings: number[] }> => {
  const rings: number[] = []
  const alarm: Alarm = threadAlarm(entry, () => {
    rings.push(now())
    onRing(alarm)
  })
  onTestFinished(() => alarm.close())
  await alarm.ready
  return { alarm, rings }
}

const later = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

describe('the alarm thread', () => {
  it('rings once for each setting, never early, hundreds of times in a row and however close they lie', async () => {
    const due: number[] = []
    const { alarm, rings } = await underTest((own) => {
      if (due.length < 400) setNext(own)
    })
    const setNext = (own: Alarm): void => {
      // 0 to 1.5 ms ahead: far ones sleep, near ones are polled for, and some lie in between.
      const at = now() + (due.length % 16) * 1e-4
      due.push(at)
      own.set(at)
    }
    setNext(alarm)
    const end = now() + 20
    while (rings.length < 400 && now() < end) await later(0.02)
    expect(rings).toHaveLength(400)
    expect(rings.filter((at, i) => at < (due[i] ?? 0))).toEqual([])
  })

  it('keeps only the latest setting, whether that is sooner or later than the one before', async () => {
    const { alarm, rings } = await underTest()
    const start = now()
    alarm.set(start + 0.2)
    alarm.set(start + 0.05)
    await later(0.3)
    expect(rings).toHaveLength(1)
    expect(rings[0]).toBeLessThan(start + 0.2)
    const again = now()
    alarm.set(again + 0.05)
    alarm.set(again + 0.15)
    await later(0.3)
    expect(rings).toHaveLength(2)
    expect(rings[1]).toBeGreaterThanOrEqual(again + 0.15)
  })

  it('says what it costs, and ends when it is closed', async () => {
    const { alarm, rings } = await underTest()
    alarm.set(now() + 0.05)
    await alarm.close()
    await later(0.1)
    expect(rings).toEqual([])
    expect(alarm.cpuSeconds()).toBeGreaterThan(0)
    expect(alarm.cpuSeconds()).toBeLessThan(2)
  })
})
