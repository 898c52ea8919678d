"""Keep the contract documents: `python -m contracts.documents write | check | release`.

write    make `schemas/`, `topics.json` and `asyncapi.json` anew from the models
check    say what is stale, what was never promised, what would break a consumer of what was released, and which
         released message of the corpus is no longer read
release  promise the present schemas, manifest, examples and generated messages to consumers, and say in which
         order to roll them out (needs the development libraries)
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from contracts.admission import admit
from contracts.documents import ASYNCAPI, MANIFEST, documents
from contracts.documents.compatibility import Break, manifest_breaks, schema_breaks
from contracts.envelope import CONTENT_TYPE, InvalidMessage, decode
from contracts.partitioner import partition_of

HERE = Path(__file__).parents[1]
GENERATED = 20  # messages of each event in a release: more show the same again


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")


def _promised() -> dict[str, str]:
    """The documents that are promised; the description in AsyncAPI only repeats them."""
    return {name: text for name, text in documents().items() if name != ASYNCAPI}


def _present(folder: Path) -> dict[str, Path]:
    found = [*folder.glob("schemas/*"), folder / MANIFEST, folder / ASYNCAPI]
    return {path.relative_to(folder).as_posix(): path for path in sorted(found) if path.is_file()}


def _released_name(name: str) -> str:
    return f"released/{Path(name).name}"


def stale(folder: Path) -> Iterator[str]:
    """One sentence for each generated file that is not what the models say."""
    made, present = documents(), _present(folder)
    for name in sorted(made.keys() | present.keys()):
        if name not in present:
            yield f"contracts/{name} is missing: run `python -m contracts.documents write`."
        elif name not in made:
            yield f"contracts/{name} belongs to no event: delete it, or run `python -m contracts.documents write`."
        elif present[name].read_text(encoding="utf-8") != made[name]:
            yield f"contracts/{name} is stale: run `python -m contracts.documents write`."


def _readers(schema: str, manifest: dict[str, Any]) -> str:
    """Who reads the events of a schema; the envelope's readers are all."""
    of_schema = [topic for topic in _topics(manifest) if schema == manifest["envelope"] or _carries(topic, schema)]
    services = sorted({reader for topic in of_schema for reader in topic["consumers"]})
    return ", ".join([*services, "other systems"])


def _topics(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [*manifest["topics"], *manifest["clientTopics"]]


def _carries(topic: dict[str, Any], schema: str) -> bool:
    return any(event["schema"] == schema for event in topic["events"])


def _sentence(name: str, found: Break, manifest: dict[str, Any]) -> str:
    file = Path(name)
    if name == MANIFEST:
        return f"contracts/{MANIFEST}: {found.path} {found.what}; a new topic beside the old one is the way."
    event, version = file.stem.rsplit(".v", 1)
    return (
        f"contracts/{name}: {found.path} {found.what}; read by {_readers(name, manifest)}. Take it back,"
        f" or make {event}.v{int(version) + 1} beside it."
    )


def broken(folder: Path) -> Iterator[str]:
    """One sentence for each change that would break a consumer of what was released."""
    made = _promised()
    manifest = json.loads(made[MANIFEST])
    current = {_released_name(name): name for name in made}
    for path in sorted(folder.glob("released/*.json")):
        name = current.get(f"released/{path.name}")
        if name is None:
            yield f"contracts/released/{path.name} was promised to consumers, but no event has this schema."
            continue
        before, now = json.loads(path.read_text(encoding="utf-8")), json.loads(made[name])
        found = manifest_breaks(before, now) if name == MANIFEST else schema_breaks(before, now)
        yield from (_sentence(name, each, manifest) for each in found)


def unpromised(folder: Path) -> Iterator[str]:
    """One sentence for each document that `broken` and `unreadable` have nothing to compare with."""
    released = folder / "released"
    for name in _promised():
        promises = [folder / _released_name(name)]
        if name not in {MANIFEST, "schemas/Envelope.v1.json"}:
            promises.append(released / "corpus" / f"{Path(name).stem}.jsonl")
        if not all(promise.exists() for promise in promises):
            yield (
                f"contracts/{name} was never released, so nobody would see that a change of it breaks a reader:"
                " run `python -m contracts.documents release`."
            )


class _Sent(NamedTuple):
    """A message as its service puts it on a topic."""

    partition: int
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]] = (("content-type", CONTENT_TYPE),)


