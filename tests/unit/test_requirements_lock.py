"""The lock: what a fresh machine installs is what pyproject.toml asks for, by digest, from wherever it is told."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

CHECKOUT = Path(__file__).parents[2]
LOCK = (CHECKOUT / "requirements.lock").read_text()
LOCKED = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK, re.MULTILINE))


def asked() -> list[str]:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]


@pytest.mark.parametrize("requirement", asked())
def test_the_lock_has_what_the_project_asks_for(requirement: str) -> None:
    wanted = Requirement(requirement)

    assert wanted.specifier.contains(LOCKED[wanted.name]), "pyproject.toml was changed: run `make lock`"


def test_every_locked_package_has_its_digests() -> None:
    packages = re.split(r"^(?=[a-z0-9-]+==)", LOCK, flags=re.MULTILINE)[1:]

    assert len(packages) == len(LOCKED)
    assert [package for package in packages if "--hash=sha256:" not in package] == []


def test_the_lock_names_no_address() -> None:
    assert not re.search(r"://|--(extra-)?index|--find-links", LOCK)
