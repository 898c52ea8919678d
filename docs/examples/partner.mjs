// A partner's own system, from the first message to a figure that moved: it sees a referral, accepts it, plans an
// activity, delivers it, corrects it, and follows what that does to the reach of the school. It is written from the
// README and contracts/ alone, for you to copy. It ends by itself, and says what it saw.
//
//   node docs/examples/partner.mjs --kafka 127.0.0.1:9092 --referrals http://127.0.0.1:8002 --partner own:atelier
//
// Run it where a request was referred to that partner (`samenspel status` names the addresses). Exit: 0 the figure
// followed and every message kept the contracts, 1 not so (a sentence says what).

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

import { partitionOf } from "../../contracts/check/partitioner.mjs"; // Kafka's murmur2, in thirty lines

// In a project of yours: `npm install ajv ajv-formats @platformatic/kafka`, and import them. Here they are installed
// for the check in contracts/check: `npm ci` in that folder, or `make demo`.
const contracts = new URL("../../contracts/", import.meta.url);
const require = createRequire(new URL("check/package.json", contracts));
const { default: Ajv2020 } = require("ajv/dist/2020.js"); // the schemas are of 2020-12: plain `ajv` takes draft-07
const { default: addFormats } = require("ajv-formats");
const { Consumer } = require("@platformatic/kafka");

const text = (fallback) => ({ type: "string", default: fallback });
const { values: options } = parseArgs({
  options: {
    kafka: text("127.0.0.1:9092"),
    prefix: text(""), // before the names of all topics
    referrals: text("http://127.0.0.1:8002"),
    partner: text("own:atelier"),
    at: text(`${new Date(Date.now() - 3_600_000).toISOString().slice(0, 19)}+00:00`), // when it took place: an hour ago
  },
});
const PATIENCE = 90_000; // ms for each thing that we wait for; a second is usual
const READ_COMMITTED = 1; // topics may hold transactions

// --- Reading: every message is judged by the contracts before anything is done with it. ----------------------------

const read = (name) => JSON.parse(readFileSync(new URL(name, contracts), "utf8"));
const manifest = read("topics.json");
const ajv = addFormats(new Ajv2020({ allErrors: true }));
const validators = new Map();
const faultsOf = (schema, value) => {
  if (!validators.has(schema)) validators.set(schema, ajv.compile(read(schema)));
  const valid = validators.get(schema);
  return valid(value) ? null : ajv.errorsText(valid.errors);
};

const NEEDED = ["sites", "offers", "referrals", "activities", "metrics.current"].map((name) => `partnership.${name}.v1`);
const seen = { messages: 0, repetitions: 0, setAside: 0, faults: [] };
const said = new Map(); // aggregate -> what was said of it: [{ epoch, version, type, data }], in order

function take({ topic: name, partition, key, value }) {
  const topic = manifest.topics.find((each) => options.prefix + each.name === name);
  seen.messages += 1;
  if (value === undefined || value === null) return; // a tombstone: that figure is published no more
  const fault = (why) => void seen.faults.push(`${topic.name}, key ${key}: ${why}`);
  let event;
  try {
    event = JSON.parse(value.toString("utf8"));
  } catch {
    return fault("not JSON");
  }
  const wrongEnvelope = faultsOf(manifest.envelope, event);
  if (wrongEnvelope) return fault(wrongEnvelope);
  if (key?.toString() !== event.partitionkey) return fault(`the partitionkey is ${event.partitionkey}`);
  if (partition !== partitionOf(key, manifest.partitions)) return fault(`its partition is not ${partition}`);
  if (!event.source.endsWith(`:${topic.producer}`)) return fault(`${event.source} does not write here`);
  const known = topic.events.find(({ type }) => type === event.type);
  if (!known) return void (seen.setAside += 1); // a newer release says more than we know: no fault of ours or theirs
  const wrongData = faultsOf(known.schema, event.data);
  if (wrongData) return fault(`${event.type}: ${wrongData}`);
  remember(topic, known, event);
}

// What a message is told apart by, and what a higher epoch undoes: contracts/README.md, "Order and repetitions".
function remember(topic, { aggregate, type }, { subject, streamepoch: epoch, aggregateversion: version, data }) {
  const name = `${topic.name} ${aggregate} ${subject}`;
  const before = said.get(name) ?? [];
  const isRepeated = before.some((one) => one.epoch === epoch && one.version === version);
  const isUndone = before.some((one) => one.epoch > epoch && one.version <= version);
  if (isRepeated || isUndone) return void (seen.repetitions += 1);
  const kept = before.filter((one) => one.epoch >= epoch || one.version < version);
  said.set(name, [...kept, { epoch, version, type: type.split(".").at(-2), data }]);
}

const all = (type) => [...said.values()].flat().filter((one) => one.type === type).map((one) => one.data);
const of = (topic, aggregate, id) => said.get(`partnership.${topic}.v1 ${aggregate} ${id}`) ?? [];

async function until(what, ask) {
  for (const deadline = Date.now() + PATIENCE; Date.now() < deadline; await sleep(50)) {
    const answer = ask();
    if (answer) return answer;
  }
  throw new Error(`nothing came of it in ${PATIENCE / 1000} s: ${what}`);
}

// --- Commanding: the same key until there is an answer, so that it has one effect, however often it is sent. --------

