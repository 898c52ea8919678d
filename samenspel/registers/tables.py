"""A CSV file as DUO publishes it: recognised by its columns, decoded strictly, checked cell by cell.

`load` returns every row of a file, or raises `DuoProblem` with what is wrong (at most 20 findings), each with
its file, line and column. In DUO's files a line is a row: no cell holds a line break.
"""

import csv
import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from samenspel.failure import CommandFailed

YEAR = re.compile(r"LEERLINGEN_([0-9]{4})")
FINDINGS_PER_FILE = 20  # enough to see a pattern; a file of the wrong kind has one in every cell
_VALUE_SHOWN = 60  # characters: a sentence stays a sentence, whatever stood in the cell
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ASCII = 0x7F  # above it the two encodings differ


@dataclass(frozen=True)
class Finding:
    """One mistake and where it is; without a line when it concerns a whole file."""

    file: str
    line: int | None
    column: str | None
    value: str
    allowed: str

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line else ""
        column = f", column {self.column}" if self.column else ""
        value = self.value if len(self.value) <= _VALUE_SHOWN else f"{self.value[:_VALUE_SHOWN]}…"
        return f"{self.file}{line}{column}: found {value!r}, expected {self.allowed}."


class DuoProblem(CommandFailed):
    """There are mistakes in DUO's files; nothing was read from them."""

    def __init__(self, *findings: Finding) -> None:
        self.findings = findings
        super().__init__("\n".join(str(finding) for finding in findings))


@dataclass(frozen=True)
class CellFormat:
    """What a cell may contain: as a pattern, and in words."""

    pattern: re.Pattern[str]
    allowed: str


@dataclass(frozen=True)
class Table:
    """What we need of one of DUO's files; `yearly` is the format of its columns of pupils, if it has those."""

    name: str
    encoding: str
    columns: dict[str, CellFormat]
    yearly: CellFormat | None = None

    def missing(self, header: list[str]) -> list[str]:
        years = ["LEERLINGEN_<year>"] if self.yearly and not any(map(YEAR.fullmatch, header)) else []
        return [column for column in self.columns if column not in header] + years

    def formats(self, header: list[str]) -> list[tuple[str, CellFormat]]:
        if self.yearly is None:
            return list(self.columns.items())
        return [
            *self.columns.items(),
            *((column, self.yearly) for column in header if YEAR.fullmatch(column)),
        ]


@dataclass(frozen=True)
class Row:
    """One line of a file, its cells without the spaces around them."""

    line: int
    cells: dict[str, str]

    @property
    def location(self) -> str:
        return self.cells["INSTELLINGSCODE"] + self.cells["VESTIGINGSCODE"][-2:]


@dataclass(frozen=True)
class Loaded:
    """A whole file: its rows by location, in its own order."""

    path: Path
    rows: dict[str, Row]


def load(folder: Path, table: Table) -> Loaded:
    path = _find(folder, table)
    sheet = _Sheet(path.name, table, _header(path))
    findings = sheet.doubtful_columns()
    rows: dict[str, Row] = {}
    for number, line in enumerate(path.read_bytes().splitlines()[1:], start=2):
        if len(findings) >= FINDINGS_PER_FILE:
            break
        if not line:
            continue
        try:
            row = sheet.row(number, line)
            if (first := rows.setdefault(row.location, row)) is not row:
                raise sheet.problem(number, "VESTIGINGSCODE", row.location, f"it once (line {first.line})")
        except DuoProblem as problem:
            findings += problem.findings
    if findings:
        raise DuoProblem(*findings[:FINDINGS_PER_FILE])
    return Loaded(path, rows)


