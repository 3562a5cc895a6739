/** One request of a client, with all its attempts and the calls that it leads to. Pooled: free again when nobody refers to it. */
export class Request {
  cls = 0
  references = 0
  intendedAt = 0
  /** Of the attempt under way. */
  sentAt = 0
  /** An attempt may have taken effect although it failed. */
  unknown = false
  /** Which client: what `ip_hash` hashes. */
  client = 0
  /** Is the method one that may be sent twice (RFC 9110, 9.2.2)? */
  idempotent = true
  /** Chosen key per data set; −1: not chosen yet. */
  readonly keys: Int32Array

  constructor(dataSets: number) {
    this.keys = new Int32Array(dataSets).fill(-1)
  }
}

export class RequestPool {
  private readonly free: Request[] = []

  constructor(private readonly dataSets: number) {}

  take(): Request {
    const request = this.free.pop()
    if (request === undefined) return new Request(this.dataSets)
    if (this.dataSets > 0) request.keys.fill(-1)
    request.references = 0
    return request
  }

  release(request: Request): void {
    request.references -= 1
    if (request.references === 0) this.free.push(request)
  }
}
