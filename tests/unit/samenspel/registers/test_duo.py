"""DUO's files: read as DUO means them, or refused as a whole with the place of everything that is wrong."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from contracts.values import Interval
from samenspel.registers.duo import Location, excerpt, read, school_record
from samenspel.registers.tables import DuoProblem, Finding

ROOT = Path(__file__).parents[4]
EXCERPT = ROOT / "programmes" / "kansen-voor-kinderen" / "duo"
COUNTRY = ROOT.parent / "shared" / "data" / "duo"
PLACES = "02.-alle-schoolvestigingen-basisonderwijs.csv"
PUPILS = "06.-historisch-overzicht-aantal-leerlingen-per-schoolvestiging.csv"

with_the_country = pytest.mark.skipif(
    not COUNTRY.is_dir(),
    reason="DUO's files of the whole country are not beside the repository (shared/data/duo)",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The excerpt, to be spoilt."""
    for name in (PLACES, PUPILS):
        shutil.copy(EXCERPT / name, tmp_path)
    return tmp_path


def change(file: Path, old: bytes, new: bytes, count: int = 1) -> None:
    before = file.read_bytes()
    assert old in before
    file.write_bytes(before.replace(old, new, count))


def findings_of(folder: Path) -> tuple[Finding, ...]:
    with pytest.raises(DuoProblem) as refused:
        read(folder)
    return refused.value.findings


def the_location(code: str, folder: Path = EXCERPT) -> Location:
    return next(location for location in read(folder) if location.id == f"duo:{code}")


def test_the_excerpt_holds_the_41_primary_schools_of_s_hertogenbosch() -> None:
    locations = read(EXCERPT)

    assert len(locations) == 41
    assert {(location.municipality_code, location.kind) for location in locations} == {("GM0796", "primary")}
    assert sum(count.lower for location in locations if (count := location.pupils[2025])) == 11_968


def test_a_location_is_what_the_two_files_say_together() -> None:
    location = the_location("23RT00")

    assert (location.brin4, location.name, location.board) == ("23RT", "Basisschool Nour", "duo:31076")
    assert (location.postcode4, location.municipality) == ("5224", "'S-HERTOGENBOSCH")
    assert location.holiday_region == "zuid"
    assert location.pupils[2025] == Interval(lower=368, upper=368)
    assert sorted(location.pupils) == list(range(1996, 2026))


@pytest.mark.parametrize(("theirs", "ours"), [(b"Noord", "noord"), (b"Midden", "midden"), (b"Zuid", "zuid")])
def test_a_location_is_recorded_with_the_region_whose_school_holidays_it_keeps(
    folder: Path, theirs: bytes, ours: str
) -> None:
    change(folder / PLACES, b";Zuid\r\n", b";" + theirs + b"\r\n")

    assert school_record(the_location("23RT00", folder))["holidayRegion"] == ours


def test_a_masked_cell_is_one_to_four_and_a_nought_is_nought() -> None:
    location = the_location("27YZ00")

    assert location.pupils[2003] == Interval(lower=0, upper=0)
    assert location.pupils[2004] == Interval(lower=1, upper=4)
    assert location.first_year_with_pupils == 2004


def test_quotes_are_read_as_duo_writes_them_twice_over_in_one_file(folder: Path) -> None:
    change(folder / PLACES, b"Basisschool Nour", b'"Basisschool ""Nour"""')
    change(folder / PUPILS, b"Basisschool Nour", b'"BS """"Nour"""""')

    assert the_location("23RT00", folder).name == 'Basisschool "Nour"'


def test_an_empty_cell_is_unknown(folder: Path) -> None:
    change(folder / PUPILS, b"\r\n", b";LEERLINGEN_2026\r\n")
    change(folder / PUPILS, b"\r\n", b";\r\n", count=-1)
    change(folder / PUPILS, b"LEERLINGEN_2026;", b"LEERLINGEN_2026")

    assert {location.pupils[2026] for location in read(folder)} == {None}


def test_the_code_of_a_location_may_be_its_last_two_digits_alone(folder: Path) -> None:
    whole = read(folder)

    for location in whole:
        change(folder / PUPILS, f";{location.id[4:]};".encode(), f";{location.id[-2:]};".encode())

    assert read(folder) == whole


