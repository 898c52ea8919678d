"""The glossary is kept: names use its words, and a word that it calls built is in use."""

import ast
import io
import keyword
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
ROOMS = ("contracts", "services", "samenspel", "local", "demo")
NOT_OURS = ("tests", "node_modules")
NOT_BUILT = "†"

NAMES_OF_OTHERS = {
    "slots": "a parameter of dataclass",
}
EXCEPTIONS: dict[tuple[str, str], str] = {}
"""By folder and word to avoid: why the word may still stand in names there."""

Words = tuple[str, ...]


class Row(NamedTuple):
    """One row of one of the glossary's tables."""

    english: str
    dutch: str
    meaning: str
    avoid: str

    @property
    def avoided(self) -> list[str]:
        return re.findall(r"`([^`]+)`", self.avoid)

    @property
    def retired(self) -> list[str]:
        """What was a name once, and is refused where a class, a function, a constant or a module is named."""
        return re.findall(r"\*\*([^*]+)\*\*", self.avoid)

    @property
    def spellings(self) -> list[str]:
        """How the word is written in code: in backticks, or as it is."""
        return re.findall(r"`([^`]+)`", self.english) or self.english.split(", ")


class Hit(NamedTuple):
    """A word to avoid in a name of ours."""

    file: str
    name: str
    avoided: str

    @property
    def exception(self) -> tuple[str, str] | None:
        folders = [str(folder) for folder in Path(self.file).parents]
        return next(((folder, self.avoided) for folder in folders if (folder, self.avoided) in EXCEPTIONS), None)


@cache
def rows() -> list[Row]:
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in GLOSSARY.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    return [Row(*row) for row in cells if row[0] != "English" and set(row[0]) != {"-"}]


def words_of(name: str) -> Words:
    """`snake_case`, `CamelCase` and `HTTPCall` as words in lower case."""
    return tuple(word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name))


def runs_of(name: str) -> set[Words]:
    """Every word of a name and every row of its words, each also without a plural's s."""
    words = words_of(name)
    runs = {words[start:end] for end in range(1, len(words) + 1) for start in range(end)}
    return runs | {(*run[:-1], run[-1].removesuffix("s")) for run in runs}


def names_in(source: str) -> set[str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    names = {token.string for token in tokens if token.type == tokenize.NAME}
    return names - set(keyword.kwlist) - NAMES_OF_OTHERS.keys()


def defined_in(source: str) -> set[str]:
    """The classes and functions of a module, and its constants and aliases."""
    tree = ast.parse(source)
    names = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assigned = [target for each in tree.body if isinstance(each, ast.Assign) for target in each.targets]
    annotated = [each.target for each in tree.body if isinstance(each, ast.AnnAssign)]
    return names | {
        node.id for target in (*assigned, *annotated) for node in ast.walk(target) if isinstance(node, ast.Name)
    }


def is_retired(name: str, retired: str) -> bool:
    if retired.endswith("_"):  # a beginning, which may be all
        return f"{name.lstrip('_')}_".startswith(retired)
    if retired.islower() and not retired.endswith(".py"):
        return words_of(retired) in runs_of(name)
    return name.lstrip("_") == retired


def files(*suffixes: str) -> Iterator[Path]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            if path.suffix in suffixes and not set(path.relative_to(ROOT).parts) & set(NOT_OURS):
                yield path


@cache
def hits() -> list[Hit]:
    avoided = {words_of(word): word for row in rows() for word in row.avoided}
    return [
        Hit(path.relative_to(ROOT).as_posix(), name, avoided[run])
        for path in files(".py")
        for name in sorted({path.stem, *names_in(path.read_text(encoding="utf-8"))})
        for run in sorted(runs_of(name) & avoided.keys())
    ]


def test_no_name_holds_a_word_that_the_glossary_avoids() -> None:
    assert [hit for hit in hits() if hit.exception is None] == []


def test_no_class_function_constant_or_module_has_a_retired_name() -> None:
    defined = [
        (path.relative_to(ROOT).as_posix(), name)
        for path in files(".py")
        for name in sorted({path.name, *defined_in(path.read_text(encoding="utf-8"))})
    ]
    retired = [each for row in rows() for each in row.retired]

    assert [(file, name, each) for file, name in defined for each in retired if is_retired(name, each)] == []


def test_every_exception_is_still_needed() -> None:
    assert EXCEPTIONS.keys() - {hit.exception for hit in hits()} == set()


def test_every_word_that_is_not_marked_as_unbuilt_is_in_use() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in files(".py", ".json", ".sql"))

    unused = [
        spelling
        for row in rows()
        if NOT_BUILT not in row.english
        for spelling in row.spellings
        if not re.search(r"[ _\s-]*".join(map(re.escape, spelling.split())), text, re.IGNORECASE)
    ]

    assert unused == []


