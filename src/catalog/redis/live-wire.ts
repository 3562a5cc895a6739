/** One inline command and its answer, without a client library: probes and INFO need no more. */
import { connect } from 'node:net'

/** The text of a simple string, error or bulk answer; undefined: it is not complete yet. */
export const parseAnswer = (text: string): string | undefined => {
  const end = text.indexOf('\r\n')
  if (end < 0) return undefined
  if (!text.startsWith('$')) return text.slice(0, end)
  const length = Number(text.slice(1, end))
  const body = text.slice(end + 2)
  // INFO is ASCII, so characters are bytes.
  return body.length >= length + 2 ? body.slice(0, length) : undefined
}

export const ask = (host: string, port: number, command: string, timeoutSeconds: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    let text = ''
    const end = (error?: Error): void => {
      clearTimeout(timer)
      socket.destroy()
      if (error !== undefined) reject(error)
    }
    const timer = setTimeout(() => end(new Error(`no answer in ${timeoutSeconds} s`)), timeoutSeconds * 1000)
    socket.setEncoding('latin1')
    socket.on('connect', () => socket.write(`${command}\r\n`))
    socket.on('data', (chunk: string) => {
      text += chunk
      const answer = parseAnswer(text)
      if (answer === undefined) return
      end()
      resolve(answer)
    })
    socket.on('error', end)
    socket.on('close', () => end(new Error('closed')))
  })
