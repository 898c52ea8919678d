// Kafka's default partitioner: murmur2 of the key, made positive, modulo the number of partitions.
// (librdkafka's default is another one: a consumer that computes partitions has to know.)

const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;
const SHIFT = 24;

const mixed = (word) => {
  const once = Math.imul(word, MULTIPLIER);
  return Math.imul(once ^ (once >>> SHIFT), MULTIPLIER);
};

export function murmur2(bytes) {
  const whole = bytes.length - (bytes.length % 4);
  let hash = SEED ^ bytes.length;
  for (let at = 0; at < whole; at += 4) {
    hash = Math.imul(hash, MULTIPLIER) ^ mixed(bytes.readInt32LE(at));
  }
  if (whole < bytes.length) {
    const rest = bytes.subarray(whole); // one to three bytes, the first one lowest
    hash = Math.imul(hash ^ rest.reduce((word, byte, place) => word | (byte << (8 * place)), 0), MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}

export const partitionOf = (key, partitions) => (murmur2(key) & 0x7fffffff) % partitions;
