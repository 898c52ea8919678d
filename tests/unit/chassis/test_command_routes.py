"""`If-Match`, as RFC 9110 says."""

from collections.abc import Collection

import pytest

from services.chassis.http.command_routes import ANY_VERSION, expected_versions
from services.chassis.problems import Malformed


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        (None, None),
        ('"2"', {2}),
        (' "2" ', {2}),
        ('"1", "2"', {1, 2}),
        ('"1","2",', {1, 2}),
        ('W/"2"', set()),  # as a proxy may send it: the comparison is strong
        ('W/"2", "3"', {3}),
        ('"abc", "a,b", ""', set()),  # tags, but of no version
        ('"0"', set()),
        ('"02"', set()),
        ("*", ANY_VERSION),
        (" * ", ANY_VERSION),
    ],
)
def test_the_versions_that_the_caller_has_read(header: str | None, versions: Collection[int] | None) -> None:
    assert expected_versions(header) == versions


@pytest.mark.parametrize("header", ["", "2", '"2', '2"', 'w/"2"', '"1" "2"', '*, "2"', '"a b"', "W/2", ", " * 5_000])
def test_what_is_no_list_of_tags_is_malformed(header: str) -> None:
    with pytest.raises(Malformed) as refused:
        expected_versions(header)

    assert refused.value.errors[0].field == "If-Match"


def test_any_version_is_one_that_there_is() -> None:
    assert 0 not in ANY_VERSION
    assert 1 in ANY_VERSION
