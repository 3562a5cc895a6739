/**
 * The universal scalability law: what N concurrent users (or processors) get done,
 * X(N) = γN / (1 + α(N − 1) + βN(N − 1)), with γ what one gets done, α the contention (queueing for what is shared) and β the
 * coherency (what grows with every pair). β = 0 is Amdahl's law, α = β = 0 linear.
 * Source: N. J. Gunther, Guerrilla Capacity Planning, 2007; arXiv:0808.1431.
 */
export interface ScalabilityLaw {
  readonly alpha: number
  readonly beta: number
  /** Work per second of one. */
  readonly gammaPerSecond: number
}

export interface ScalabilityFit extends ScalabilityLaw {
  /** N of the highest throughput, √((1 − α)/β); Infinity when it never falls. */
  readonly peakUsers: number
  /** There; the limit γ/α when it never falls (Infinity: linear). */
  readonly peakThroughputPerSecond: number
  /** 1 − Σ residual² / Σ (X − mean)². */
  readonly rSquared: number
}

export interface Measured {
  readonly users: number
  readonly throughputPerSecond: number
}

export const scaledThroughput = ({ alpha, beta, gammaPerSecond }: ScalabilityLaw, users: number): number =>
  (gammaPerSecond * users) / (1 + alpha * (users - 1) + beta * users * (users - 1))

export const scalabilityPeak = (
  law: ScalabilityLaw,
): { readonly users: number; readonly throughputPerSecond: number } => {
  if (law.beta > 0) {
    const users = law.alpha < 1 ? Math.max(1, Math.sqrt((1 - law.alpha) / law.beta)) : 1
    return { users, throughputPerSecond: scaledThroughput(law, users) }
  }
  return {
    users: Number.POSITIVE_INFINITY,
    throughputPerSecond: law.alpha > 0 ? law.gammaPerSecond / law.alpha : Number.POSITIVE_INFINITY,
  }
}

const sumOfSquares = (law: ScalabilityLaw, points: readonly Measured[]): number =>
  points.reduce(
    (sum, { users, throughputPerSecond }) => sum + (throughputPerSecond - scaledThroughput(law, users)) ** 2,
    0,
  )

/** Solves the symmetric 3 × 3 system by Gaussian elimination with pivots; undefined: it is singular. */
const solved = (matrix: readonly (readonly number[])[], right: readonly number[]): readonly number[] | undefined => {
  const rows = matrix.map((row, i) => [...row, right[i] ?? 0])
  const size = rows.length
  for (let column = 0; column < size; column++) {
    let pivot = column
    for (let i = column + 1; i < size; i++)
      if (Math.abs(rows[i]?.[column] ?? 0) > Math.abs(rows[pivot]?.[column] ?? 0)) pivot = i
    const [chosen, replaced] = [rows[pivot], rows[column]]
    if (chosen === undefined || replaced === undefined || (chosen[column] ?? 0) === 0) return undefined
    rows[column] = chosen
    rows[pivot] = replaced
    for (let i = 0; i < size; i++) {
      const row = rows[i]
      if (i === column || row === undefined) continue
      const factor = (row[column] ?? 0) / (chosen[column] ?? 1)
      for (let j = column; j <= size; j++) row[j] = (row[j] ?? 0) - factor * (chosen[j] ?? 0)
    }
  }
  const values = rows.map((row, i) => (row[size] ?? 0) / (row[i] ?? 1))
  return values.every(Number.isFinite) ? values : undefined
}

