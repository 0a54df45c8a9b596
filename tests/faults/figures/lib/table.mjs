/** Prints a table as Markdown has it, a row at a time. */
export function table(...names) {
  const line = (cells) => console.log(`| ${cells.join(" | ")} |`)
  line(names)
  line(names.map(() => "---"))
  return (...cells) => line(cells)
}
