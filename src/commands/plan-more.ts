/** What `plan` answers instead of the plan itself: --set, --sweep, --sensitivity, --growth, --explain. */
import { resolve } from 'node:path'
import type { PriceList } from '../catalog/prices/list.js'
import { suggestion } from '../lib/did-you-mean.js'
import { parametersOf } from '../lib/document/parameters.js'
import { parseSetting, type Setting } from '../lib/document/settings.js'
import { PlimsollError, usageError } from '../lib/errors.js'
import { parseSweep } from '../lib/sweep-values.js'
import { planDifference } from '../plan/difference.js'
import { explain } from '../plan/explain.js'
import { growthPlan } from '../plan/growth/growth.js'
import { fitGrowth, parseHistory } from '../plan/growth/history.js'
import { largest, sensitivities } from '../plan/sensitivity.js'
import { planPoint } from '../plan/sweep.js'
import type { CapacityPlan } from '../plan/types.js'
import { type Document, renderMarkdown, renderText } from '../report/document.js'
import { growthDocument } from '../report/growth.js'
import { paintFor } from '../report/paint.js'
import { differenceDocument } from '../report/plan-difference.js'
import { explanationDocument, planSweepDocument, sensitivityDocument } from '../report/plan-more.js'
import { uncertaintySections } from '../report/uncertainty.js'
import { readText } from '../system/files.js'
import type { Topology } from '../topology/types.js'
import type { Invocation } from './command.js'
import type { Host } from './host.js'
import { printJson } from './json.js'
import { type Mode, many } from './plan-mode.js'
import { withUncertainty } from './plan-uncertainty.js'

export interface MoreRequest {
  readonly host: Host
  readonly options: Invocation['options']
  /** As messages name it. */
  readonly file: string
  /** Of the topology, as it was read. */
  readonly text: string
  readonly parse: (settings: readonly Setting[]) => Topology
  readonly plan: (topology: Topology) => CapacityPlan
  readonly prices: PriceList | undefined
}

export const show = ({ host, options }: MoreRequest, json: unknown, document: Document): void => {
  if (options.json === true) printJson(host, json)
  else if (options.md === true) host.stdout.write(renderMarkdown(document))
  else
    host.stdout.write(
      renderText(document, { columns: Math.min(host.stdout.columns, 100), paint: paintFor(host.stdout.color) }),
    )
}

const settingsOf = ({ options }: MoreRequest): readonly Setting[] => many(options.set).map((text) => parseSetting(text))

const whatIf = (request: MoreRequest): void => {
  const settings = settingsOf(request)
  const base = request.plan(request.parse([]))
  const topology = request.parse(settings)
  // What is set is no longer uncertain; the rest is.
  const head = withUncertainty(request.plan(topology), {
    ...request,
    topology,
    parse: (drawn) => request.parse([...settings, ...drawn]),
  })
  const difference = planDifference(base, head)
  const title = `${base.topology.name} with ${settings.map(({ text }) => text).join(', ')}`
  const { sections, ...heading } = differenceDocument(difference, title)
  const { headroom } = topology.policy
  const uncertain = uncertaintySections(head.uncertainty, { currency: head.cost.currency, headroom })
  show(request, { ...difference, plan: head }, { ...heading, sections: [...sections, ...uncertain] })
}

const mostPoints = 1000

const sweep = (request: MoreRequest): void => {
  const sweeps = many(request.options.sweep).map(parseSweep)
  const settings = settingsOf(request)
  const twice = sweeps.find(({ path }, i) => sweeps.findIndex((other) => other.path === path) !== i)
  if (twice !== undefined) throw usageError(`--sweep ${twice.path}: it is given twice`)
  const combinations = sweeps.reduce<readonly (readonly string[])[]>(
    (before, { values }) => before.flatMap((some) => values.map((value) => [...some, value])),
    [[]],
  )
  if (combinations.length > mostPoints)
    throw usageError(`--sweep: ${combinations.length} points; at most ${mostPoints} are planned`)
  const points = combinations.map((values) => {
    const set = values.map((value, i) => parseSetting(`${sweeps[i]?.path}=${value}`, '--sweep'))
    const topology = request.parse([...settings, ...set])
    return { topology, point: planPoint(values, request.plan(topology)) }
  })
  const [first] = points
  const made = {
    apiVersion: 'plimsoll/v1',
    kind: 'PlanSweep',
    topology: { name: first?.topology.name ?? '' },
    currency: first?.topology.currency ?? '',
    paths: sweeps.map(({ path }) => path),
    points: points.map(({ point }) => point),
  } as const
  show(request, made, planSweepDocument(made))
}

/** Undefined: that value is not allowed there. */
const allowed = (parse: () => Topology): Topology | undefined => {
  try {
    return parse()
  } catch (error) {
    if (error instanceof PlimsollError) return undefined
    throw error
  }
}

const sensitivity = (request: MoreRequest): void => {
  const settings = settingsOf(request)
  const topology = request.parse(settings)
  const all = sensitivities(
    request.plan(topology),
    parametersOf(request.text),
    (path, value) => allowed(() => request.parse([...settings, parseSetting(`${path}=${value}`)])),
    request.plan,
  )
  const made = largest(all, 10)
  show(
    request,
    {
      apiVersion: 'plimsoll/v1',
      kind: 'Sensitivity',
      topology: { name: topology.name, digest: topology.digest },
      ...made,
    },
    sensitivityDocument(topology.name, made),
  )
}

const today = (): string => new Date().toISOString().slice(0, 10)

const growth = async (request: MoreRequest): Promise<void> => {
  const { host, options, file } = request
  const settings = settingsOf(request)
  const topology = request.parse(settings)
  const history = typeof options.history === 'string' ? options.history : undefined
  const fitted =
    history === undefined
      ? undefined
      : fitGrowth(parseHistory(await readText(resolve(host.cwd, history), history), history))
  if (topology.growth === undefined && fitted === undefined)
    throw usageError(
      `--growth: ${file} has no "growth"`,
      'growth: { rate: 8%/month, horizon: 12 months }; or --history FILE.csv, to fit one',
    )
  if (topology.traffic === undefined)
    throw usageError(`--growth: ${file} has no "traffic" that could grow`, 'traffic: { rate: 100/s }')
  const made = growthPlan({
    topology,
    plan: request.plan(topology),
    growth: topology.growth ?? {
      ratePerMonth: 0,
      spreadPerMonth: undefined,
      season: undefined,
      horizonMonths: 12,
      phases: undefined,
    },
    fitted,
    from: fitted?.until ?? today(),
    parse: (more) => request.parse([...settings, ...more.map((text) => parseSetting(text, 'growth.phases'))]),
  })
  show(request, made, growthDocument(made))
}

const explanation = (request: MoreRequest): void => {
  const id = String(request.options.explain)
  const topology = request.parse(settingsOf(request))
  const made = explain(topology, request.plan(topology), id)
  if (made === undefined)
    throw usageError(
      `--explain: ${request.file} has no component "${id}" that carries requests`,
      suggestion(id, Object.keys(topology.components)) ?? `components: ${Object.keys(topology.components).join(', ')}`,
    )
  show(request, made, explanationDocument(made))
}

export const planMore = async (mode: Exclude<Mode, 'why'>, request: MoreRequest): Promise<void> => {
  if (mode === 'set') whatIf(request)
  else if (mode === 'sweep') sweep(request)
  else if (mode === 'sensitivity') sensitivity(request)
  else if (mode === 'growth') await growth(request)
  else explanation(request)
}
