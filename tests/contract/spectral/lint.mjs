// What Spectral finds in OpenAPI descriptions, by the name of each, as JSON: `node lint.mjs FILE…`.

import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import spectral from '@stoplight/spectral-core'
import parsers from '@stoplight/spectral-parsers'
import ruleset from './ruleset.mjs'

const linter = new spectral.Spectral()
linter.setRuleset(new spectral.Ruleset(ruleset))
const found = {}
for (const file of process.argv.slice(2)) {
  const document = new spectral.Document(await readFile(file, 'utf8'), parsers.Json, file)
  const sentences = (await linter.run(document)).map((each) => `${each.code} at ${each.path.join('.')}: ${each.message}`)
  found[basename(file, '.json')] = sentences
}
console.log(JSON.stringify(found))
