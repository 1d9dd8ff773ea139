/**
 * Brings a machine to the point where everything else here can run: it is all that `npm start` and `npm test` expect.
 *
 * It runs on whatever Node the machine has (20 or newer) and needs no package, because it is what installs them. The
 * toolchain's own Node is one of those packages, and the scripts that call this one name it by its path afterwards: a shell
 * remembers where it found `node` the first time.
 *
 * Says one line before each step that takes long, and nothing when there is nothing to do. With `--servers` it also
 * provides what the tests against a real memcached need, with `--interop` the clients of other languages and the proxy
 * that `npm run test:interop` tries. Those are only attempted: the tests decide whether their absence is a failure.
 */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { accessSync, constants, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { delimiter, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const stamp = join(root, "node_modules", ".setup-hash")

const say = (line) => process.stdout.write(`${line}\n`)

// Where Debian has what only root needs; not every root has them on the path.
const systemDirectories = process.platform === "linux" ? ["/usr/sbin", "/sbin"] : []

/** Whether a command of this name can be started. */
const hasCommand = (name) =>
  [...(process.env.PATH ?? "").split(delimiter), ...systemDirectories].some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK)
      return directory !== ""
    } catch {
      return false
    }
  })

/** Runs quietly; the output matters only when it fails. No terminal on stdin, so that nothing waits for an answer. */
const run = (command, args, env = {}) => {
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env }
  })
  return { ok: result.status === 0, output: result.error ? String(result.error) : `${result.stdout}${result.stderr}` }
}

/** Of everything that decides what is installed: the lock and the manifests, and the platform of the binaries. */
const installHash = () => {
  const workspaces = readdirSync(join(root, "packages")).sort().map((name) => `packages/${name}/package.json`)
  const files = ["package-lock.json", "package.json", ".npmrc", "examples/package.json", ...workspaces]
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}`)
  for (const file of files) {
    const path = join(root, file)
    hash.update(`\n${file}\n`).update(existsSync(path) ? readFileSync(path) : "")
  }
  return hash.digest("hex")
}

const isInstalled = () => existsSync(stamp) && readFileSync(stamp, "utf8") === installHash()

/** Without writing the lock: another npm than the one that made it would write it in another way. */
const install = () => {
  say("Installing the toolchain (npm install, half a minute) ...")
  // The npm that started this script, if one did: there may be another one on PATH.
  const npm = process.env.npm_execpath
  const args = ["install", "--include=dev", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]
  const result = npm?.endsWith("npm-cli.js") ? run(process.execPath, [npm, ...args]) : run("npm", args)
  if (!result.ok) {
    say(result.output.trimEnd())
    say("npm install failed; the lines above say why.")
    process.exit(1)
  }
  const node = run(join(root, "node_modules", ".bin", "node"), ["--version"])
  if (!node.ok) {
    say("The toolchain's Node was not installed: npm must be allowed to run install scripts (ignore-scripts=false).")
    process.exit(1)
  }
  writeFileSync(stamp, installHash())
}

/** What the tests against real servers start, and Debian's package of it. */
const servers = [
  { isThere: () => hasCommand("memcached"), debian: "memcached" },
  { isThere: () => hasCommand("memccapable"), debian: "libmemcached-tools" },
  { isThere: () => hasCommand("openssl"), debian: "openssl" },
  // A clock that can be moved by an hour; where it is missing, that row says so and moves a clock of Effect's alone.
  ...(process.platform === "linux" ? [{ isThere: () => hasCommand("faketime"), debian: "faketime" }] : []),
  // Networks of their own, which only root on Linux can make: without that, those tests say why they are left out.
  ...(process.platform === "linux" && process.getuid() === 0
    ? [
      { isThere: () => ["ip", "tc", "ss"].every(hasCommand), debian: "iproute2" },
      { isThere: () => hasCommand("iptables-restore"), debian: "iptables" }
    ]
    : [])
]

/** Whether one of the programs runs this without a fault: Debian's libraries are only there for Debian's own Python. */
const runs = (programs, ...args) => () => programs.some((program) => run(program, args).ok)

const python = ["python3", "/usr/bin/python3"]

/** What the tests beside clients of other languages start; `interop/Neighbours.ts` says how. */
const neighbours = [
  { isThere: () => hasCommand("memcached"), debian: "memcached" },
  { isThere: runs(["nutcracker", "/usr/sbin/nutcracker"], "-V"), debian: "nutcracker" },
  { isThere: runs(python, "-c", "import memcache"), debian: "python3-memcache" },
  { isThere: runs(python, "-c", "import pymemcache"), debian: "python3-pymemcache" },
  { isThere: runs(python, "-c", "import pylibmc"), debian: "python3-pylibmc" },
  {
    isThere: runs(["php", "/usr/bin/php"], "-r", "exit(extension_loaded('memcached') ? 0 : 1);"),
    debian: "php-cli php-memcached"
  },
  { isThere: runs(["ruby", "/usr/bin/ruby"], "-e", "require 'dalli'"), debian: "ruby ruby-dalli" }
]

const provide = (wanted) => {
  const packages = wanted.filter(({ isThere }) => !isThere()).flatMap(({ debian }) => debian.split(" "))
  if (packages.length === 0) return
  const isRoot = process.getuid?.() === 0
  const mayInstall = hasCommand("apt-get") && (isRoot || (hasCommand("sudo") && run("sudo", ["-n", "true"]).ok))
  if (!mayInstall) {
    say(`Not installed here, and not installable without you: ${packages.join(", ")} (the names of Debian's packages).`)
    return
  }
  say(`Installing ${packages.join(" and ")} (apt-get) ...`)
  const aptGet = (...args) => {
    const command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=60"]
    const [first, ...rest] = isRoot ? command : ["sudo", "-n", ...command]
    return run(first, [...rest, ...args])
  }
  const packagesInstall = () => aptGet("install", "--no-install-recommends", ...packages)
  let result = packagesInstall()
  if (!result.ok) {
    // A fresh machine or image has no package lists, or old ones.
    aptGet("update")
    result = packagesInstall()
  }
  if (!result.ok) {
    say(result.output.trimEnd().split("\n").slice(-5).join("\n"))
    say(`apt-get could not install ${packages.join(" and ")}; the lines above say why.`)
  }
}

if (!isInstalled()) install()
if (process.argv.includes("--servers")) provide(servers)
if (process.argv.includes("--interop")) provide(neighbours)
