/**
 * Rows of the fault matrix: connecting with TLS.
 */
import type { MemcacheOptions } from "@effect-memcache/client"
import * as Certificates from "@effect-memcache/testing/Certificates"
import * as FaultScript from "@effect-memcache/testing/FaultScript"
import * as FaultServer from "@effect-memcache/testing/FaultServer"
import * as Effect from "effect/Effect"
import type { Row, Run } from "./Row.ts"
import { CONNECT_TIMEOUT, SLACK } from "./Row.ts"

/** One operation of a client whose connection must not come about. */
const refuse = Effect.fnUntraced(function*(
  row: Run,
  name: string,
  server: FaultServer.Service,
  tls: MemcacheOptions["tls"]
) {
  const { checked, close } = yield* row.client({ servers: server.address, tls })
  const settled = yield* checked.set("key")
  const { ended } = settled
  const took = row.took(settled, CONNECT_TIMEOUT)
  row.expect(name, ended === "TlsError not-sent" && took <= CONNECT_TIMEOUT + SLACK, `${ended} ${Math.round(took)} ms`)
  yield* close
})

const untrusted: Row = {
  number: 8,
  title: "TLS to a wrong authority, an expired certificate, another name, and a peer without TLS",
  expected: "TlsError ≤ 200 + ≤ 50 ms; 0 bytes of commands before the handshake",
  quick: true,
  needs: "openssl",
  traced: true,
  run: Effect.fnUntraced(function*(row) {
    const good = yield* Certificates.make
    const other = yield* Certificates.make
    const expired = yield* Certificates.makeExpired
    const server = yield* row.faultServer({ tls: good })
    const late = yield* row.faultServer({ tls: expired })
    // An address of this machine that the certificate does not name.
    const elsewhere = yield* row.faultServer({ tls: good, host: "127.0.0.2" })
    // What it is sent is no command at all, so its log is not judged.
    const plain = yield* FaultServer.make()

    yield* refuse(row, "wrong authority", server, { ca: other.ca })
    yield* refuse(row, "system's authorities", server, true)
    yield* refuse(row, "expired", late, { ca: expired.ca })
    yield* refuse(row, "another name", server, { ca: good.ca, servername: "cache.example" })
    yield* refuse(row, "another address", elsewhere, { ca: good.ca })
    yield* refuse(row, "no TLS there", plain, { ca: good.ca })

    const read = [server, late, elsewhere].reduce((sum, { log }) => sum + log.counters.bytesRead, 0)
    row.expect("bytes inside TLS", read === 0, read)
    const legal = plain.log.requests().filter(({ isLegal }) => isLegal).length
    row.expect("commands in plain text", legal === 0, legal)

    const { checked } = yield* row.client({ servers: server.address, tls: { ca: good.ca } })
    const { ended } = yield* checked.set("key")
    row.expect("with the right authority", ended === "stored", ended)
  })
}

const stalled: Row = {
  number: 9,
  title: "a TLS handshake that stalls",
  expected: "not-sent at 200 ± 50 ms",
  quick: true,
  run: Effect.fnUntraced(function*(row) {
    const server = yield* row.faultServer({ rules: [FaultScript.onAccept({}, FaultScript.silence)] })
    const { checked } = yield* row.client({ servers: server.address, tls: true })
    const settled = yield* checked.set("key")
    row.expect("ended", /^(ConnectError|TlsError) not-sent$/.test(settled.ended), settled.ended)
    const took = row.took(settled, CONNECT_TIMEOUT)
    row.expect("ms", took >= CONNECT_TIMEOUT - 1 && took <= CONNECT_TIMEOUT + SLACK, took)
    row.expect("accepted", server.log.counters.accepted === 1, server.log.counters.accepted)
  })
}

export const rows: ReadonlyArray<Row> = [untrusted, stalled]