def test_every_word_has_one_row_a_meaning_and_a_dutch_word() -> None:
    assert [word for word, count in Counter(row.english for row in rows()).items() if count > 1] == []
    assert [row for row in rows() if not row.english or not row.dutch or not row.meaning.endswith(".")] == []


def test_no_word_of_the_glossary_is_itself_to_be_avoided() -> None:
    avoided = {word for row in rows() for word in (*row.avoided, *row.retired)}

    assert {spelling for row in rows() for spelling in row.spellings} & avoided == set()


@pytest.mark.parametrize("name", ["season", "SEASONS", "_seasons_of", "ProgrammeSeason", "HTTPSeason2"])
def test_an_avoided_word_is_found_in_whatever_way_a_name_is_written(name: str) -> None:
    assert ("season",) in runs_of(name)


@pytest.mark.parametrize(
    ("name", "avoided"), [("seasoned", "season"), ("now_not", "not_now"), ("notNowhere", "not_now")]
)
def test_a_part_of_a_word_or_another_order_is_not_the_avoided_word(name: str, avoided: str) -> None:
    assert words_of(avoided) not in runs_of(name)


def test_names_are_found_and_texts_are_not() -> None:
    source = 'def follow(ledger: "Book") -> None:\n    """A season."""  # a slot\n    del ledger.slots\n'

    assert names_in(source) == {"follow", "ledger"}


@pytest.mark.parametrize(
    ("source", "name", "retired"),
    [
        ("class Place: ...", "Place", "Place"),
        ("class Relay:\n    class _Place: ...", "_Place", "Place"),
        ("Place = tuple[str, int]", "Place", "Place"),
        ("class Aggregate:\n    async def heard(self): ...", "heard", "heard"),
        ("class Border: ...", "Border", "border"),
        ("def show_refusals(): ...", "show_refusals", "refusal"),
        ("def run():\n    def _apply_alone(): ...", "_apply_alone", "alone"),
        ("MOST_NAMES: int = 3", "MOST_NAMES", "MOST_"),
        ("_MOST, LEAST = 3, 1", "_MOST", "MOST_"),
        ("", "clock.py", "clock.py"),
        ("", "border.py", "border"),
    ],
)
def test_a_retired_name_is_found_whatever_it_names(source: str, name: str, retired: str) -> None:
    assert name in {*defined_in(source), name if name.endswith(".py") else None}
    assert is_retired(name, retired)


@pytest.mark.parametrize(
    ("name", "retired"),
    [
        ("Placed", "Place"),
        ("place", "Place"),
        ("LastReading", "Reading"),
        ("ALMOST_ALL", "MOST_"),
        ("MOSTLY", "MOST_"),
        ("MAX_NAMES", "MOST_"),
        ("order_in", "in_order"),
        ("due_clocks.py", "clock.py"),
        ("runaway", "away"),
    ],
)
def test_another_name_than_the_retired_one_may_stand(name: str, retired: str) -> None:
    assert not is_retired(name, retired)


def test_parameters_local_variables_and_fields_are_no_names_that_can_be_retired() -> None:
    source = "class Lane:\n    place: int = 0\n\n    def send(self, most: int) -> None:\n        heard = most\n"

    assert defined_in(source) == {"Lane", "send"}
