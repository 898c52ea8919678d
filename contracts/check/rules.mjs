// What an outsider may rely on, message by message. `Check.see` takes every message in the order of its
// partition; `violations` are sentences that name topic, partition and offset.

import { createHash } from "node:crypto";

import { partitionOf } from "./partitioner.mjs";

const digestOf = (bytes) => createHash("sha256").update(bytes).digest("base64");

const parsed = (bytes) => {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
};

// Which versions may come next. A new epoch takes over at or below what the earlier ones reached; a
// compacted topic has lost versions, but not their order.
function expected(topic, epochs, epoch, newest) {
  if (topic.settings["cleanup.policy"] === "compact") return [newest + 1, Infinity];
  if (newest > 0) return [newest + 1, newest + 1];
  const earlier = [...epochs].filter(([other]) => other < epoch).map(([, known]) => known.newest);
  return [1, Math.max(0, ...earlier) + 1];
}

export class Check {
  violations = [];
  #contracts;
  #counts = new Map(); // topic and type -> messages, and how many of them are not repetitions
  #sent = new Map(); // source and id -> digest of the bytes, and the topics they came on
  #histories = new Map(); // topic and aggregate -> key, and for each epoch its newest version and all ids

  constructor(contracts) {
    this.#contracts = contracts;
  }

  get counts() {
    return [...this.#counts.values()];
  }

  see(message) {
    const topic = this.#contracts.topics.get(message.topic);
    if (topic.carries !== "events") return void this.#count(message, "(dead letter)", true);
    if (message.value === null) return void this.#seeTombstone(topic, message);
    const outside = this.#onTheOutside(message);
    for (const sentence of [...outside, ...this.#read(topic, message)]) this.#blame(message, sentence);
  }

  #seeTombstone(topic, message) {
    this.#count(message, "(tombstone)", true);
    if (topic.settings["cleanup.policy"] !== "compact") this.#blame(message, "the value is null");
  }

  #count({ topic }, type, isNew) {
    const name = `${topic} ${type}`;
    const row = this.#counts.get(name) ?? { topic, type, messages: 0, events: 0 };
    this.#counts.set(name, { ...row, messages: row.messages + 1, events: row.events + (isNew ? 1 : 0) });
  }

  #blame({ topic, partition, offset }, sentence) {
    this.violations.push(`${topic} [${partition}] @${offset}: ${sentence}.`);
  }

  *#onTheOutside({ headers, value }) {
    const { contentType, maxEventBytes } = this.#contracts.manifest;
    const said = headers["content-type"];
    if (said !== contentType) yield `the header content-type is ${said ?? "absent"}, not ${contentType}`;
    if (value.length > maxEventBytes) yield `it is ${value.length} bytes long; the limit is ${maxEventBytes}`;
  }

  *#read(topic, message) {
    const envelope = parsed(message.value);
    const faults = this.#contracts.faults(this.#contracts.manifest.envelope, envelope ?? null, "envelope");
    if (faults.length > 0) {
      this.#count(message, "(unreadable)", true);
      return void (yield* envelope === undefined ? ["the value is not JSON in UTF-8"] : faults);
    }
    const { isNew, isSame } = this.#remember(message, envelope);
    this.#count(message, envelope.type, isNew);
    if (!isSame) yield `id ${envelope.id} was sent before with other bytes`;
    yield* this.#onItsPlace(message, envelope);
    const entry = topic.events.find(({ type }) => type === envelope.type);
    if (entry === undefined) return void (yield `${envelope.type} does not belong on this topic`);
    yield* this.#inside(topic, entry, envelope);
    yield* this.#inItsHistory(topic, entry, envelope);
  }

  *#onItsPlace({ key, partition }, { partitionkey }) {
    if (key?.toString() !== partitionkey) yield `the key is ${key ?? "absent"}, partitionkey says ${partitionkey}`;
    const right = partitionOf(Buffer.from(partitionkey), this.#contracts.manifest.partitions);
    if (right !== partition) yield `partitionkey ${partitionkey} belongs on partition ${right}`;
  }

  *#inside(topic, entry, { data, dataschema, source, subject }) {
    if (source.split(":").at(-1) !== topic.producer) yield `source ${source} is not ${topic.producer}`;
    const id = this.#contracts.idOf(entry.schema);
    if (dataschema !== id) yield `dataschema is ${dataschema}, not ${id}`;
    yield* this.#contracts.faults(entry.schema, data, "data");
    const named = String(data[entry.subject]);
    if (named !== subject) yield `subject is ${subject}, data.${entry.subject} says ${named}`;
  }

  // The same (source, id) is the same message again, with the same bytes, on whichever topic.
  #remember({ topic, value }, { source, id }) {
    const name = `${source} ${id}`;
    const digest = digestOf(value);
    if (!this.#sent.has(name)) this.#sent.set(name, { first: digest, topics: new Set() });
    const { first, topics } = this.#sent.get(name);
    const isNew = !topics.has(topic);
    topics.add(topic);
    return { isNew, isSame: first === digest };
  }

  *#inItsHistory(topic, { aggregate }, { id, partitionkey, subject, streamepoch, aggregateversion }) {
    const name = `${topic.name} ${aggregate}:${subject}`;
    if (!this.#histories.has(name)) this.#histories.set(name, { partitionkey, epochs: new Map() });
    const { partitionkey: key, epochs } = this.#histories.get(name);
    const who = `${aggregate} ${subject}`;
    const version = `version ${aggregateversion} of epoch ${streamepoch}`;
    if (key !== partitionkey) yield `${who} had the key ${key} before, and now ${partitionkey}`;
    const epoch = epochs.get(streamepoch) ?? { newest: 0, ids: new Map() };
    const earlier = epoch.ids.get(aggregateversion);
    if (earlier === id) return;
    if (earlier !== undefined) return void (yield `${who} has ${version} twice: ${earlier} and ${id}`);
    const [lowest, highest] = expected(topic, epochs, streamepoch, epoch.newest);
    if (aggregateversion < lowest || aggregateversion > highest) {
      yield `${who} has ${version} where ${lowest === highest ? lowest : `${lowest} to ${highest}`} was due`;
    }
    epoch.ids.set(aggregateversion, id);
    epochs.set(streamepoch, { ...epoch, newest: Math.max(epoch.newest, aggregateversion) });
  }
}
