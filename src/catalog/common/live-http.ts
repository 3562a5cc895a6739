/** Asks a server of ours for a small document: probes and status pages. */
import { request } from 'node:http'

export interface Answer {
  readonly status: number
  readonly body: string
}

/** Rejects when refused, cut off, or not answered in `timeoutSeconds`. */
export const httpGet = (host: string, port: number, path: string, timeoutSeconds: number): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => sent.destroy(new Error(`no answer in ${timeoutSeconds} s`)), timeoutSeconds * 1000)
    const sent = request({ host, port, path, agent: false }, (answer) => {
      let body = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => {
        body += chunk
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }))
      answer.on('error', reject)
    })
    sent.on('error', reject)
    sent.on('close', () => clearTimeout(timer))
    sent.end()
  })

/** Does it answer 200? */
export const answersOk = (host: string, port: number, path: string, timeoutSeconds: number): Promise<boolean> =>
  httpGet(host, port, path, timeoutSeconds).then(
    ({ status }) => status === 200,
    () => false,
  )
