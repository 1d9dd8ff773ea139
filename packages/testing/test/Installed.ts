/**
 * Programs that some tests need. Where one is missing the tests that need it are left out with a word why; under CI they
 * run and fail, so that nothing is left out unseen.
 */
import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"

const isCI = !["", "false", undefined].includes(process.env["CI"])

export const isMissing = (program: string): boolean => {
  const directories = (process.env["PATH"] ?? "").split(delimiter)
  const isThere = directories.some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  if (isThere || isCI) return false
  process.stderr.write(`${program} is not installed, so the tests that need it are skipped.\n`)
  return true
}
