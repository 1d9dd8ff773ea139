/**
 * Installs the peers, which no user of the client ever installs: on first use, and again when their lock changes.
 */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const folder = import.meta.dirname
const stamp = join(folder, "node_modules", ".setup-hash")

const wanted = (): string => {
  const hash = createHash("sha256")
  for (const file of ["package.json", "package-lock.json"]) hash.update(readFileSync(join(folder, file)))
  return hash.digest("hex")
}

/** Answers why they could not be installed, or `undefined` when they are there. */
export const install = (): string | undefined => {
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted()) return undefined
  process.stdout.write("Installing the peers (npm ci in benchmarks, a few seconds) ...\n")
  const { error, status, stderr } = spawnSync(
    "npm",
    ["ci", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
    { cwd: folder, encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] }
  )
  if (status !== 0) return error?.message ?? stderr.trim()
  writeFileSync(stamp, wanted())
  return undefined
}
