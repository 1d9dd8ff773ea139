/**
 * Whether what is tried here is installed. Under CI nothing may be missing; elsewhere its tests are skipped, and it is
 * said why.
 */
import { spawnSync } from "node:child_process"

/** Under CI a test without its program runs, and fails with the sentence. */
export const isCI = !["", "false", undefined].includes(process.env["CI"])

/** A program on this machine, or a sentence about what is missing. */
export type Installed = { readonly program: string } | { readonly missing: string }

/** The first of the programs that runs the probe without a fault. */
export const find = (options: {
  readonly name: string
  /** Debian's packages of it. */
  readonly debian: string
  readonly programs: ReadonlyArray<string>
  readonly probe: ReadonlyArray<string>
}): Installed => {
  for (const program of options.programs) {
    if (spawnSync(program, options.probe, { stdio: "ignore", timeout: 20_000 }).status === 0) return { program }
  }
  return { missing: `${options.name} is not installed (Debian: apt-get install ${options.debian}).` }
}

/** What every test here needs. */
export const memcached = (): Installed =>
  find({ name: "memcached", debian: "memcached", programs: ["memcached"], probe: ["-V"] })

/** Says what is missing, once; answers whether its tests are to be skipped. */
export const isSkipped = (installed: Installed): boolean => {
  if (!("missing" in installed)) return false
  process.stderr.write(`${installed.missing}\n`)
  return !isCI
}

/** The program, or a failed test. */
export const programOf = (installed: Installed): string => {
  if ("missing" in installed) throw new Error(`${installed.missing} With CI set, nothing may be skipped.`)
  return installed.program
}
