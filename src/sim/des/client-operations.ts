/**
 * What the clients do at both ends of each request (hot path).
 *
 * `makeClientOperations` refers to nothing but its arguments: it is evaluated anew for a long simulation, as the core is (`anew`), so
 * that V8 takes the objects that it works on for constants. Short simulations share one that is compiled already.
 */
import type { ClientState, Clients } from './client.js'
import type { Kernel } from './kernel.js'
import type { MessageAccount } from './messaging/account.js'
import type { RequestLog } from './request-log.js'

export type ClientOperations = ReturnType<typeof makeClientOperations>

export const makeClientOperations = (
  clients: Clients,
  state: ClientState,
  kernel: Kernel,
  log: RequestLog,
  account: MessageAccount | undefined,
) => {
  // Its members become literals (docs/adr/0017).
  const enum Fixed {
    none = -1,
    ok = 0,
    clsAt = 0,
    clientAt = 1,
    rootAt = 3,
    idempotentAt = 4,
    intendedAt = 0,
    sentAt = 1,
  }
  const { classes, chooseClass, drawClient, spikes, users, further, asksAbout, endpoint, ender, plainEnder } = state
  const { requests, queue, edges } = kernel

  /** A request of this class begins. `about`: it is a poll, and asks about this request. Returns its task, if that goes on at once. */
  const begin = (cls: number, about: number): number => {
    const { program, plain, light, idempotent, keys } = classes[cls] as (typeof classes)[number]
    const request = requests.take()
    const { memory, seconds } = requests
    const number = state.count
    state.count = (number + 1) | 0
    memory[request + Fixed.clsAt] = cls
    memory[request + Fixed.clientAt] =
      about !== Fixed.none ? (requests.client[about] as number) : drawClient === undefined ? number : drawClient()
    memory[request + Fixed.idempotentAt] = idempotent
    const { now } = queue
    seconds[request + Fixed.intendedAt] = now
    seconds[request + Fixed.sentAt] = now
    if (account !== undefined) account.begin(request)
    if (about !== Fixed.none) asksAbout.set(request, about)
    for (let i = 0; i < keys.length; i++) {
      const { data, draw } = keys[i] as (typeof keys)[number]
      requests.keys[requests.keyPlace(request, data)] = draw()
    }
    if (state.nextUsers !== undefined) {
      further.set(request, state.nextUsers)
      state.nextUsers = undefined
    }
    if (plain !== undefined) {
      const entry = plain.entries[plain.turn]
      const free = entry?.state === 'up' && entry.calls < entry.maxInFlight && edges.slow[plain.edge] === 0
      if (entry !== undefined && free) {
        plain.turn = plain.turn + 1 < plain.entries.length ? plain.turn + 1 : 0
        log.offeredAndSent(cls)
        const task = kernel.arrive(entry, plain.goal, request, plainEnder, plain.edge)
        requests.memory[request + Fixed.rootAt] = task
        if (plain.limit !== undefined) plain.limit.add(request)
        if (kernel.pausedEndpoints === 0) return task
        kernel.goOnSoon(task)
        return Fixed.none
      }
    }
    log.offered(cls)
    if (light === undefined || !light.begin(request)) kernel.start(endpoint, program, request, ender)
    return Fixed.none
  }

  /** A request of whatever class begins, unless all have ended. Returns what `begin` does. */
  const issue = (): number => {
    if (state.ended) return Fixed.none
    let cls = chooseClass()
    state.arrivals += 1
    if (spikes.thins) {
      cls = clients.thinned(cls)
      if (cls < 0) return Fixed.none
    }
    return begin(cls, Fixed.none)
  }

  const send = (): void => {
    const task = issue()
    if (task !== Fixed.none) kernel.goOnSoon(task)
  }

  /** A light request has succeeded. */
  const lightOver = (request: number, outcome: number): void => {
    log.success(request, outcome, false)
    const { poll, derived } = classes[requests.memory[request + Fixed.clsAt] as number] as (typeof classes)[number]
    if (derived) {
      clients.asked(request, Fixed.ok)
      return
    }
    if (account !== undefined) account.answered(request)
    if (poll !== undefined) clients.willAsk(request, poll)
    if (users === undefined || users.think !== undefined || further.size > 0) clients.finished(request)
    else if (users.leaves()) users.active -= 1
    else send()
  }

  return {
    begin,
    issue,
    send,
    lightOver,
    /** What it repeats of other files: a test compares it with its originals. */
    repeated: {
      none: Fixed.none,
      ok: Fixed.ok,
      cls: Fixed.clsAt,
      client: Fixed.clientAt,
      root: Fixed.rootAt,
      idempotent: Fixed.idempotentAt,
      intendedAt: Fixed.intendedAt,
      sentAt: Fixed.sentAt,
    },
  }
}
