/**
 * Which blocks of the packages' code have been run, as V8 counts them: what makes a search guided instead of blind.
 *
 * Counting halves the speed and a look at the counts takes a millisecond, so only `--learn` does it. What it finds is
 * kept in the corpus, from which every other run sets out at full speed.
 */
import type { Profiler } from "node:inspector"
import { Session } from "node:inspector"

/** Counts from its making on: modules that are loaded earlier are not counted. */
export class Coverage {
  private readonly known = new Set<string>()
  private readonly session = new Session()

  constructor() {
    this.session.connect()
    this.session.post("Profiler.enable")
    this.session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true })
  }

  /** How many blocks were run since the last call that had never been run before. They are known from now on. */
  grow(): number {
    const before = this.known.size
    for (const block of this.take()) this.known.add(block)
    return this.known.size - before
  }

  /** The blocks that were run since the last call and are not known yet. */
  private take(): Array<string> {
    let result: ReadonlyArray<Profiler.ScriptCoverage> = []
    // The answer comes before `post` returns, since both ends of the session live in this thread.
    this.session.post("Profiler.takePreciseCoverage", (error, answer) => {
      if (error === null) result = answer.result
    })
    const blocks: Array<string> = []
    for (const script of result) {
      if (!/\/packages\/[a-z]+\/src\//.test(script.url)) continue
      for (const { ranges } of script.functions) {
        for (const { count, endOffset, startOffset } of ranges) {
          if (count > 0) blocks.push(`${script.scriptId}:${startOffset}-${endOffset}`)
        }
      }
    }
    return blocks
  }
}
