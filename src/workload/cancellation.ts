/**
 * Why work should stop, and who wants to know. A lighter AbortSignal: scopes nest (a request, a timeout within it), and
 * most requests make them and never use them.
 */
export class Cancellation {
  #reason: Error | undefined
  #listeners: Set<() => void> | undefined
  #leaveParent: (() => void) | undefined

  /** Undefined: go on. */
  get reason(): Error | undefined {
    return this.#reason
  }

  /** The first reason stays. */
  cancel(reason: Error): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    const listeners = this.#listeners
    this.#listeners = undefined
    if (listeners !== undefined) for (const listener of listeners) listener()
  }

  /** Calls `listener` once when cancelled, at once if that has happened. Returns a function that takes it back. */
  onCancel(listener: () => void): () => void {
    if (this.#reason !== undefined) {
      listener()
      return () => {}
    }
    this.#listeners ??= new Set()
    this.#listeners.add(listener)
    return () => {
      this.#listeners?.delete(listener)
    }
  }

  /** A scope that is cancelled with this one. End it with `detach`. */
  child(): Cancellation {
    const child = new Cancellation()
    child.#leaveParent = this.onCancel(() => {
      if (this.#reason !== undefined) child.cancel(this.#reason)
    })
    return child
  }

  detach(): void {
    this.#leaveParent?.()
  }

  throwIfCancelled(): void {
    if (this.#reason !== undefined) throw this.#reason
  }

  /** What `work` settles to, or a rejection as soon as this is cancelled; the work itself goes on unheard. */
  async race<T>(work: Promise<T>, onAbandon?: () => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const leave = this.onCancel(() => {
        onAbandon?.()
        reject(this.#reason)
      })
      work.then(
        (value) => {
          leave()
          resolve(value)
        },
        (error: unknown) => {
          leave()
          reject(error)
        },
      )
    })
  }
}
