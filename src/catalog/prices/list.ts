/** What machines, disks and traffic cost where nobody says otherwise: a short list, with its date and source. `plan --prices` puts another in its place. */

export interface PriceList {
  readonly name: string
  /** When it held. */
  readonly date: string
  readonly source: string
  readonly currency: string
  readonly storagePerGiBMonth: number
  readonly egressPerGiB: number
  /** Each way. */
  readonly crossZonePerGiB: number
  /** By name, per hour. */
  readonly machines: Readonly<Record<string, number>>
}

/** Of a family all sizes cost in proportion to their cores. */
const sizes = { large: 1, xlarge: 2, '2xlarge': 4, '4xlarge': 8, '8xlarge': 16 } as const
const family = (name: string, largePerHour: number): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(sizes).map(([size, factor]) => [`${name}.${size}`, Number((largePerHour * factor).toFixed(4))]),
  )

export const shippedPrices: PriceList = {
  name: 'aws-us-east-1',
  date: '2024-12',
  source:
    'public list prices of AWS: EC2 On-Demand Linux and EBS gp3 in us-east-1, internet egress (first 10 TB), traffic between zones',
  currency: 'USD',
  storagePerGiBMonth: 0.08,
  egressPerGiB: 0.09,
  crossZonePerGiB: 0.01,
  machines: {
    't3.micro': 0.0104,
    't3.small': 0.0208,
    't3.medium': 0.0416,
    't3.large': 0.0832,
    't3.xlarge': 0.1664,
    ...family('m6i', 0.096),
    ...family('m7g', 0.0816),
    ...family('c6i', 0.085),
    ...family('r6i', 0.126),
  },
}
