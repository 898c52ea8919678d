// Where messages come from: a broker, or lines of JSON. Both give
// { topic, partition, offset, key, headers, value } in the order of each partition.

import { createInterface } from "node:readline";

import { Consumer } from "@platformatic/kafka";

const SILENCE = 20_000; // ms without a message while some are still due: the broker is not answering

// One message a line: { topic, partition, offset, key, headers, valueBase64 }.
export async function* fromLines(stream) {
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
    const { key, valueBase64, ...rest } = JSON.parse(line);
    const value = valueBase64 === null ? null : Buffer.from(valueBase64, "base64");
    yield { ...rest, key: key === null ? null : Buffer.from(key), value };
  }
}

const place = (topic, partition) => `${topic}/${partition}`;

// The end of every partition that holds something.
async function ends(consumer, topics) {
  const due = new Map();
  for (const [topic, offsets] of await consumer.listOffsets({ topics })) {
    offsets.forEach((end, partition) => end > 0n && due.set(place(topic, partition), end));
  }
  return due;
}

// Everything that is on the topics now, from the first offset to what is the end at the start.
export async function* fromKafka(bootstrap, prefix, names) {
  const topics = names.map((name) => prefix + name);
  const groupId = `${prefix}external-check-${process.pid}-${Date.now()}`; // never seen before, never committed
  const consumer = new Consumer({ clientId: "external-check", groupId, bootstrapBrokers: bootstrap.split(",") });
  let silence;
  try {
    const due = await ends(consumer, topics);
    if (due.size === 0) return;
    const stream = await consumer.consume({ topics, mode: "earliest", autocommit: false, maxWaitTime: 200 });
    silence = setTimeout(() => stream.destroy(new Error(`no message for ${SILENCE / 1000} s`)), SILENCE);
    for await (const { topic, partition, offset, key, value, headers } of stream) {
      silence.refresh();
      const named = Object.fromEntries([...headers].map(([name, text]) => [name.toString(), text?.toString()]));
      const bytes = { key: key ?? null, value: value ?? null, headers: named }; // null comes as undefined
      yield { topic: topic.slice(prefix.length), partition, offset: Number(offset), ...bytes };
      const end = due.get(place(topic, partition));
      if (end !== undefined && offset + 1n >= end) due.delete(place(topic, partition));
      if (due.size === 0) break;
    }
  } finally {
    clearTimeout(silence);
    await consumer.close(true);
  }
}
