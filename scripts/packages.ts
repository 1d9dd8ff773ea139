/**
 * Looks at the packages as a user gets them: packs each one and has publint and attw judge the archive.
 *
 * Prints what is wrong and exits with 1, or prints one line. Expects that `tsc -b` has run.
 */
import { execFile } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const root = join(import.meta.dirname, "..")

interface Packed {
  readonly name: string
  readonly filename: string
  readonly files: ReadonlyArray<{ readonly path: string }>
}

/** Runs a command from the root; answers its output, also when it fails. */
const run = async (command: string, args: ReadonlyArray<string>): Promise<{ ok: boolean; output: string }> => {
  try {
    const { stdout } = await promisify(execFile)(command, [...args], { cwd: root, maxBuffer: 16 * 1024 * 1024 })
    return { ok: true, output: stdout }
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string }
    return { ok: false, output: `${stdout}${stderr}`.trim() || String(error) }
  }
}

/** What is wrong with the list of files in an archive. */
const contents = (directory: string, { name, files }: Packed): Array<string> => {
  const paths = files.map((file) => file.path)
  const strangers = paths.filter((path) =>
    !/^(src\/.+\.ts|dist\/.+\.(js|d\.ts|map)|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path)
  )
  const orphans = paths.filter((path) =>
    /^dist\/.+(?<!\.d)\.(js|d\.ts)$/.test(path) &&
    !existsSync(join(root, directory, path.replace(/^dist\//, "src/").replace(/(\.d\.ts|\.js)$/, ".ts")))
  )
  return [
    ...strangers.map((path) => `${name}: ${path} does not belong into the archive`),
    ...orphans.map((path) => `${name}: ${path} has no source any more; npm run clean removes it`),
    ...["src/index.ts", "dist/index.js", "dist/index.d.ts", "LICENSE", "README.md"].filter((path) =>
      !paths.includes(path)
    )
      .map((path) => `${name}: ${path} is missing in the archive`)
  ]
}

const directories = readdirSync(join(root, "packages")).sort().map((name) => `packages/${name}`)
const archives = mkdtempSync(join(tmpdir(), "packages-"))
try {
  const workspaces = directories.map((directory) => `--workspace=${directory}`)
  const pack = await run("npm", ["pack", "--json", "--loglevel=error", "--pack-destination", archives, ...workspaces])
  if (!pack.ok) throw new Error(pack.output)
  const parsed = JSON.parse(pack.output) as ReadonlyArray<Packed> | Readonly<Record<string, Packed>>
  const packed = Object.values(parsed)
  const judge = async (directory: string): Promise<Array<string>> => {
    const archive = packed.find(({ name }) => name === `@effect-memcache/${directory.split("/")[1]}`)!
    const file = join(archives, archive.filename)
    const verdicts = await Promise.all([
      run("publint", ["run", file, "--strict"]),
      run("attw", [file, "--profile", "esm-only", "--no-emoji"])
    ])
    const complaints = verdicts.filter((verdict) => !verdict.ok).map((verdict) => `${archive.name}\n${verdict.output}`)
    return [...contents(directory, archive), ...complaints]
  }
  const complaints = (await Promise.all(directories.map(judge))).flat()
  if (complaints.length > 0) throw new Error(complaints.join("\n"))
  console.log(`${packed.length} packages, ${packed.reduce((sum, { files }) => sum + files.length, 0)} files`)
} catch (error) {
  console.log((error as Error).message)
  process.exitCode = 1
} finally {
  rmSync(archives, { recursive: true, force: true })
}
