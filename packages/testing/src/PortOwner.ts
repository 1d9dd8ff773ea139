/**
 * Who listens there? A test must talk to the process that it has started, and not to one that was there before.
 *
 * Linux tells which socket listens on a port and which sockets a process holds. Elsewhere the server is asked for its
 * process id.
 *
 * @since 0.1.0
 */
import { readdir, readFile, readlink } from "node:fs/promises"
import * as Net from "node:net"
import * as Tls from "node:tls"

/**
 * Where a server listens, and what it takes to be answered there.
 *
 * @category models
 * @since 0.1.0
 */
export interface Place {
  readonly host: string
  readonly port: number
  readonly path: string | undefined
  readonly isEncrypted: boolean
  readonly user: { readonly username: string; readonly password: string } | undefined
}

/**
 * Whether the process listens at the place; false also while nobody does.
 *
 * @category accessors
 * @since 0.1.0
 */
export const owns = async (pid: number, place: Place): Promise<boolean> => {
  if (process.platform !== "linux") return await askPid(place) === pid
  const inodes = await listeningInodes(pid, place)
  if (inodes.size === 0) return false
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1]
    if (inode !== undefined && inodes.has(inode)) return true
  }
  return false
}

const LISTENING = "0A"

// Columns of /proc/net/tcp: 1 is address:port in hexadecimal, 3 the state, 9 the inode; of /proc/net/unix: 6 and 7 are
// the inode and the path.
const listeningInodes = async (pid: number, { path, port }: Place): Promise<ReadonlySet<string>> => {
  if (path !== undefined) {
    const rows = await table(`/proc/${pid}/net/unix`)
    return new Set(rows.filter((row) => row[7] === path).map((row) => row[6]))
  }
  const rows = [...await table(`/proc/${pid}/net/tcp`), ...await table(`/proc/${pid}/net/tcp6`)]
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`
  return new Set(rows.filter((row) => row[1].endsWith(suffix) && row[3] === LISTENING).map((row) => row[9]))
}

const table = async (file: string): Promise<ReadonlyArray<ReadonlyArray<string>>> => {
  const text = await readFile(file, "latin1").catch(() => "")
  return text.split("\n").slice(1).map((line) => line.trim().split(/\s+/)).filter((row) => row.length > 6)
}

const ANSWER_TIMEOUT = 500

/**
 * The process id that a server tells, or `undefined` if it tells none.
 *
 * @category accessors
 * @since 0.1.0
 */
export const askPid = ({ host, isEncrypted, path, port, user }: Place): Promise<number | undefined> =>
  new Promise((resolve) => {
    const where = path === undefined ? { host, port } : { path }
    const socket = isEncrypted ? Tls.connect({ ...where, rejectUnauthorized: false }) : Net.connect(where)
    let text = ""
    const token = user === undefined ? "" : `${user.username} ${user.password}`
    const done = (pid: number | undefined): void => {
      socket.destroy()
      resolve(pid)
    }
    socket.setTimeout(ANSWER_TIMEOUT, () => done(undefined))
    socket.on("error", () => done(undefined))
    socket.on("close", () => done(undefined))
    socket.on(isEncrypted ? "secureConnect" : "connect", () => {
      socket.write(user === undefined ? "stats\r\n" : `set auth 0 0 ${Buffer.byteLength(token)}\r\n${token}\r\n`)
    })
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1")
      if (text === "STORED\r\n") socket.write("stats\r\n")
      else if (text.startsWith("CLIENT_ERROR")) return done(undefined)
      const pid = /STAT pid (\d+)\r\n/.exec(text)?.[1]
      if (pid !== undefined) done(Number(pid))
    })
  })
