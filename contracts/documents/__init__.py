"""What is made from the models for readers in other languages, and what checks it.

`python -m contracts.documents` reads and writes the files; everything else here is pure.
"""

import json

from contracts.documents.asyncapi import ASYNCAPI, asyncapi
from contracts.documents.manifest import MANIFEST, manifest
from contracts.documents.schemas import envelope_schema, schema_file, schema_of
from contracts.events import catalogue

__all__ = ["ASYNCAPI", "MANIFEST", "documents", "envelope_schema", "manifest", "schema_file"]


def documents() -> dict[str, str]:
    schemas = {
        f"schemas/{schema_file(event)}": schema_of(event, schema_file(event), event.dutch)
        for event in catalogue.values()
    }
    envelope = {"schemas/Envelope.v1.json": envelope_schema()}
    made = {**schemas, **envelope, MANIFEST: manifest(), ASYNCAPI: asyncapi()}
    return {name: json.dumps(made[name], ensure_ascii=False, indent=2) + "\n" for name in sorted(made)}
