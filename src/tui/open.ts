/** The door to the dashboard: what draws it is loaded only now, since React and Ink take longer to load than a plan takes. */
import type { LiveSession } from './live.js'
import type { ReplayOptions, ReplaySession } from './replay.js'
import type { SessionOptions } from './session.js'

export type { ScreenTerminal } from './alternate-screen.js'
export type { LiveSession } from './live.js'
export type { ReplaySession } from './replay.js'
export type { SessionOptions } from './session.js'

/** React's checks for developers cost most of the time of a drawing; it asks for this once, when it is loaded. */
const inProduction = async <T>(load: () => Promise<T>): Promise<T> => {
  const { NODE_ENV, DEV } = process.env
  process.env.NODE_ENV = 'production'
  delete process.env.DEV
  try {
    return await load()
  } finally {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = NODE_ENV
    if (DEV !== undefined) process.env.DEV = DEV
  }
}

export const openLive = async (options: SessionOptions & { readonly owns: boolean }): Promise<LiveSession> => {
  const { LiveSession } = await inProduction(() => import('./live.js'))
  return new LiveSession(options)
}

export const openReplay = async (options: ReplayOptions): Promise<ReplaySession> => {
  const { ReplaySession } = await inProduction(() => import('./replay.js'))
  return new ReplaySession(options)
}