async function command(path, body, version) {
  const headers = {
    "Content-Type": "application/json",
    "Idempotency-Key": randomUUID(),
    "Samenspel-Actor": `role=partner; organisation=${options.partner}; actor=p1`,
    ...(version && { "If-Match": `"${version}"` }), // the version that we have read: else it changed under our hands
  };
  const request = { method: "POST", headers, body: JSON.stringify(body) };
  for (const deadline = Date.now() + PATIENCE; Date.now() < deadline; ) {
    const answer = await fetch(`${options.referrals}/v1${path}`, request).catch(() => null); // no answer: ask again
    if (answer?.ok) return answer.json();
    const wait = answer ? answer.headers.get("retry-after") : 1; // 503, and 409 for what it has not heard of yet
    if (!wait) throw new Error(`${path} was refused: ${await answer.text()}`);
    await sleep(wait * 1000);
  }
  throw new Error(`${path} was not answered in ${PATIENCE / 1000} s`);
}

// --- What a partner does. -------------------------------------------------------------------------------------------

const tell = (sentence) => console.log(sentence);

// Made to us, and nothing else was said of it yet.
const ours = ({ referralId, partnerId }) =>
  partnerId === options.partner && of("referrals", "referral", referralId).length === 1;

const newest = (key) => of("metrics.current", "figure", key).at(-1)?.data;
// Reach lies between two bounds; they meet where every child was counted.
const shown = ({ lower, upper }) => [...new Set([lower, upper].map(Number))].join(" to ");

async function follow(key, before) {
  const after = await until(`the figure ${key} moves`, () => newest(key).digest !== before.digest && newest(key));
  tell(`The reach of the school went from ${shown(before)} to ${shown(after)} pupils.`);
  return after;
}

async function play() {
  const referral = await until("a referral to us", () => all("ReferralMade").find(ours));
  const { referralId, siteId, coSiteIds = [], programme, learningAreas } = referral;
  const referralVersion = () => of("referrals", "referral", referralId).at(-1).version;
  tell(`${referral.brokerId} referred a request of ${siteId} to us, attempt ${referral.attempt}; we accept it.`);
  await command(`/referrals/${referralId}/acceptances`, {}, referralVersion());

  const where = { siteIds: [siteId, ...coSiteIds], partnerIds: [options.partner], programme, learningAreas };
  const plan = await command("/activities", { ...where, plannedFor: options.at, referralId });
  const path = `/activities/${plan.activityId}`;
  tell(`We planned the activity ${plan.activityId}, which starts the referral.`);

  // How large the school's group is: the request says what was asked, GroupRecorded what the register counted.
  const recorded = () => referral.groups.map(({ groupId }) => of("sites", "group", groupId).at(-1)?.data);
  const group = await until("the school's group", () => recorded().find((each) => each?.register === "school"));
  const size = group.headcount.lower;
  const counted = (participants) => [{ groupId: group.groupId, headcount: size, participants }];
  const details = { ...where, occurredAt: options.at, durationMinutes: 90, setting: "in_school", substitution: "replaces" };
  const reach = `reach-school/1/${programme}/site:${group.siteId}/all/${group.schoolYear}`;
  const atFirst = await until("the reach of the school", () => newest(reach)); // 0 as soon as it has a group
  const delivered = await command(`${path}/deliveries`, { ...details, groups: counted(size) }, plan.version);
  tell(`We delivered it to all ${size} pupils of ${group.groupId}.`);
  const whenAllCame = await follow(reach, atFirst);

  const reason = { list: "activity-correction", code: "wrong_count" }; // the lists come as ReasonListPublished
  const right = { ...details, groups: counted(size - 2), reason };
  await command(`${path}/corrections`, right, delivered.version);
  tell("Two pupils were ill, so we corrected it: the whole body again, as it should have been.");
  await follow(reach, whenAllCame);

  // Our own steps come back as events; their version is what `If-Match` names.
  await until("our start of the referral", () => all("ReferralStarted").some((each) => each.referralId === referralId));
  await command(`/referrals/${referralId}/completions`, { outcome: "delivered" }, referralVersion());
  await until("the end of the referral", () => all("ReferralCompleted").some((each) => each.referralId === referralId));
  tell("The referral is completed.");
}

const groupId = `${options.prefix}example-partner-${randomUUID()}`; // reads from the beginning, each time anew
const consumer = new Consumer({ clientId: "example-partner", groupId, bootstrapBrokers: options.kafka.split(",") });
try {
  const topics = NEEDED.map((name) => options.prefix + name);
  const settings = { mode: "earliest", autocommit: false, isolationLevel: READ_COMMITTED, maxWaitTime: 200 };
  const stream = await consumer.consume({ topics, ...settings });
  stream.on("data", take);
  await play();
  const { messages, repetitions, setAside, faults } = seen;
  tell(`${messages} messages: ${repetitions} repetitions, ${setAside} of a type that we do not know.`);
  tell(faults.length === 0 ? "Every message kept the contracts." : faults.join("\n"));
  process.exitCode = faults.length === 0 ? 0 : 1;
} catch (error) {
  console.error(`The partner gave up: ${error.message}`);
  process.exitCode = 1;
} finally {
  await consumer.close(true);
}
