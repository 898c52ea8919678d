"""Kafka's default partitioner: murmur2 of the key, made positive, modulo the number of partitions.

Written out, because the contracts know no Kafka client; a test compares it with the client's.
"""

from functools import lru_cache

from contracts.topics import PARTITIONS

_SEED = 0x9747B28C
_MULTIPLIER = 0x5BD1E995
_SHIFT = 24
_WORD = 0xFFFFFFFF


def _mixed(word: int) -> int:
    once = word * _MULTIPLIER & _WORD
    return (once ^ once >> _SHIFT) * _MULTIPLIER & _WORD


def murmur2(data: bytes) -> int:
    """The hash that Kafka's own clients take, as a number from 0 to 2^32 - 1."""
    whole = len(data) - len(data) % 4
    hashed = _SEED ^ len(data)
    for at in range(0, whole, 4):
        hashed = hashed * _MULTIPLIER & _WORD ^ _mixed(int.from_bytes(data[at : at + 4], "little"))
    if whole < len(data):
        rest = int.from_bytes(data[whole:], "little")  # one to three bytes, the first one lowest
        hashed = (hashed ^ rest) * _MULTIPLIER & _WORD
    hashed = (hashed ^ hashed >> 13) * _MULTIPLIER & _WORD
    return hashed ^ hashed >> 15


@lru_cache(maxsize=65_536)  # murmur2 of a long key is pure Python; a city has a few thousand keys
def partition_of(key: bytes) -> int:
    """The partition of a key: it never changes, because the number of partitions never does."""
    return (murmur2(key) & 0x7FFFFFFF) % PARTITIONS
