"""What the services and everybody else say to each other: events, topics, schemas, examples.

Inert: imports nothing of ours, does no I/O. These modules are the truth; `schemas/` and `topics.json`
are generated from them (`python -m contracts.documents write`) for readers in other languages.
"""
