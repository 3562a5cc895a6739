import { expect, test } from 'vitest'
import { engines } from '../../../src/catalog/index.js'
import { unsupported } from '../../../src/deploy/runtime/process/support.js'
import { external, pool, request, service, step, store, topology } from '../../workload/topologies.js'

test('an external needs no process, because the services that call it simulate it', () => {
  const shop = topology({
    components: [service('app'), external('pay')],
    requests: [request('buy', 'POST /buy', [step.call('buy/0', 'pay')])],
  })
  expect(unsupported(shop, engines)).toBeUndefined()
})

test('engines without a native process and steps that the service cannot execute are refused together', () => {
  const shop = topology({
    components: [service('app', { pools: { main: pool('main', 'broker', 2) } }), store('broker', 'kafka')],
    requests: [request('buy', 'POST /buy', [step.query('buy/0', 'broker')])],
  })
  const problems = unsupported(shop, engines)?.problems.map(({ message }) => message.split(':')[0])
  expect(problems?.sort()).toEqual([
    'engine kafka (component broker) as a native process',
    'pool app.main to broker (kafka)',
    'step buy/0',
  ])
})
