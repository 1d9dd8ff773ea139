/**
 * A certificate authority to throw away, so that TLS can be tried with verification on.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

/**
 * The certificates could not be made, mostly because there is no `openssl`.
 *
 * @category errors
 * @since 0.1.0
 */
export class CertificatesError extends Schema.TaggedError<CertificatesError>(
  "@effect-memcache/testing/CertificatesError"
)("CertificatesError", { cause: Schema.Defect() }) {
  override get message(): string {
    const reason = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `The openssl command cannot make certificates; is it installed? ${reason}`
  }
}

/**
 * An authority and a server's certificate for `localhost`, `127.0.0.1` and `::1`, valid for two days unless it was made to
 * be expired. Each as a PEM text and as a file, which is gone with the scope.
 *
 * @category models
 * @since 0.1.0
 */
export interface Certificates {
  readonly ca: string
  readonly cert: string
  readonly key: string
  readonly caFile: string
  readonly certFile: string
  readonly keyFile: string
}

const run = promisify(execFile)

const NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"

const write = async (directory: string, days: number): Promise<Certificates> => {
  const file = (name: string): string => join(directory, name)
  const openssl = (args: string) => run("openssl", args.split(" "), { cwd: directory })
  await writeFile(file("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n")
  await openssl(`req -x509 ${NEW_KEY} -days 2 -subj /CN=throw-away-authority -keyout ca.key -out ca.pem`)
  await openssl(`req ${NEW_KEY} -subj /CN=localhost -keyout server.key -out server.csr`)
  const sign = `-CA ca.pem -CAkey ca.key -CAcreateserial -days ${days} -extfile names`
  await openssl(`x509 -req -in server.csr ${sign} -out server.pem`)
  const [ca, cert, key] = await Promise.all(
    ["ca.pem", "server.pem", "server.key"].map((name) => readFile(file(name), "utf8"))
  )
  return { ca, cert, key, caFile: file("ca.pem"), certFile: file("server.pem"), keyFile: file("server.key") }
}

const makeFor = (days: number): Effect.Effect<Certificates, CertificatesError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () => mkdtemp(join(tmpdir(), "certificates-")),
      catch: (cause) => new CertificatesError({ cause })
    }),
    (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
  ).pipe(
    Effect.flatMap((directory) =>
      Effect.tryPromise({ try: () => write(directory, days), catch: (cause) => new CertificatesError({ cause }) })
    )
  )

/**
 * Makes an authority and a server's certificate in a temporary folder, with the `openssl` command.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<Certificates, CertificatesError, Scope.Scope> = makeFor(2)

/**
 * The same with a server's certificate that expired yesterday.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeExpired: Effect.Effect<Certificates, CertificatesError, Scope.Scope> = makeFor(-1)
