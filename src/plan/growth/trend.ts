/** Relative growth with the seasons of a year. */
export interface Calendar {
  /** ISO day from which months are counted. */
  readonly from: string
  /** Of January to December, relative to the mean of the year. */
  readonly season: readonly number[] | undefined
}

/** How far ahead is looked: nobody plans longer. */
const mostMonths = 600

/** The load after so many months, as a multiple of that at `from`: (1 + r)^t, times the season of that month over the season of the first. */
export const loadAfter = (months: number, perMonth: number, { from, season }: Calendar): number => {
  const trend = (1 + perMonth) ** months
  if (season === undefined) return trend
  const first = new Date(from).getUTCMonth()
  const at = (month: number): number => season[((month % 12) + 12) % 12] ?? 1
  return (trend * at(first + Math.floor(months))) / at(first)
}

/** Months until the load is `factor` times that at `from` for the first time; 0: it is already; null: not within fifty years. */
export const monthsUntil = (factor: number, perMonth: number, calendar: Calendar): number | null => {
  if (factor <= 1) return 0
  if (calendar.season === undefined) {
    if (perMonth <= 0) return null
    const months = Math.log(factor) / Math.log1p(perMonth)
    return months <= mostMonths ? months : null
  }
  // Within a month the season stands still and the trend goes on.
  for (let month = 0; month < mostMonths; month++) {
    if (loadAfter(month, perMonth, calendar) >= factor) return month
    const end = loadAfter(month + 1 - 1e-9, perMonth, calendar)
    if (end >= factor) return month + Math.log(factor / loadAfter(month, perMonth, calendar)) / Math.log1p(perMonth)
  }
  return null
}

/** The day so many months after `from`; a month is the twelfth part of a year. */
export const dayAfter = (from: string, months: number): string =>
  new Date(new Date(from).getTime() + (months * 365.25 * 86_400_000) / 12).toISOString().slice(0, 10)
