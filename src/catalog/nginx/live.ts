/** nginx as a native process: one master, `workers` workers, all of them unprivileged. */
import type { LiveContext, LiveFacet } from '../../contract/engine.js'
import type { ProcessSpec } from '../../contract/process-spec.js'
import { answersOk, httpGet } from '../common/live-http.js'
import { nginxArgs, nginxConf, nginxHealthPath, nginxStatusPath } from './config.js'

const adminOf = (context: LiveContext): { readonly host: string; readonly port: number } => {
  const port = context.adminPorts[0]
  if (port === undefined) throw new TypeError(`${context.component.id}/${context.index}: no admin port was given`)
  return { host: context.listen.host, port }
}

const spec = (context: LiveContext): ProcessSpec => {
  const { component, index, listen, folder, programs } = context
  const admin = adminOf(context)
  return {
    id: `${component.id}/${index}`,
    component: component.id,
    index,
    program: programs.nginx ?? 'nginx',
    args: ['-p', `${folder}/`, ...nginxArgs(`${folder}/nginx.conf`)],
    env: {},
    folder,
    files: { 'nginx.conf': nginxConf(context, { admin }) },
    accounts: ['www-data', 'nobody'],
    ports: [listen.port, admin.port],
    stopSignal: 'SIGQUIT',
    stopSeconds: 5,
    probe: () => answersOk(listen.host, listen.port, nginxHealthPath, 1),
    startSeconds: 15,
  }
}

/** The third number of stub_status' line of totals (`accepts handled requests`), and the connections in work. */
export const parseStubStatus = (
  text: string,
): { readonly requests: number; readonly reading: number; readonly writing: number } | undefined => {
  const totals = /^\s*(\d+)\s+(\d+)\s+(\d+)\s*$/m.exec(text)
  const now = /Reading:\s*(\d+)\s+Writing:\s*(\d+)/.exec(text)
  return totals === null || now === null
    ? undefined
    : { requests: Number(totals[3]), reading: Number(now[1]), writing: Number(now[2]) }
}

/** nginx counts its own status page and health probes too: what we asked since its start is taken off again. */
const asked = new WeakMap<LiveContext, { requests: number; own: number }>()

/** Of a refused, cut off or timed out try: `… while connecting to upstream, …, upstream: "http://127.0.0.1:21261/…"`. */
export const complainedOf = (line: string): string | undefined =>
  / (?:connecting to|reading response header from|sending request to|reading) upstream.*upstream: "http:\/\/([^/"]*:\d+)/.exec(
    line,
  )?.[1]

export const live: LiveFacet = {
  programs: [
    {
      name: 'nginx',
      debianPackage: 'nginx',
      candidates: ['/usr/sbin/nginx', '/usr/local/nginx/sbin/nginx'],
      versionArgs: ['-v'],
    },
  ],
  processes: () => 1,
  noticed: complainedOf,
  eventLoops: (component) => (component.role === 'balancer' ? component.workers : 1),
  specs: (context) => [spec(context)],
  sample: async (context) => {
    const { host, port } = adminOf(context)
    const status = parseStubStatus((await httpGet(host, port, nginxStatusPath, 0.8)).body)
    if (status === undefined) return {}
    const before = asked.get(context)
    // A counter that fell back belongs to a new process.
    const own = 1 + (before === undefined || status.requests < before.requests ? 0 : before.own)
    asked.set(context, { requests: status.requests, own })
    return { visits: Math.max(0, status.requests - own), inFlight: Math.max(0, status.reading + status.writing - 1) }
  },
}