/** One step of Gauss–Newton, damped by λ times the diagonal (Marquardt). The parameters are α, β, ln γ: γ stays positive and of any size. */
const stepFrom = (law: ScalabilityLaw, points: readonly Measured[], damping: number): ScalabilityLaw | undefined => {
  const normal = [0, 1, 2].map(() => [0, 0, 0])
  const right = [0, 0, 0]
  for (const { users, throughputPerSecond } of points) {
    const predicted = scaledThroughput(law, users)
    const share = predicted / (1 + law.alpha * (users - 1) + law.beta * users * (users - 1))
    const slopes = [-(users - 1) * share, -users * (users - 1) * share, predicted]
    const residual = throughputPerSecond - predicted
    for (const [i, slope] of slopes.entries()) {
      right[i] = (right[i] ?? 0) + slope * residual
      for (const [j, other] of slopes.entries()) {
        const row = normal[i]
        if (row !== undefined) row[j] = (row[j] ?? 0) + slope * other
      }
    }
  }
  // What stands at its bound and would go beyond stays there: the others move as if it were no parameter.
  const values = [law.alpha, law.beta]
  const fixed = right.map((slope, i) => values[i] === 0 && slope <= 0)
  const damped = normal.map((row, i) =>
    row.map((value, j) =>
      fixed[i] === true || fixed[j] === true ? (i === j ? 1 : 0) : i === j ? value * (1 + damping) : value,
    ),
  )
  for (const [i, held] of fixed.entries()) if (held) right[i] = 0
  const step = solved(damped, right)
  return step === undefined
    ? undefined
    : {
        alpha: Math.max(0, law.alpha + (step[0] ?? 0)),
        beta: Math.max(0, law.beta + (step[1] ?? 0)),
        gammaPerSecond: law.gammaPerSecond * Math.exp(step[2] ?? 0),
      }
}

/**
 * α, β ≥ 0 and γ by least squares on X(N) itself (Levenberg–Marquardt); the linearized fit through N/X would weigh the smallest
 * throughputs most. Needs three different N; undefined: fewer, or no positive throughput.
 * Source: D. W. Marquardt, J. SIAM 11(2), 1963.
 */
export const fitScalability = (points: readonly Measured[]): ScalabilityFit | undefined => {
  const usable = points.filter(({ users, throughputPerSecond }) => users > 0 && Number.isFinite(throughputPerSecond))
  if (new Set(usable.map(({ users }) => users)).size < 3) return undefined
  const best = usable.reduce((most, { users, throughputPerSecond }) => Math.max(most, throughputPerSecond / users), 0)
  if (!(best > 0)) return undefined
  let fitted: ScalabilityLaw | undefined
  for (const alpha of [0.01, 0.1, 0.5])
    for (const beta of [0, 1e-6, 1e-3]) {
      const law = descend({ alpha, beta, gammaPerSecond: best }, usable)
      if (fitted === undefined || sumOfSquares(law, usable) < sumOfSquares(fitted, usable)) fitted = law
    }
  if (fitted === undefined) return undefined
  fitted = withoutDust(fitted, Math.max(...usable.map(({ users }) => users)))
  const mean = usable.reduce((sum, { throughputPerSecond }) => sum + throughputPerSecond, 0) / usable.length
  const spread = usable.reduce((sum, { throughputPerSecond }) => sum + (throughputPerSecond - mean) ** 2, 0)
  const peak = scalabilityPeak(fitted)
  return {
    ...fitted,
    peakUsers: peak.users,
    peakThroughputPerSecond: peak.throughputPerSecond,
    rSquared: spread > 0 ? 1 - sumOfSquares(fitted, usable) / spread : 1,
  }
}

/** What changes no throughput that was measured by a billionth is rounding, and would put a peak where there is none. */
const withoutDust = ({ alpha, beta, gammaPerSecond }: ScalabilityLaw, mostUsers: number): ScalabilityLaw => ({
  alpha: alpha * mostUsers < 1e-9 ? 0 : alpha,
  beta: beta * mostUsers ** 2 < 1e-9 ? 0 : beta,
  gammaPerSecond,
})

const descend = (from: ScalabilityLaw, points: readonly Measured[]): ScalabilityLaw => {
  let law = from
  let error = sumOfSquares(law, points)
  let damping = 1e-3
  for (let i = 0; i < 500 && damping < 1e12; i++) {
    const next = stepFrom(law, points, damping)
    const nextError = next === undefined ? Number.POSITIVE_INFINITY : sumOfSquares(next, points)
    if (next !== undefined && nextError <= error) {
      const settled = error - nextError <= 1e-15 * error
      law = next
      error = nextError
      damping = Math.max(1e-12, damping / 10)
      if (settled) break
    } else damping *= 10
  }
  return law
}
