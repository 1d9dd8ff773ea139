/**
 * Searches what a program has printed for what it may print nowhere: passwords, and values of users.
 *
 * @since 0.1.0
 */

/**
 * The secrets that stand in the text, by their names: as they are, escaped as in JSON, in percent-encoding, base64 or
 * hexadecimal.
 *
 * @category accessors
 * @since 0.1.0
 */
export const found = (text: string, secrets: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  Object.entries(secrets).flatMap(([name, secret]) =>
    Object.entries(forms(secret)).filter(([, form]) => text.includes(form)).map(([form]) => `${name} ${form}`)
  )

const forms = (secret: string): Record<string, string> => {
  const bytes = Buffer.from(secret)
  const plain = { "in plain text": secret, "in hexadecimal": bytes.toString("hex") }
  const base64 = bytes.subarray(0, bytes.length - bytes.length % 3).toString("base64")
  const others = {
    ...plain,
    "in JSON": JSON.stringify(secret).slice(1, -1),
    "in percent-encoding": encodeURIComponent(secret),
    // Only from a byte position that three divides.
    ...base64.length < 8 ? {} : { "in base64": base64 }
  }
  const seen = new Set<string>()
  return Object.fromEntries(Object.entries(others).filter(([, form]) => !seen.has(form) && seen.add(form)))
}
