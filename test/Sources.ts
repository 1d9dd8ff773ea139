/**
 * Reads the packages' sources for the tests of the workspace: which files there are, and what each one imports.
 */
import { globSync, readFileSync } from "node:fs"
import { join, posix } from "node:path"
import { parseSync, Visitor } from "oxc-parser"
import type { Import } from "./ImportEdges.ts"

const root = join(import.meta.dirname, "..")

/** The source files of every package, from the root of the repository, in order. */
export const files = (): Array<string> =>
  globSync("packages/*/src/**/*.ts", { cwd: root }).map((file) => file.replaceAll("\\", "/")).sort()

/** The text of one of them. */
export const read = (file: string): string => readFileSync(join(root, file), "utf8")

/** What a module imports, in whichever way TypeScript offers: also types, re-exports, `import()` and references. */
export const imports = (file: string, text: string): Array<Import> => {
  const parsed = parseSync(file, text)
  if (parsed.errors.length > 0) throw new Error(`${file}: ${parsed.errors[0]!.message}`)
  const specifiers: Array<string | undefined> = []
  const literal = (node: { readonly type: string; readonly value?: unknown }): string | undefined =>
    node.type === "Literal" && typeof node.value === "string" ? node.value : undefined
  new Visitor({
    ImportDeclaration: (node) => void specifiers.push(node.source.value),
    ExportAllDeclaration: (node) => void specifiers.push(node.source.value),
    ExportNamedDeclaration: (node) => void (node.source !== null && specifiers.push(node.source.value)),
    ImportExpression: (node) => void specifiers.push(literal(node.source)),
    TSImportType: (node) => void specifiers.push(node.source.value),
    TSExternalModuleReference: (node) => void specifiers.push(node.expression.value),
    CallExpression: (node) => {
      if (node.callee.type === "Identifier" && node.callee.name === "require") {
        specifiers.push(node.arguments.length === 1 ? literal(node.arguments[0]!) : undefined)
      }
    }
  }).visit(parsed.program)
  for (const comment of parsed.comments) {
    const reference = /^\/\s*<reference\s+(?:types|path|lib)\s*=\s*["']([^"']*)["']/.exec(comment.value)
    if (reference !== null) specifiers.push(reference[1]!)
  }
  return specifiers.map((specifier) => ({
    file,
    specifier,
    target: specifier?.startsWith(".") ? posix.join(posix.dirname(file), specifier) : undefined
  }))
}
