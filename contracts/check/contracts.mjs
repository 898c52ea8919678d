// The contracts as an outsider has them: topics.json and the schemas it names, nothing else.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

// Schemas are open for readers; for this check every field that is not documented is an error.
// Conditions look at some fields of an object that is described elsewhere: they stay as they are.
const CONDITIONS = new Set(["if", "then", "else", "oneOf", "anyOf", "not"]);

function closed(node) {
  if (Array.isArray(node)) return node.map(closed);
  if (node === null || typeof node !== "object") return node;
  const parts = Object.entries(node).map(([key, value]) => [key, CONDITIONS.has(key) ? value : closed(value)]);
  const copy = Object.fromEntries(parts);
  return copy.type === "object" && copy.properties ? { ...copy, additionalProperties: false } : copy;
}

const dotted = (path) => path.split("/").join(".");

function wording({ instancePath, keyword, params, message }, root) {
  const where = root + dotted(instancePath);
  if (keyword === "additionalProperties") return `${where}.${params.additionalProperty} is not documented`;
  const allowed = params.allowedValues ?? params.allowedValue;
  return `${where} ${message}${allowed === undefined ? "" : ` (${[allowed].flat().join(", ")})`}`;
}

export function loadContracts(folder) {
  const read = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
  const manifest = read("topics.json");
  const ajv = addFormats(new Ajv2020({ strict: true, allErrors: true }));
  const compiled = new Map(); // a schema is compiled when its first message comes

  function schemaOf(name) {
    if (!compiled.has(name)) {
      const schema = read(name);
      compiled.set(name, { id: schema.$id, validate: ajv.compile(closed(schema)) });
    }
    return compiled.get(name);
  }

  return {
    manifest,
    topics: new Map(manifest.topics.map((topic) => [topic.name, topic])),
    idOf: (name) => schemaOf(name).id,
    faults(name, value, root) {
      const { validate } = schemaOf(name);
      return validate(value) ? [] : validate.errors.map((error) => wording(error, root));
    },
  };
}
