/** The technologies that can be started natively; a facet is loaded when something of it is really started. */
import type { Engine } from '../contract/engine.js'

export const liveFacets: Readonly<Record<string, NonNullable<Engine['live']>>> = {
  nginx: async () => (await import('./nginx/live.js')).live,
  redis: async () => (await import('./redis/live.js')).live,
  postgres: async () => (await import('./postgres/live.js')).live,
  service: async () => (await import('./service/live.js')).live,
}
