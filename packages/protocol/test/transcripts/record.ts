/**
 * Records the transcripts that lie beside this file, from a memcached that is already running:
 *
 *     memcached -u nobody -l 127.0.0.1 -p 22122 &
 *     node packages/protocol/test/transcripts/record.ts 127.0.0.1 22122
 *
 * It FLUSHES that server, plays each session on a connection of its own and writes `text-<version>.json`. A reply counts
 * as complete when the server has been silent for a while, so the machine should have nothing else to do. Cas uniques
 * count from the server's start: take a fresh one.
 */
import { writeFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { sessions } from "./textSessions.ts"
import { text } from "./Transcript.ts"
import type { Bytes, Session, Step, Transcript } from "./Transcript.ts"

const [host = "127.0.0.1", port = "11211"] = process.argv.slice(2)
const silence = 60

const play = (steps: ReadonlyArray<ReadonlyArray<Bytes>>) =>
  new Promise<ReadonlyArray<Step>>((resolve, reject) => {
    const socket = connect({ host, port: Number(port) })
    const done: Array<Step> = []
    let reply = ""
    let timer: NodeJS.Timeout | undefined = undefined
    const finish = (closed: boolean) => {
      clearTimeout(timer)
      if (done.length < steps.length) done.push({ send: steps[done.length], reply, closed })
      reply = ""
      if (closed || done.length === steps.length) {
        socket.destroy()
        resolve(done)
      } else send()
    }
    const wait = () => {
      clearTimeout(timer)
      timer = setTimeout(() => finish(false), silence)
    }
    const send = () => {
      socket.write(Buffer.from(text(steps[done.length]), "latin1"))
      wait()
    }
    socket.on("connect", send)
    socket.on("data", (chunk: Buffer) => {
      reply += chunk.toString("latin1")
      wait()
    })
    socket.on("end", () => finish(true))
    socket.on("error", (error: NodeJS.ErrnoException) => error.code === "ECONNRESET" ? finish(true) : reject(error))
  })

const [{ reply }] = await play([["version\r\n"]])
const server = reply.slice("VERSION ".length).trim()
const recorded: Array<Session> = []
for (const { name, steps } of sessions) {
  await play([["flush_all\r\n"]])
  recorded.push({ name, steps: await play(steps) })
}
const transcript: Transcript = {
  server,
  recorded: "by packages/protocol/test/transcripts/record.ts from a fresh memcached -u nobody -l 127.0.0.1",
  sessions: recorded
}
const file = join(import.meta.dirname, `text-${server}.json`)
writeFileSync(file, `${JSON.stringify(transcript, undefined, 2)}\n`)
console.log(`${recorded.length} sessions of memcached ${server} written to ${file}`)
