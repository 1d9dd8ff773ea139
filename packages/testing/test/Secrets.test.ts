import { assert, describe, it } from "@effect/vitest"
import { found } from "../src/Secrets.ts"

const secrets = { password: "anal\"ytical engine", value: "note-g" }

describe("Secrets", () => {
  it("finds nothing where nothing is", () => {
    assert.isEmpty(found("an ordinary line\n", secrets))
    assert.isEmpty(found("", secrets))
  })

  it("finds a secret in every form in which programs print text", () => {
    const { password } = secrets
    const texts = {
      "in plain text": `wrong: ${password}`,
      "in JSON": JSON.stringify({ password }),
      "in percent-encoding": `?password=${encodeURIComponent(password)}`,
      "in hexadecimal": `<Buffer ${Buffer.from(password).toString("hex")}>`,
      "in base64": Buffer.from(password).toString("base64")
    }
    for (const [form, text] of Object.entries(texts)) {
      assert.include(found(text, secrets), `password ${form}`)
    }
  })

  it("names each secret", () => {
    assert.deepStrictEqual(found("note-g", secrets), ["value in plain text"])
  })
})
