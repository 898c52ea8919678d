"""Options that several commands share."""

from enum import StrEnum
from typing import Annotated

import typer

from contracts.topics import SERVICES
from words.language import Language

Service = StrEnum("Service", list(SERVICES))  # type: ignore[misc]  # the services are data

AnswerLanguage = Annotated[Language | None, typer.Option(help="The language of the answer; else the terminal's.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")]
Requests = Annotated[str | None, typer.Option(help="The address of `requests`.", metavar="URL", show_default=False)]
Reporting = Annotated[str | None, typer.Option(help="The address of `reporting`.", metavar="URL", show_default=False)]
Kafka = Annotated[str | None, typer.Option(help="Kafka's bootstrap server.", metavar="HOST:PORT", show_default=False)]
