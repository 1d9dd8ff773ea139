/**
 * Says which imports the design allows, because an architecture that only a picture knows is gone after a month.
 *
 * Pure: `Sources.ts` reads the files, `ImportEdges.test.ts` puts the two together.
 */

/** One import, export-from or `import()` in a package's `src`. */
export interface Import {
  /** The importing file, from the root of the repository: `packages/client/src/Memcache.ts`. */
  readonly file: string
  /** What is written between the quotes; `undefined` for an `import()` of something that is computed. */
  readonly specifier: string | undefined
  /** For a relative import: the file it names, from the root of the repository. */
  readonly target?: string | undefined
}

/** What a package may import besides its own files: a list of patterns, each for the files that it names. */
interface Allowance {
  readonly specifier: RegExp
  /** A file of the package's `src`; absent means any. */
  readonly file?: string | undefined
  /** No more than one file may use it, whichever that is. */
  readonly once?: boolean | undefined
}

const effectModule: Allowance = { specifier: /^effect\/./ }
const protocol: Allowance = { specifier: /^@effect-memcache\/protocol\/./ }
const transport: Allowance = { specifier: /^@effect-memcache\/transport\/./ }

/** The table of the design: whoever is not named here may not be imported. */
const allowances: Readonly<Record<string, ReadonlyArray<Allowance>>> = {
  protocol: [],
  transport: [
    effectModule,
    protocol,
    { specifier: /^@effect\/platform-node\/NodeSocket$/, file: "NodeTransport.ts" },
    { specifier: /^node:/, file: "NodeTransport.ts" }
  ],
  client: [
    effectModule,
    protocol,
    transport,
    { specifier: /^node:crypto$/, once: true },
    { specifier: /^node:zlib$/, once: true }
  ],
  testing: [effectModule, protocol, { specifier: /^@effect\/platform-node\/./ }, { specifier: /^node:/ }]
}

const split = (file: string): readonly [name: string, path: string] => {
  const match = /^packages\/([^/]+)\/src\/(.+)$/.exec(file)
  return match === null ? ["", file] : [match[1]!, match[2]!]
}

const refusal = (edge: Import): string | undefined => {
  const [name, path] = split(edge.file)
  if (edge.specifier === undefined) return `${edge.file} imports something computed, which cannot be checked`
  if (edge.target !== undefined) {
    return split(edge.target)[0] === name ? undefined : `${edge.file} leaves its package by ${edge.specifier}`
  }
  const allowed = (allowances[name] ?? []).some((allowance) =>
    allowance.specifier.test(edge.specifier!) && (allowance.file === undefined || allowance.file === path)
  )
  return allowed ? undefined : `${edge.file} may not import ${edge.specifier}`
}

const repeated = (imports: ReadonlyArray<Import>): Array<string> =>
  Object.entries(allowances).flatMap(([name, list]) =>
    list.filter((allowance) => allowance.once).flatMap((allowance) => {
      const users = new Set(
        imports.filter((edge) => split(edge.file)[0] === name && allowance.specifier.test(edge.specifier ?? ""))
          .map((edge) => edge.file)
      )
      return users.size < 2
        ? []
        : [`${[...users].sort().join(" and ")} may not all import ${allowance.specifier.source}`]
    })
  )

/** One sentence for each import that the design does not allow. */
export const violations = (imports: ReadonlyArray<Import>): Array<string> => [
  ...imports.map(refusal).filter((sentence) => sentence !== undefined),
  ...repeated(imports)
]

/** Every file that a file needs, and every package that a package needs. */
export const graph = (imports: ReadonlyArray<Import>): Map<string, Set<string>> => {
  const edges = new Map<string, Set<string>>()
  const add = (from: string, to: string): void => {
    edges.set(from, (edges.get(from) ?? new Set()).add(to))
  }
  for (const { file, specifier, target } of imports) {
    if (target !== undefined) add(file, target)
    const other = /^@effect-memcache\/([^/]+)/.exec(specifier ?? "")
    if (other !== null) add(split(file)[0], other[1]!)
  }
  return edges
}

/**
 * The cycles of a graph, each as the way around it that starts at its least name: `["a", "b", "a"]`.
 *
 * Finds at least one cycle of each knot, not every way around: with that one gone, the next run shows the next.
 */
export const cycles = (edges: ReadonlyMap<string, ReadonlySet<string>>): Array<Array<string>> => {
  const found = new Map<string, Array<string>>()
  const done = new Set<string>()
  const visit = (node: string, way: ReadonlyArray<string>): void => {
    const start = way.indexOf(node)
    if (start >= 0) {
      const loop = way.slice(start)
      const least = loop.indexOf([...loop].sort()[0]!)
      const turned = [...loop.slice(least), ...loop.slice(0, least), loop[least]!]
      found.set(turned.join(" "), turned)
      return
    }
    if (done.has(node)) return
    for (const next of [...edges.get(node) ?? []].sort()) visit(next, [...way, node])
    done.add(node)
  }
  for (const node of [...edges.keys()].sort()) visit(node, [])
  return [...found.values()]
}
