import { MemcacheError } from "@effect-memcache/transport/MemcacheError"
import { assert, describe, it } from "@effect/vitest"
import type { Death } from "../../../src/internal/servers/Health.ts"
import { Health, mayMarkDead } from "../../../src/internal/servers/Health.ts"

const server = "a:11211"
const timeout = MemcacheError.timeout({ server, outcome: "unknown", duration: 1000 })
const sent = MemcacheError.connectionLost({ server, outcome: "unknown" })
const unsent = MemcacheError.connectionLost({ server, outcome: "not-sent" })

const connected = (limit: number, answered = 2) => {
  const health = new Health(limit)
  const connection = { answered }
  health.connected(connection)
  return { health, connection }
}

const death = (isUnreachable: boolean): Death => ({ error: sent, isUnreachable, probeAt: 0, probeAtMonotonic: 0 })

describe("Health", () => {
  it("as many timeouts in a row as the limit mean that the server fails", () => {
    const { connection, health } = connected(3)
    connection.answered++
    const verdicts = [1, 2, 3, 4].map(() => health.failed(timeout, connection, false))
    assert.deepStrictEqual(verdicts, ["alive", "alive", "failing", "failing"])
  })

  it("an answer in between begins the count anew", () => {
    const { connection, health } = connected(2)
    for (let i = 0; i < 5; i++) {
      assert.strictEqual(health.failed(timeout, connection, false), "alive")
      connection.answered++
    }
  })

  it("a lost connection is one failure, however many commands were in flight", () => {
    const { connection, health } = connected(2)
    connection.answered++
    for (let i = 0; i < 10; i++) assert.strictEqual(health.failed(sent, connection, false), "alive")
    const next = { answered: 2 }
    health.connected(next)
    assert.strictEqual(health.failed(timeout, next, false), "failing")
  })

  it("the answers of a handshake do not begin the count anew", () => {
    const { connection, health } = connected(3)
    health.failed(timeout, connection, false)
    health.failed(timeout, connection, false)
    const next = { answered: 2 }
    health.connected(next)
    assert.strictEqual(health.failed(timeout, next, false), "failing")
  })

  it("an answer on the connection before begins the count anew", () => {
    const { connection, health } = connected(2)
    health.failed(timeout, connection, false)
    connection.answered++
    const next = { answered: 2 }
    health.connected(next)
    assert.strictEqual(health.failed(timeout, next, false), "alive")
  })

  it("a connection that answered nothing before it was lost is as good as none", () => {
    const { connection, health } = connected(5)
    assert.strictEqual(health.failed(sent, connection, false), "unreachable")
    assert.strictEqual(health.failed(unsent, connection, true), "unreachable")
  })

  it("a connection that was idle may end before it answered anything", () => {
    const { connection, health } = connected(1)
    assert.strictEqual(health.failed(unsent, connection, false), "alive")
  })

  it("what was not sent on a lost connection does not count", () => {
    const { connection, health } = connected(1)
    connection.answered++
    assert.strictEqual(health.failed(unsent, connection, false), "alive")
    assert.strictEqual(health.failed(sent, connection, false), "failing")
  })

  it("bytes that are no answer count as a lost connection", () => {
    const { connection, health } = connected(5)
    assert.strictEqual(health.failed(MemcacheError.protocol({ server }), connection, false), "unreachable")
  })

  it("a connection that was replaced, or that we closed, says nothing any more", () => {
    const { connection, health } = connected(1)
    health.disconnecting()
    const next = { answered: 2 }
    health.connected(next)
    assert.strictEqual(health.failed(sent, connection, false), "alive")
    assert.strictEqual(health.failed(timeout, connection, false), "alive")
    health.disconnecting()
    assert.strictEqual(health.failed(sent, next, true), "alive")
  })

  it("a connection that was lost before the one in use was made says nothing any more", () => {
    const { connection, health } = connected(1)
    health.lost(connection)
    health.connected({ answered: 2 })
    assert.strictEqual(health.failed(sent, connection, false), "alive")
    assert.strictEqual(health.failed(timeout, connection, false), "alive")
  })

  describe("with several connections", () => {
    const three = (limit: number) => {
      const { connection, health } = connected(limit)
      const others = [{ answered: 2 }, { answered: 2 }]
      for (const other of others) health.connected(other)
      return { health, connections: [connection, ...others] as const }
    }

    it("failures are counted over all of them", () => {
      const { connections: [a, b, c], health } = three(3)
      const verdicts = [a, b, c].map((connection) => health.failed(timeout, connection, false))
      assert.deepStrictEqual(verdicts, ["alive", "alive", "failing"])
    })

    it("an answer on any of them begins the count anew", () => {
      const { connections: [a, b, c], health } = three(2)
      for (const answering of [a, b, c, b]) {
        assert.strictEqual(health.failed(timeout, a, false), "alive")
        answering.answered++
      }
      assert.strictEqual(health.failed(timeout, a, false), "alive")
      assert.strictEqual(health.failed(timeout, b, false), "failing")
    })

    it("an answer counts although its connection was lost afterwards, and only once", () => {
      const { connections: [a, b], health } = three(2)
      assert.strictEqual(health.failed(timeout, a, false), "alive")
      b.answered++
      health.lost(b)
      assert.strictEqual(health.failed(timeout, a, false), "alive")
      assert.strictEqual(health.failed(timeout, a, false), "failing")
    })

    it("one that ends before it answered anything says nothing while others are open", () => {
      const { connections: [a, b], health } = three(5)
      assert.strictEqual(health.failed(sent, b, true), "alive")
      assert.strictEqual(health.failed(unsent, a, true), "alive")
    })

    it("all that end before they answered anything are as good as none", () => {
      const { connections, health } = three(5)
      assert.deepStrictEqual(
        connections.map((connection) => health.failed(sent, connection, false)),
        ["alive", "alive", "unreachable"]
      )
    })

    it("the last one may end without an answer when another has answered", () => {
      const { connections: [a, b, c], health } = three(5)
      a.answered++
      for (const connection of [a, b, c]) assert.strictEqual(health.failed(sent, connection, false), "alive")
    })

    it("their loss at once is one failure", () => {
      const { connections, health } = three(2)
      connections[0].answered++
      for (const connection of connections) {
        for (let i = 0; i < 3; i++) assert.strictEqual(health.failed(sent, connection, false), "alive")
      }
      const next = { answered: 2 }
      health.connected(next)
      assert.strictEqual(health.failed(timeout, next, false), "failing")
    })

    it("another loss is another failure after a new connection, and after an answer", () => {
      const { connections: [a, b], health } = three(2)
      b.answered++
      assert.strictEqual(health.failed(sent, a, false), "alive")
      const next = { answered: 2 }
      health.connected(next)
      assert.strictEqual(health.failed(sent, next, false), "failing")
      const { connections: [c, d, e], health: other } = three(2)
      assert.strictEqual(other.failed(sent, c, false), "alive")
      e.answered++
      assert.strictEqual(other.failed(sent, d, false), "alive")
      assert.strictEqual(other.failed(timeout, e, false), "failing")
    })

    it("what we closed says nothing, whichever it was", () => {
      const { connections, health } = three(1)
      health.disconnecting()
      for (const connection of connections) assert.strictEqual(health.failed(sent, connection, true), "alive")
    })
  })

  it("an error about one command says nothing about the server", () => {
    const { connection, health } = connected(1)
    const errors = [
      MemcacheError.overloaded({ server }),
      MemcacheError.unsupported({ server }),
      MemcacheError.serverError({ server }),
      MemcacheError.clientError({ server }),
      MemcacheError.valueTooLarge({ server })
    ]
    for (const error of errors) assert.strictEqual(health.failed(error, connection, true), "alive")
  })

  it("a server has recovered when it lived as long as the last delay", () => {
    const health = new Health(1)
    assert.isTrue(health.hasRecovered(0))
    const first = death(true)
    health.death = first
    health.probeAfter(first, 4000, 1000, 50_000)
    assert.deepStrictEqual([first.probeAt, first.probeAtMonotonic], [54_000, 5000])
    health.returned(5000)
    assert.strictEqual(health.death, undefined)
    assert.isFalse(health.hasRecovered(8999))
    assert.isTrue(health.hasRecovered(9000))
  })

  it("a server whose death was forgotten has recovered", () => {
    const health = new Health(1)
    const first = death(true)
    health.death = first
    health.probeAfter(first, 4000, 1000, 50_000)
    health.forget()
    assert.isTrue(health.hasRecovered(1000))
  })

  it("at most half of the servers may be marked dead for failing, and never the only one", () => {
    const alive = (n: number) => new Array<undefined>(n).fill(undefined)
    const failing = (n: number) => Array.from({ length: n }, () => death(false))
    assert.isFalse(mayMarkDead([]))
    assert.isFalse(mayMarkDead(alive(1)))
    assert.isTrue(mayMarkDead(alive(2)))
    assert.isFalse(mayMarkDead([...failing(1), ...alive(1)]))
    assert.isTrue(mayMarkDead(alive(3)))
    assert.isFalse(mayMarkDead([...failing(1), ...alive(2)]))
    assert.isTrue(mayMarkDead([...failing(1), ...alive(3)]))
    assert.isFalse(mayMarkDead([...failing(2), ...alive(2)]))
    // Those that cannot be reached are not counted.
    assert.isTrue(mayMarkDead([death(true), death(true), ...failing(1), ...alive(1)]))
  })
})
