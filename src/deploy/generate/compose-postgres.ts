/** PostgreSQL as containers: alone, or a primary with the standbys that stream from it. */
import { watchedBy } from '../../catalog/metrics.js'
import {
  configFolder,
  containerArgs,
  containerFiles,
  dataFolder,
  healthCheck,
  initialSql,
  memberEntryPoint,
} from '../../catalog/postgres/container.js'
import { hasStandbys } from '../../catalog/postgres/replication.js'
import type { Component, Topology } from '../../topology/types.js'
import {
  type Container,
  type ContainerContext,
  databaseUser,
  health,
  images,
  refuseShards,
  secrets,
  storeOf,
} from './container.js'
import { containerContext } from './context.js'

const isWatched = (topology: Topology, component: Component): boolean =>
  Object.values(topology.components).some(
    (monitor) =>
      monitor.role === 'monitor' &&
      monitor.engine === 'prometheus' &&
      watchedBy(topology, monitor).some(({ id }) => id === component.id),
  )

export const postgresContainer = ({ topology, plan, unit, run }: ContainerContext): Container => {
  const store = storeOf(unit)
  refuseShards(topology, store)
  const folder = `postgres/${unit.name}`
  const initial = `postgres/${store.id}.sql`
  const context = containerContext(topology, plan, unit, dataFolder, run?.roles.get(store.id))
  const files = containerFiles(context, run?.anew.get(unit.address.instance))
  const first = unit.index === 0
  return {
    service: {
      image: images.postgres,
      ...(hasStandbys(store) ? { entrypoint: [...memberEntryPoint] } : {}),
      command: [...containerArgs],
      environment: {
        POSTGRES_USER: databaseUser,
        POSTGRES_DB: databaseUser,
        POSTGRES_INITDB_ARGS: '--auth-host=scram-sha-256',
      },
      env_file: secrets,
      volumes: [
        `./${folder}:${configFolder}:ro`,
        // The others are made of the first.
        ...(first ? [`./${initial}:/docker-entrypoint-initdb.d/10-schema.sql:ro`] : []),
        `${unit.name}-data:${dataFolder}`,
      ],
      healthcheck: health(
        healthCheck(store, unit.address.port, databaseUser),
        // A copy is as large as its primary.
        Math.max(first ? 10 : 60, store.startupSeconds),
      ),
    },
    files: [
      ...Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text] as const),
      ...(first ? [[initial, initialSql(topology, store, isWatched(topology, store))] as const] : []),
    ],
    needs: first ? [] : plan.units.filter(({ component, index }) => component.id === store.id && index === 0),
  }
}