class _Sheet:
    def __init__(self, file: str, table: Table, header: list[str]) -> None:
        self.file, self.table, self.header = file, table, header
        self.formats = [(column, each.pattern.fullmatch, each.allowed) for column, each in table.formats(header)]

    def problem(self, line: int, column: str, value: str, allowed: str) -> DuoProblem:
        return DuoProblem(Finding(self.file, line, column, value, allowed))

    def doubtful_columns(self) -> list[Finding]:
        """Columns of which numbers would be lost unnoticed: one that occurs twice, or a year that is not a year."""
        twice = sorted({name for name, _, _ in self.formats if self.header.count(name) > 1})
        odd = [name for name in self.header if name.startswith("LEERLINGEN") and not YEAR.fullmatch(name)]
        return [
            *(Finding(self.file, 1, name, f"{name} twice", "it once") for name in twice),
            *(Finding(self.file, 1, name, name, "LEERLINGEN_ and four digits") for name in odd),
        ]

    def row(self, number: int, line: bytes) -> Row:
        cells = _split(self._text(number, line))
        if len(cells) != len(self.header):
            column = self.header[min(len(cells), len(self.header) - 1)]
            raise self.problem(number, column, str(len(cells)), f"{len(self.header)} cells, as in line 1")
        row = Row(number, dict(zip(self.header, cells, strict=True)))
        wrong = [
            Finding(self.file, number, column, row.cells[column], allowed)
            for column, fits, allowed in self.formats
            if not fits(row.cells[column])
        ]
        if wrong:
            raise DuoProblem(*wrong)
        self._check_code(row)
        return row

    def _check_code(self, row: Row) -> None:
        brin, code = row.cells["INSTELLINGSCODE"], row.cells["VESTIGINGSCODE"]
        if code not in (row.location, row.location[-2:]):
            raise self.problem(row.line, "VESTIGINGSCODE", code, f"it to begin with the BRIN {brin}")

    def _text(self, number: int, line: bytes) -> str:
        wrong = _wrong_byte(line, self.table.encoding)
        if wrong is None:
            return line.decode(self.table.encoding)
        column = self.header[min(line.count(b";", 0, wrong), len(self.header) - 1)]
        raise self.problem(number, column, f"byte {line[wrong]:02x}", f"text in {self.table.encoding}")


def _wrong_byte(line: bytes, encoding: str) -> int | None:
    """Where a line is not in its encoding. UTF-8 read as windows-1252 gives no error, only wrong letters."""
    if line.isascii():
        return None
    wrong = _undecodable(line, encoding)
    if wrong is None and encoding != "utf-8" and _undecodable(line, "utf-8") is None:
        return next(at for at, byte in enumerate(line) if byte > _ASCII)
    return wrong


def _undecodable(line: bytes, encoding: str) -> int | None:
    try:
        line.decode(encoding)
    except UnicodeDecodeError as broken:
        return broken.start
    return None


def _split(line: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=";"))]
    except csv.Error:  # a cell of 128 KB: nothing that DUO wrote, and so one cell where many are expected
        return [line]


def _find(folder: Path, table: Table) -> Path:
    missing = {path: table.missing(_header(path)) for path in sorted(folder.glob("*.[cC][sS][vV]"))}
    found = [path for path, columns in missing.items() if not columns]
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join(path.name for path in found)
        raise DuoProblem(Finding(str(folder), None, None, names, f"one file of {table.name}"))
    needed = table.missing([])
    nearest = min(missing, key=lambda path: len(missing[path]), default=None)
    if nearest and len(missing[nearest]) < len(needed) / 2:  # most is there: this is the file, changed
        raise DuoProblem(*(_no_column(nearest, column) for column in missing[nearest]))
    allowed = f"one of {table.name}, separated by ; and with the columns {', '.join(needed)}"
    raise DuoProblem(Finding(str(folder), None, None, "no such file", allowed))


def _header(path: Path) -> list[str]:
    with path.open("rb") as file:
        return _split(file.readline().removeprefix(_BYTE_ORDER_MARK).decode("ascii", "replace"))


def _no_column(path: Path, column: str) -> Finding:
    nearest = difflib.get_close_matches(column, _header(path), n=1)
    return Finding(path.name, 1, column, nearest[0] if nearest else "no such column", f"a column {column}")
