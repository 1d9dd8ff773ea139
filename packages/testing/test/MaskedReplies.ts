/**
 * A stream of replies, cut into lines and values, with what two servers cannot have in common replaced by `#`: cas
 * uniques, remaining seconds (other than -1) and seconds since the last access.
 */

export const maskReplies = (text: string): ReadonlyArray<string> => {
  const parts: Array<string> = []
  let at = 0
  while (at < text.length) {
    const end = text.indexOf("\r\n", at)
    if (end < 0) {
      parts.push(text.slice(at))
      break
    }
    const line = text.slice(at, end)
    at = end + 2
    const size = /^VALUE \S+ \d+ (\d+)/.exec(line)?.[1] ?? /^VA (\d+)/.exec(line)?.[1]
    parts.push(mask(line))
    if (size === undefined) continue
    parts.push(text.slice(at, at + Number(size) + 2))
    at += Number(size) + 2
  }
  return parts
}

const mask = (line: string): string => {
  if (line.startsWith("VALUE ")) return line.replace(/^(VALUE \S+ \d+ \d+) \d+$/, "$1 #")
  if (line.startsWith("ME ")) return line.replace(/exp=-?\d+ la=\d+ cas=\d+/, "exp=# la=# cas=#")
  if (!/^(?:VA|HD|EN|NS|EX|NF)\b/.test(line)) return line
  return line.split(" ").map((word, index) => index === 0 ? word : word.replace(/^(?:([lt])\d+|(c)[1-9]\d*)$/, "$1$2#"))
    .join(" ")
}
