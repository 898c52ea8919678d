"""Quix Streams into its PostgreSQL sink: what a user would take instead.

A program for an environment of its own, so it imports nothing of ours: `python quix_sink.py BROKER TOPIC COUNT
DATABASE_URL TABLE`; prints the seconds.
"""

import sys
import time
from typing import Any
from urllib.parse import urlsplit

from quixstreams import Application  # type: ignore[import-not-found]
from quixstreams.sinks.community.postgresql import PostgreSQLSink  # type: ignore[import-not-found]


def main(broker: str, topic: str, count: int, database_url: str, table: str) -> None:
    at = urlsplit(database_url)
    sink = PostgreSQLSink(
        host=at.hostname,
        port=at.port,
        dbname=at.path.removeprefix("/"),
        user=at.username,
        password=at.password,
        table_name=table,
        primary_key_columns=("id",),
        on_conflict_do_nothing=True,
    )
    app = Application(
        broker, consumer_group=f"{topic}.{time.time_ns()}", auto_offset_reset="earliest", loglevel="ERROR"
    )
    began: list[float] = []

    def row(event: dict[str, Any]) -> dict[str, object]:
        if not began:
            began.append(time.perf_counter())
        return {
            "id": event["id"],
            "entity": event["subject"],
            "epoch": event["streamepoch"],
            "version": event["aggregateversion"],
            "data": event["data"],
        }

    app.dataframe(app.topic(topic, value_deserializer="json")).apply(row).sink(sink)
    app.run(count=count, collect=False)  # the last batch is stored before it returns
    sys.stdout.write(f"{time.perf_counter() - began[0]}\n")


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5])