def _read(line: bytes, manifest: dict[str, Any]) -> None:
    """Read a message by itself, and from each topic that carries its type. Raises `ValueError`."""
    message = json.loads(line)
    decode(line)
    key = message["partitionkey"].encode()
    for topic in _topics(manifest):
        if any(event["type"] == message["type"] for event in topic["events"]):
            service = topic["producer"].split(" ")[0]  # a schema allows every sender, a topic its own
            message["source"] = f"urn:nld:oin:00000099000000001000:systeem:{service}"
            value = json.dumps(message, ensure_ascii=False).encode()
            admit(_Sent(partition_of(key), key, value), topic["name"].format(client="a-client")).event()


def unreadable(folder: Path) -> Iterator[str]:
    """One sentence for each released message that our readers refuse: a validator that a reader gained."""
    manifest = json.loads(_promised()[MANIFEST])
    for path in sorted(folder.glob("released/corpus/*.jsonl")):
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            try:
                _read(line, manifest)
            except (InvalidMessage, ValueError) as error:
                yield (
                    f"contracts/released/corpus/{path.name}, line {number} is no longer read ({error}):"
                    " what was released stays readable for ever; refuse it at the doors instead."
                )


def write(folder: Path) -> int:
    made = documents()
    for name in _present(folder).keys() - made.keys():
        (folder / name).unlink()
    for name, text in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    _say(f"{len(made)} documents written.")
    return 0


def _say_wrong(*sentences: Iterator[str]) -> int:
    wrong = [each for some in sentences for each in some]
    for sentence in wrong:
        _say(sentence)
    return 1 if wrong else 0


def check(folder: Path) -> int:
    """Say everything that is wrong; 0 when nothing is."""
    return _say_wrong(stale(folder), unpromised(folder), broken(folder), unreadable(folder))


def release(folder: Path, generated: int = GENERATED) -> int:
    """Promise what is there now, if that breaks no earlier promise."""
    if _say_wrong(stale(folder), broken(folder), unreadable(folder)):
        return 1
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    (folder / "released").mkdir(exist_ok=True)
    changed = 0
    for name, text in _promised().items():
        target = folder / _released_name(name)
        if target.exists() and target.read_text(encoding="utf-8") == text:
            continue
        target.write_text(text, encoding="utf-8")
        changed += 1
        writers = sorted({topic["producer"] for topic in _topics(manifest) if _carries(topic, name)})
        if writers:
            _say(f"{target.stem}: first its readers ({_readers(name, manifest)}), then {', '.join(writers)}.")
    _release_corpus(folder, manifest, generated)
    _say(f"{changed} documents released.")
    return 0


def _release_corpus(folder: Path, manifest: dict[str, Any], size: int) -> None:
    """What every later reader must read: the examples as they are, and messages generated from the schemas. Lines
    are only ever added."""
    from contracts.documents.generated import corpus  # noqa: PLC0415 - only who releases needs these libraries

    made = {name: json.loads(text) for name, text in documents().items()}
    entries = {entry["schema"]: entry for topic in _topics(manifest) for entry in topic["events"]}
    (folder / "released" / "corpus").mkdir(exist_ok=True)
    for schema, entry in sorted(entries.items()):
        event = Path(schema).stem
        examples = sorted(folder.glob(f"examples/{event}/*.json"))
        lines = [json.dumps(json.loads(path.read_bytes()), ensure_ascii=False) for path in examples]
        lines += corpus(made[manifest["envelope"]], entry, made[schema], size=size)
        kept = folder / "released" / "corpus" / f"{event}.jsonl"
        before = kept.read_text(encoding="utf-8").removesuffix("\n").split("\n") if kept.exists() else []
        kept.write_text("".join(f"{line}\n" for line in dict.fromkeys([*before, *lines])), encoding="utf-8")


def main(arguments: list[str], folder: Path = HERE) -> int:
    """Do one of the three; 2 for anything else."""
    match arguments:
        case ["write"]:
            return write(folder)
        case ["check"]:
            return check(folder)
        case ["release"]:
            return release(folder)
        case _:
            _say(__doc__ or "")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
