import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { X509Certificate } from "node:crypto"
import { existsSync } from "node:fs"
import * as Certificates from "../src/Certificates.ts"

describe("Certificates", () => {
  it.effect("the server's certificate is good for this machine and signed by the authority", () =>
    Effect.gen(function*() {
      const { ca, caFile, cert, certFile, keyFile } = yield* Certificates.make
      const server = new X509Certificate(cert)
      assert.isTrue(server.verify(new X509Certificate(ca).publicKey))
      assert.isDefined(server.checkHost("localhost"))
      assert.isDefined(server.checkIP("127.0.0.1"))
      assert.isUndefined(server.checkHost("example.com"))
      for (const file of [caFile, certFile, keyFile]) assert.isTrue(existsSync(file))
    }))

  it.effect("two authorities do not know each other, and their files go with the scope", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const one = yield* Certificates.make.pipe(Scope.provide(scope))
      const other = yield* Certificates.make
      assert.isFalse(new X509Certificate(one.cert).verify(new X509Certificate(other.ca).publicKey))
      yield* Scope.close(scope, Exit.void)
      assert.isFalse(existsSync(one.keyFile))
      assert.isTrue(existsSync(other.keyFile))
    }))

  it.effect("an expired certificate is good in all but its time", () =>
    Effect.gen(function*() {
      const { ca, cert } = yield* Certificates.makeExpired
      const server = new X509Certificate(cert)
      assert.isTrue(server.verify(new X509Certificate(ca).publicKey))
      assert.isDefined(server.checkHost("localhost"))
      assert.isBelow(Date.parse(server.validTo), Date.now())
    }))
})
