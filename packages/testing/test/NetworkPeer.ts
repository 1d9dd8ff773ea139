/**
 * A client in a process of its own, since it is the process that lives in a network namespace: it connects, sends what it
 * is told, and tells what happens.
 */
import * as Net from "node:net"

const socket = Net.connect({ host: process.argv[2], port: Number(process.argv[3]) })
const tell = (event: string, text = "") => process.send?.({ event, text })

socket.on("connect", () => tell("connect"))
socket.on("data", (chunk) => tell("data", chunk.toString("latin1")))
socket.on("error", (error: NodeJS.ErrnoException) => tell("error", error.code))
socket.on("close", () => tell("close"))
process.on("message", (text: string) => socket.write(text, "latin1"))
process.on("disconnect", () => process.exit())