def test_an_open_location_without_pupils_is_left_out_with_a_warning(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    change(folder / PUPILS, b"23RT00", b"23RT01")

    assert len(read(folder)) == 40
    assert "left out, pupils not known: 1 (23RT00)" in caplog.text


def test_an_empty_line_is_no_row(folder: Path) -> None:
    for name in (PLACES, PUPILS):
        change(folder / name, b"\r\n", b"\r\n\r\n", count=-1)

    assert read(folder) == read(EXCERPT)


def test_the_files_are_known_by_their_columns_not_their_names(folder: Path) -> None:
    (folder / PLACES).rename(folder / "vestigingen 2027.CSV")
    (folder / PUPILS).rename(folder / "01.-leerlingen.csv")

    assert read(folder) == read(EXCERPT)


@pytest.mark.parametrize("asked", ["'s-Hertogenbosch", "S HERTOGENBOSCH", "s hertogenbosch", "\u2019s-Hertogenbosch"])
def test_a_municipality_is_found_however_it_is_spelled(asked: str) -> None:
    assert len(read(EXCERPT, asked)) == 41


def test_a_location_without_its_municipalitys_name_goes_by_the_number(folder: Path) -> None:
    change(folder / PLACES, b";S HERTOGENBOSCH;", b"; ;")

    assert read(folder, "S Hertogenbosch") == read(EXCERPT)
    with pytest.raises(DuoProblem, match="a municipality in it"):
        read(folder, "")


@pytest.mark.parametrize("asked", ["s-Hertogenbos", "Den Bosch", ""])
def test_an_unknown_municipality_is_refused_with_the_nearest_names(asked: str) -> None:
    with pytest.raises(DuoProblem, match=f"found '{asked}', expected .* such as 'S-HERTOGENBOSCH"):
        read(EXCERPT, asked)


SPOILT = [
    (PUPILS, b";99;", b";9O;", 6, "LEERLINGEN_2009", "9O"),
    (PUPILS, b";<5;", b";<10;", 38, "LEERLINGEN_2004", "<10"),
    (PUPILS, b";BO;", b";XO;", 2, "SOORT_VESTIGING", "XO"),
    (PUPILS, b"LEERLINGEN_2025", b"LEERLINGEN_25", 1, "LEERLINGEN_25", "LEERLINGEN_25"),
    (PUPILS, b"LEERLINGEN_2025", b"LEERLINGEN_2024", 1, "LEERLINGEN_2024", "LEERLINGEN_2024 twice"),
    (PUPILS, b"Basissch Maria", b"Basissch Mari\xeb", 3, "NAAM_VESTIGING", "byte eb"),
    (PLACES, b"Nour", b"No\xc3\xbbr", 2, "VESTIGINGSNAAM", "byte c3"),
    (PLACES, b"Nour", b"No\x81r", 2, "VESTIGINGSNAAM", "byte 81"),
    (PLACES, b"Basisschool Nour", b" ", 2, "VESTIGINGSNAAM", ""),
    (PLACES, b"Basisschool Nour", b"-", 2, "VESTIGINGSNAAM", "-"),
    (PLACES, b"Basisschool Nour", b'"Basisschool Nour', 2, "STRAATNAAM", "5"),
    (PLACES, b"Basisschool Nour", b"Basisschool;Nour", 2, "VAKANTIEREGIO", "32"),
    (PLACES, b"Basisschool Nour", b"\0" * 200_000, 2, "BEVOEGD GEZAG NUMMER", "1"),
    (PLACES, b"23RT;23RT00", b"2TRT;23RT00", 2, "INSTELLINGSCODE", "2TRT"),
    (PLACES, b"23RT;23RT00", b"23RT;0", 2, "VESTIGINGSCODE", "0"),
    (PLACES, b"23RT;23RT00", b"23RT;23RT0A", 2, "VESTIGINGSCODE", "23RT0A"),
    (PLACES, b"23RT;23RT00", b"23RT;23rt00", 2, "VESTIGINGSCODE", "23rt00"),
    (PUPILS, b"23RT;23RT00", b"23RT;0A", 35, "VESTIGINGSCODE", "0A"),
    (PLACES, b"23RT;23RT00", b"23RT;23RS00", 2, "VESTIGINGSCODE", "23RS00"),
    (PLACES, b"04DZ;04DZ00", b"23RT;23RT00", 3, "VESTIGINGSCODE", "23RT00"),
    (PLACES, b"5224 BW", b"0224 BW", 2, "POSTCODE", "0224 BW"),
    (PLACES, b";31076;", b";;", 2, "BEVOEGD GEZAG NUMMER", ""),
    (PLACES, b";Zuid\r\n", b";Oost\r\n", 2, "VAKANTIEREGIO", "Oost"),
    (PLACES, b";Zuid\r\n", b";\r\n", 2, "VAKANTIEREGIO", ""),
    (PLACES, b";POSTCODE;", b";POSTCODES;", 1, "POSTCODE", "POSTCODES"),
]


@pytest.mark.parametrize(("file", "old", "new", "line", "column", "value"), SPOILT)
def test_what_is_wrong_is_named_with_file_line_and_column(
    folder: Path, *, file: str, old: bytes, new: bytes, line: int, column: str, value: str
) -> None:
    change(folder / file, old, new)

    (finding,) = findings_of(folder)

    assert (finding.file, finding.line, finding.column, finding.value) == (file, line, column, value)
    assert str(finding).startswith(f"{file}, line {line}, column {column}: found '{value}', expected ")


def test_all_that_is_wrong_is_told_at_once_and_at_most_twenty_findings_a_file(folder: Path) -> None:
    change(folder / PLACES, b"5224 BW", b"5224", count=1)
    change(folder / PUPILS, b";BO;", b";XO;", count=-1)
    change(folder / PUPILS, b";2", b";x", count=-1)

    findings = findings_of(folder)

    assert [finding.file for finding in findings] == [PLACES] + [PUPILS] * 20


def test_two_files_without_a_location_in_common_are_refused(folder: Path) -> None:
    pupils = (folder / PUPILS).read_bytes().splitlines(keepends=True)
    (folder / PUPILS).write_bytes(b"".join(pupils[:2]).replace(b"03JH", b"99ZZ"))

    (finding,) = findings_of(folder)

    assert (finding.file, finding.value) == (PLACES, "none")


def test_a_missing_file_and_a_second_one_are_refused(folder: Path) -> None:
    (folder / PUPILS).unlink()
    shutil.copy(folder / PLACES, folder / "copy.csv")

    twice, missing = findings_of(folder)

    assert (twice.value, twice.allowed) == (f"{PLACES} and copy.csv", "one file of open locations")
    assert (missing.file, missing.value) == (str(folder), "no such file")


@with_the_country
def test_the_excerpt_is_what_the_countrys_files_say_of_s_hertogenbosch(tmp_path: Path) -> None:
    excerpt(COUNTRY, "'s-Hertogenbosch", tmp_path)

    assert read(EXCERPT) == read(COUNTRY, "'s-Hertogenbosch")
    for name in (PLACES, PUPILS):
        assert (EXCERPT / name).read_bytes() == (tmp_path / name).read_bytes()


@with_the_country
def test_the_excerpt_is_duos_own_bytes_but_for_the_telephone_numbers() -> None:
    def without_telephone(line: bytes) -> bytes:
        cells = line.split(b";")
        return b";".join([*cells[:12], b" ", *cells[13:]])

    published = (COUNTRY / PLACES).read_bytes().splitlines(keepends=True)
    header, *rows = (EXCERPT / PLACES).read_bytes().splitlines(keepends=True)

    assert header == published[0]
    assert set(rows) <= set(map(without_telephone, published))
    assert set((EXCERPT / PUPILS).read_bytes().splitlines(True)) <= set(
        (COUNTRY / PUPILS).read_bytes().splitlines(True)
    )


@with_the_country
def test_every_location_of_the_country_has_a_holiday_region() -> None:
    regions = Counter(location.holiday_region for location in read(COUNTRY))

    assert regions == {"noord": 2_362, "midden": 2_154, "zuid": 1_576}


@with_the_country
@pytest.mark.parametrize(
    ("municipality", "locations", "pupils"),
    [
        ("Tilburg", 55, (15_621, 15_621)),
        ("Súdwest-Fryslân", 48, (6_615, 6_615)),
        (None, 6_092, (1_356_800, 1_356_803)),  # one location's cell of 2025 is masked
    ],
)
def test_the_whole_country_reads(municipality: str | None, locations: int, pupils: tuple[int, int]) -> None:
    found = read(COUNTRY, municipality)

    counts = [count for location in found if (count := location.pupils[2025])]
    assert len(found) == locations
    assert (sum(count.lower for count in counts), sum(count.upper for count in counts)) == pupils
