import { nginxConf } from '../../catalog/nginx/config.js'
import { notYet } from '../../lib/errors.js'
import type { Topology } from '../../topology/types.js'
import { addressPlan } from './address-plan.js'
import { containerContext } from './context.js'

/** `nginx.conf`; where there are several nginx components, one `nginx-<id>.conf` each. */
export const nginxFile = (topology: Topology, component: string): string =>
  Object.values(topology.components).filter(({ engine }) => engine === 'nginx').length > 1
    ? `nginx-${component}.conf`
    : 'nginx.conf'

/** One nginx.conf per nginx component; its replicas share it. */
export const nginxTarget = (topology: Topology): ReadonlyMap<string, string> => {
  if ((topology.generate.nginx?.patches.length ?? 0) > 0)
    throw notYet(
      'generate.nginx.patches',
      topology.source.locate(['generate', 'nginx', 'patches']),
      'patches amend documents (compose); nginx.conf is text',
    )
  const plan = addressPlan(topology)
  return new Map(
    plan.units
      .filter(({ component, index }) => component.engine === 'nginx' && index === 0)
      .map((unit) => [nginxFile(topology, unit.component.id), nginxConf(containerContext(topology, plan, unit))]),
  )
}
