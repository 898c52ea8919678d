// An external consumer in another language: reads every message on every topic with contracts/ alone.
//
//   node check.mjs --contracts DIR --kafka HOST:PORT [--prefix P] [--json]
//   node check.mjs --contracts DIR [--json] < lines.jsonl
//
// Exit: 0 every message keeps every promise, 1 some do not (a sentence each), 2 it could not be checked.

import { parseArgs } from "node:util";

import { loadContracts } from "./contracts.mjs";
import { Check } from "./rules.mjs";
import { fromKafka, fromLines } from "./sources.mjs";

const SHOWN = 50; // sentences printed; more would hide the first

function table(counts) {
  const rows = [["topic", "type", "messages", "events"], ...counts.map((row) => Object.values(row).map(String))];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const padded = (text, column) => (column < 2 ? text.padEnd(widths[column]) : text.padStart(widths[column]));
  return rows.map((row) => row.map(padded).join("  ")).join("\n");
}

function report({ counts, violations }) {
  const messages = counts.reduce((sum, row) => sum + row.messages, 0);
  const found = `${violations.length} violation${violations.length === 1 ? "" : "s"}`;
  const verdict = violations.length === 0 ? "every one keeps the contracts" : found;
  const shown = violations.slice(0, SHOWN);
  const more = violations.length > SHOWN ? [`… and ${violations.length - SHOWN} more.`] : [];
  return [table(counts), ...shown, ...more, `${messages} messages: ${verdict}.`].join("\n");
}

async function main() {
  const text = { type: "string" };
  const options = { contracts: text, kafka: text, prefix: { ...text, default: "" }, json: { type: "boolean" } };
  const { values } = parseArgs({ options });
  const contracts = loadContracts(values.contracts);
  const names = [...contracts.topics.keys()];
  const messages = values.kafka ? fromKafka(values.kafka, values.prefix, names) : fromLines(process.stdin);
  const check = new Check(contracts);
  for await (const message of messages) check.see(message);
  if (check.counts.length === 0) throw new Error("there is not one message"); // proves nothing
  const order = ({ topic }) => names.indexOf(topic);
  const counts = check.counts.sort((a, b) => order(a) - order(b) || a.type.localeCompare(b.type));
  const outcome = { counts, violations: check.violations };
  console.log(values.json ? JSON.stringify(outcome) : report(outcome));
  return check.violations.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`Could not be checked: ${error.message.replace(/\.$/, "")}.`);
  process.exitCode = 2;
}
