/** How a balancer with equal weights picks: the least loaded peer, of these the longest unused. */
import type { ExpressBalancer } from '../operation.js'
import type { Cell, Layout } from './layout.js'
import { least } from './rows.js'

/** More than the turns of any run (`maxRequests`), so that connections count first; connections up to 2²³ keep the sum exact. */
const turns = 2 ** 30

/** Up to so many peers are compared one after the other. */
const mostInRow = 4

export class BalancerCells {
  /** By peer: its connections times `turns`, plus the turn in which it was picked last. The least is picked. */
  private readonly rank: Cell
  private readonly turn: Cell
  private readonly latest: string

  constructor(
    layout: Layout,
    private readonly balancer: ExpressBalancer,
  ) {
    const zeros = balancer.peers.map(() => 0)
    this.rank = layout.own('F', zeros)
    this.turn = layout.own('F', zeros)
    this.latest = layout.own('F', [0])()
  }

  /** `peer` is picked, and has a connection more. */
  pick(): string {
    const { rank, turn, latest } = this
    const connection = this.balancer.countsConnections ? ` + ${turns}` : ''
    return `${this.least()}
key = ${latest} + 1
${latest} = key
${rank('peer')} = ${rank('peer')} - ${turn('peer')} + key${connection}
${turn('peer')} = key`
  }

  /** A connection to `peer` less. */
  leave(): string {
    return this.balancer.countsConnections ? `${this.rank('peer')} -= ${turns}` : ''
  }

  private least(): string {
    const { rank } = this
    const { length } = this.balancer.peers
    if (length === 1) return 'peer = 0'
    if (length <= mostInRow) return least(rank, length, 'peer')
    return `peer = 0
for (other = 1; other < ${length}; other++) peer += +(${rank('other')} < ${rank('peer')}) * (other - peer)`
  }
}
