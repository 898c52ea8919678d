"""The demo's proofs can fail: what is lost, doubled, not covered or different is named."""

import json
from collections import Counter
from typing import Any

from contracts.metrics import HISTORY
from contracts.requests import REQUESTS
from demo import proofs
from demo.recount import Record

RAISED = ("RequestRaised", "r1")


def an_event(name: str, subject: str, *, id_: str, offset: int = 0, **data: Any) -> Record:
    envelope = {"id": id_, "type": f"nl.samenspel.{name}.v1", "subject": subject, "data": data}
    topic = HISTORY if name in {"CutTaken", "MetricPublished"} else REQUESTS
    return Record(topic, 0, offset, json.dumps(envelope).encode())


def test_an_acknowledged_command_without_an_event_is_lost() -> None:
    assert proofs.lost_and_doubled(Counter([RAISED, ("RequestRaised", "r2")]), [an_event(*RAISED, id_="e1")]) == (1, 0)


def test_one_command_with_two_events_is_doubled() -> None:
    told = [an_event(*RAISED, id_="e1"), an_event(*RAISED, id_="e2", offset=1)]

    assert proofs.lost_and_doubled(Counter([RAISED]), told) == (0, 1)


def test_the_same_event_sent_twice_is_one_event() -> None:
    told = [an_event(*RAISED, id_="e1"), an_event(*RAISED, id_="e1", offset=1)]

    assert proofs.lost_and_doubled(Counter([RAISED]), told) == (0, 0)


def test_what_follows_by_itself_is_nobodys_command() -> None:
    closed = "RequestClosed", "r1"
    told = [
        an_event(*closed, id_="e1", closedBy={"role": "consultant"}),
        an_event(*closed, id_="e2", offset=1, closedBy={"role": "service"}),
    ]

    assert proofs.lost_and_doubled(Counter([closed]), told) == (0, 0)
    assert proofs.lost_and_doubled(Counter([closed]), told[1:]) == (1, 0)


def test_poison_on_a_topic_is_no_event() -> None:
    poison = [Record(REQUESTS, 0, number, value) for number, value in enumerate((b"", b"{", b"[]", b"\xff", b"7"))]

    assert proofs.lost_and_doubled(Counter(), poison) == (0, 0)


def test_a_cut_counts_when_it_and_all_its_figures_are_there_in_any_order() -> None:
    whole = an_event("CutTaken", "1", id_="c1", cutId=1, figureCount=1)
    its_figure = an_event("MetricPublished", "f", id_="m1", cutId=1, key="f")
    interrupted = an_event("CutTaken", "2", id_="c2", cutId=2, figureCount=1)
    of_the_next = an_event("MetricPublished", "f", id_="m2", cutId=2, key="f")

    for complete in ([whole, its_figure], [its_figure, whole]):
        assert (proofs.newest_complete_cut(complete) or {})["cutId"] == 1
    assert proofs.newest_complete_cut([whole, its_figure, interrupted]) is None
    assert proofs.newest_complete_cut([whole, its_figure, of_the_next]) is None


def test_a_figure_that_was_sent_twice_counts_once() -> None:
    taken = an_event("CutTaken", "1", id_="c1", cutId=1, figureCount=2)
    figure = an_event("MetricPublished", "f", id_="m1", cutId=1, key="f")
    other = an_event("MetricPublished", "g", id_="m2", cutId=1, key="g")

    assert proofs.newest_complete_cut([taken, figure, figure]) is None
    assert proofs.newest_complete_cut([taken, figure, figure, other])


def test_a_cut_covers_what_lies_below_its_offsets() -> None:
    cut = {"vector": [{"topic": REQUESTS, "offsets": [1]}]}

    assert proofs.covers(cut, [an_event(*RAISED, id_="e1", offset=0)])
    assert not proofs.covers(cut, [an_event(*RAISED, id_="e1", offset=1)])


def test_a_figure_that_the_topics_do_not_bear_out_is_different() -> None:
    invented = an_event(
        "MetricPublished", "f", id_="m1", cutId=1, key="f", denominator={"lower": 1, "upper": 1, "source": "x"}
    )

    _, differences = proofs.recounted(proofs.TopicsAtCut([], [invented], {"cutId": 1, "vector": []}))

    assert len(differences) == 1
    assert differences[0].startswith("f: published")


def test_a_figure_of_which_nothing_is_left_needs_no_recount() -> None:
    gone = an_event("MetricPublished", "f", id_="m1", cutId=1, key="f", emptied=True)

    assert proofs.recounted(proofs.TopicsAtCut([], [gone], {"cutId": 1, "vector": []})) == (0, ())
