"""The catalogues: every text in both languages, every text that code names is there, and no other."""

import ast
import string
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from words.language import Language

CHECKOUT = Path(__file__).parents[2]
PACKAGES = ("words", "samenspel", "demo", "services.reporting.page")
NAMING = ("say", "word")  # `word` takes a kind of texts, and which of them it is is data
IN_BOTH_LANGUAGES = [(package, language) for package in PACKAGES for language in Language]


def file_of(package: str, language: Language) -> Path:
    return CHECKOUT / package.replace(".", "/") / "locale" / language / "LC_MESSAGES" / f"{package}.po"


def catalogue(package: str, language: Language) -> Catalog:
    with (CHECKOUT / package.replace(".", "/") / "locale" / language / "LC_MESSAGES" / f"{package}.po").open(
        "rb"
    ) as file:
        return read_po(file, locale=language, abort_invalid=True)


def messages(package: str, language: Language) -> dict[str, Message]:
    """By name; a text with a plural has a pair of the same names."""
    found = {
        message.id if isinstance(message.id, str) else message.id[0]: message
        for message in catalogue(package, language)
    }
    return {name: message for name, message in found.items() if name}


def forms(message: Message) -> tuple[str, ...]:
    """One text, or singular and plural."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def calls(package: str) -> Iterator[ast.Call]:
    """Every call of `say` and of `word` in the package."""
    for file in (CHECKOUT / package.replace(".", "/")).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in NAMING:
                yield node


def named(call: ast.Call, names: set[str]) -> set[str]:
    """Which of the names a call may mean: one, or all of a kind where the code fills in the end (`step.{name}`)."""
    match call.args[0]:
        case ast.Constant(value=str(kind)) if isinstance(call.func, ast.Attribute) and call.func.attr == "word":
            return {name for name in names if name.startswith(f"{kind}.")} or {kind}
        case ast.Constant(value=str(name)):
            return {name}
        case ast.JoinedStr(values=[ast.Constant(value=str(kind)), ast.FormattedValue()]) if kind.endswith("."):
            return {name for name in names if name.startswith(kind)} or {kind}
        case other:
            pytest.fail(f"say takes a literal name, or one that begins with its kind: {ast.unparse(other)}")


@pytest.mark.parametrize("package", PACKAGES)
def test_both_languages_have_the_same_texts_with_the_same_placeholders(package: str) -> None:
    english, dutch = (messages(package, language) for language in (Language.EN, Language.NL))

    assert list(english) == list(dutch)
    for name in english:
        assert {frozenset(placeholders(form)) for form in forms(english[name])} == {
            frozenset(placeholders(form)) for form in forms(dutch[name])
        }, name


@pytest.mark.parametrize(("package", "language"), IN_BOTH_LANGUAGES)
def test_every_text_is_written_and_final(package: str, language: Language) -> None:
    for name, message in messages(package, language).items():
        assert all(forms(message)), name
        assert not message.fuzzy, name
        assert len({frozenset(placeholders(form)) for form in forms(message)}) == 1, name


@pytest.mark.parametrize(("package", "language"), IN_BOTH_LANGUAGES)
def test_no_name_is_given_twice(package: str, language: Language) -> None:
    lines = (CHECKOUT / package.replace(".", "/") / "locale" / language / "LC_MESSAGES" / f"{package}.po").read_text(
        encoding="utf-8"
    )
    names = [line for line in lines.splitlines() if line.startswith("msgid ")]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_text_that_code_names_exists_and_no_text_is_unused(package: str) -> None:
    names = set(messages(package, Language.EN))

    used = {name for call in calls(package) for name in named(call, names)}

    assert used == names


@pytest.mark.parametrize("package", PACKAGES)
def test_code_gives_every_text_its_parts(package: str) -> None:
    texts = messages(package, Language.EN)
    for call in calls(package):
        given = {keyword.arg for keyword in call.keywords}
        for name in named(call, set(texts)):
            assert placeholders(forms(texts[name])[-1]) == given, name
            assert (len(forms(texts[name])) > 1) == ("count" in given), name


@pytest.mark.parametrize("package", PACKAGES)
def test_catalogues_are_among_the_files_of_an_installed_package(package: str) -> None:
    pyproject = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))

    patterns = pyproject["tool"]["setuptools"]["package-data"]["*"]

    assert any(fnmatch(f"{package}.po", pattern) for pattern in patterns)
