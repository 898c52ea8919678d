"""The committed form of a message, checked fast: a JSON Schema as a msgspec type, and a check of its texts.

Guarantee: what is accepted here the model behind the schema reads too, and finds nothing to change in it but the
spelling of a name. What is not accepted may still be readable: then the model has the last word.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from keyword import iskeyword
from typing import Annotated, Any, Literal

import msgspec

from contracts.documents.schemas import envelope_schema, schema_file, schema_of
from contracts.events import catalogue
from contracts.values import MAX_NAME

Schema = Mapping[str, Any]
Accept = Callable[[Any], object]
"""Whether a decoded value is as its schema says, where msgspec does not look: patterns. (Its own patterns cost four
times as much.)"""

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NOT_EVERY_YEAR = r"(?!.{4}-(?:02-(?:29|3.)|(?:0[469]|11)-31))"
"""Days that some month or year does not have: the patterns allow them, the model knows the calendar."""
_NEVER = Literal["\N{REPLACEMENT CHARACTER}"]
"""For a schema that has no type here: the model decides."""
FIRST_YEAR, LAST_YEAR = 2000, 2100  # of every moment in the contracts
MANY = 4_096  # different texts of one pattern; some hundreds are in use, millions of times


@dataclass(frozen=True, slots=True)
class Form:
    """What a message or its data look like when they are written as the schema says."""

    decoder: msgspec.json.Decoder[Any]
    accept: Accept

    def read(self, value: bytes | msgspec.Raw) -> Any | None:  # noqa: ANN401 - a type that is made here
        """The decoded value; None when it is not as the schema says."""
        try:
            found = self.decoder.decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return found if self.accept(found) else None


@cache
def data_form(type_: str) -> Form:
    event = catalogue[type_]
    schema = schema_of(event, schema_file(event), event.dutch)
    made, accept = _Forms(schema.get("$defs", {})).of(schema, event.__name__)
    return Form(msgspec.json.Decoder(made), accept or _anything)


@cache
def envelope_form() -> Form:
    """The form of an envelope; its data stays as bytes."""
    schema = envelope_schema()
    known = {"data": msgspec.Raw, "subject": str, "dataschema": str}  # compared with what the data and its type say
    properties = schema["properties"] | {"data_base64": {}}  # data in another form: the model decides
    made, accept = _Forms({}).struct("Envelope", {**schema, "properties": properties}, known)
    return Form(msgspec.json.Decoder(made), accept or _anything)


def _anything(_: object) -> bool:
    return True


def _itself(value: object) -> object:
    return value


class _Forms:
    """The types and checks of one schema, each definition made once."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self.definitions, self.made = definitions, dict[str, tuple[Any, Accept | None]]()

    def of(self, schema: Schema, name: str) -> tuple[Any, Accept | None]:
        if "$ref" in schema:
            name = schema["$ref"].removeprefix("#/$defs/")
            if name not in self.made:
                self.made[name] = self.of(self.definitions[name], name)
            return self.made[name]
        if schema.get("const") is True:
            return bool, _itself
        if "enum" in schema or "const" in schema:
            return Literal[tuple(schema.get("enum", [schema.get("const")]))], None
        return self._of_type(schema, name)

    def _of_type(self, schema: Schema, name: str) -> tuple[Any, Accept | None]:
        match schema.get("type"):
            case "string":
                return _text(schema)
            case "integer":
                return Annotated[int, msgspec.Meta(ge=schema["minimum"], le=schema["maximum"])], None
            case "boolean":
                return bool, None
            case "array":
                return self._list(schema, name)
            case "object" if "properties" in schema:
                return self.struct(name, schema, {})
        return _NEVER, None

    def _list(self, schema: Schema, name: str) -> tuple[Any, Accept | None]:
        made, accept = self.of(schema["items"], name)
        items: Any = list.__class_getitem__(made)
        every = None if accept is None else (lambda values: all(map(accept, values)))
        return Annotated[items, _length(schema, "Items")], every

    def struct(self, name: str, schema: Schema, known: Mapping[str, Any]) -> tuple[Any, Accept | None]:
        """An object's type, with some fields of known types."""
        required, fields, checks = set(schema.get("required", ())), [], dict[str, Accept]()
        for each, its_schema in schema["properties"].items():
            made, accept = (known[each], None) if each in known else self.of(its_schema, each)
            fields.append((each, made) if each in required else (each, made, None))
            if accept is not None:
                checks[each] = accept
        return msgspec.defstruct(name, fields, kw_only=True, gc=False), _of_all(checks, required)


def _of_all(checks: Mapping[str, Accept], required: Collection[str]) -> Accept | None:
    """As one expression: a loop over the checks costs a sixth of what reading a message does."""
    if not checks:
        return None
    terms = [_term(number, field, field in required) for number, field in enumerate(checks)]
    named = {f"accept_{number}": accept for number, accept in enumerate(checks.values())}
    made: Accept = eval(f"lambda value: {' and '.join(terms)}", named)  # noqa: S307 - names of our own schemas
    return made


def _term(number: int, field: str, is_required: bool) -> str:
    it = f"getattr(value, {field!r})" if iskeyword(field) else f"value.{field}"
    accepted = f"accept_{number}({it})"
    return accepted if is_required else f"({it} is None or {accepted})"


def _length(schema: Schema, what: str) -> msgspec.Meta:
    return msgspec.Meta(min_length=schema.get(f"min{what}"), max_length=schema.get(f"max{what}"))


def _text(schema: Schema) -> tuple[Any, Accept | None]:
    match schema:
        case {"format": "date-time"}:
            return Annotated[datetime, msgspec.Meta(tz=True)], _in_these_years
        case {"format": "uuid"}:
            return str, UUID.fullmatch
        case {"pattern": str(written)}:
            pattern = re.compile(f"{_NOT_EVERY_YEAR if 'format' in schema else ''}(?:{written})")
            repeats = schema.get("maxLength", 0) <= MAX_NAME  # longer ones are ids and traces, each another one
            return Annotated[str, _length(schema, "Length")], _remembered(pattern) if repeats else pattern.fullmatch
    return Annotated[str, _length(schema, "Length")], None


def _remembered(pattern: re.Pattern[str]) -> Accept:
    return lru_cache(MANY)(lambda text: pattern.fullmatch(text) is not None)


def _in_these_years(moment: datetime) -> bool:
    """Well inside the years of the contracts, in every time zone; the model knows the exact limits."""
    return FIRST_YEAR < moment.year < LAST_YEAR
