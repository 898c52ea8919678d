"""The check in another language reads a real Kafka with its own client."""

import pytest

from contracts.sites import SITES
from demo.external_check import CannotCheck, validate
from local import RealParts
from tests.contract.story import a_line, all_examples_on_their_topics, an_example, written
from tests.integration.publishing import publish
from tests.provisioned import provisioned

COMPRESSIONS = [None, "gzip", "lz4", "zstd"]  # whatever a relay may choose, an outsider has to read


@pytest.mark.parametrize("compression", COMPRESSIONS)
async def test_what_was_published_by_the_contracts_is_read_whole_and_accepted(
    stack: RealParts, compression: str | None
) -> None:
    prefix = f"external-{compression}."
    lines = all_examples_on_their_topics()
    async with provisioned(stack.kafka, prefix):
        await publish(stack.kafka, prefix, lines, compression)
        outcome = await validate(stack.kafka, prefix)

    assert outcome.violations == ()
    assert outcome.messages == len(lines)


async def test_a_message_that_does_not_keep_the_contracts_is_found_where_it_lies(stack: RealParts) -> None:
    prefix = "external-broken."
    message = an_example("SiteRecorded")
    message["data"]["phase"] = "pilot"
    site = message["partitionkey"]
    async with provisioned(stack.kafka, prefix):
        await publish(stack.kafka, prefix, [a_line(SITES, written(message), key=site), a_line(SITES, None, key=site)])
        outcome = await validate(stack.kafka, prefix)

    partition = a_line(SITES, None, key=site)["partition"]
    assert outcome.violations == (
        f"{SITES} [{partition}] @0: data.phase is not documented.",
        f"{SITES} [{partition}] @1: the value is null.",
    )


async def test_a_broker_that_does_not_answer_is_a_sentence() -> None:
    with pytest.raises(CannotCheck, match="Could not be checked"):
        await validate("127.0.0.1:1")
