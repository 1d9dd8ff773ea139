/**
 * Brings the figures of `docs/RELIABILITY.md` up to date with the last runs, as `npm run reliability`. A test demands that
 * they are.
 */
import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { fill, page } from "./Reliability.ts"

writeFileSync(page, fill(readFileSync(page, "utf8")))
spawnSync("dprint", ["fmt", page], { stdio: "inherit" })
