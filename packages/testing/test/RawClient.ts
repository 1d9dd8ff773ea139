/**
 * A socket and nothing else: what is sent are the bytes that a test names, one UTF-16 unit for each byte.
 */
import * as Net from "node:net"
import * as Tls from "node:tls"

const ANSWER_TIMEOUT = 10_000

const FENCE = "mn\r\n"
const FENCED = "MN\r\n"

/** How many lines are nothing but `mn`. A reply may come in pieces, so that its last line alone does not tell its end. */
export const fencesIn = (bytes: string): number => bytes.split(/\r?\n/).filter((line) => line === "mn").length

export class RawClient {
  readonly socket: Net.Socket
  /** Everything received and not yet asked for. */
  received = ""
  isClosed = false

  private changed: () => void = () => {}

  private constructor(socket: Net.Socket) {
    this.socket = socket
    socket.setNoDelay()
    socket.on("data", (chunk: Buffer) => {
      this.received += chunk.toString("latin1")
      this.changed()
    })
    socket.on("error", () => {})
    socket.on("close", () => {
      this.isClosed = true
      this.changed()
    })
  }

  static connect(where: Net.NetConnectOpts | Tls.ConnectionOptions): Promise<RawClient> {
    const isTls = "ca" in where
    const socket = isTls ? Tls.connect(where) : Net.connect(where as Net.NetConnectOpts)
    return new Promise((resolve, reject) => {
      socket.once("error", reject)
      socket.once(isTls ? "secureConnect" : "connect", () => resolve(new RawClient(socket)))
    })
  }

  send(bytes: string): void {
    this.socket.write(Buffer.from(bytes, "latin1"))
  }

  /** What came until `isEnough`, or until the server closed. */
  async until(isEnough: (text: string) => boolean): Promise<string> {
    const deadline = performance.now() + ANSWER_TIMEOUT
    while (!isEnough(this.received) && !this.isClosed) {
      if (performance.now() > deadline) {
        throw new Error(`no answer; so far ${JSON.stringify(this.received.slice(-200))}`)
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000)
        this.changed = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    const text = this.received
    this.received = ""
    return text
  }

  /**
   * Sends, and answers everything up to the server's word that there is no more. Of the `mn` in the bytes, or in what was
   * sent before them, `fences` are answered first.
   */
  async ask(bytes: string, fences = fencesIn(bytes)): Promise<string> {
    this.send(`${bytes}${FENCE}`)
    const text = await this.until((text) => text.endsWith(FENCED) && fencesIn(text.toLowerCase()) > fences)
    return text.endsWith(FENCED) ? text.slice(0, -FENCED.length) : text
  }

  /** Waits for the server to close, and answers what came before. */
  closed(): Promise<string> {
    return this.until(() => false)
  }

  end(): void {
    this.socket.destroy()
  }
}
