/**
 * Prints what was measured as a table, for people who want to see more than that it was well.
 *
 * @since 0.1.0
 */

/**
 * Columns as wide as they need to be, with two blanks between them; the first is to the left, the others to the right,
 * or all of them to the left.
 *
 * @category constructors
 * @since 0.1.0
 */
export const format = (
  rows: ReadonlyArray<ReadonlyArray<string | number>>,
  options?: { readonly align?: "numbers" | "left" | undefined }
): string => {
  const cells = rows.map((row) => row.map(String))
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const isLeft = (column: number): boolean => column === 0 || options?.align === "left"
  return cells.map((row) =>
    row.map((cell, i) => isLeft(i) ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ").trimEnd()
  ).join("\n")
}
