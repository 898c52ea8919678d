"""The records of brokers and partners, and the lists of reasons."""

from datetime import UTC, datetime

import pytest

from contracts.offers import OFFERS
from services.referrals import reasons
from tests.builders import ART, BABEL, SPORT, an_actor, partner_details
from tests.integration.referrals.commands import CONSULTANT, events_of
from tests.service_process import ServiceProcess, as_json
from tests.waiting import wait_until


def test_the_same_record_again_is_no_news(referrals: ServiceProcess) -> None:
    path, by = f"/v1/brokers/{BABEL}", an_actor("operator")
    broker = {"validFrom": "2019-06-27", "name": {"nl": "Babel"}, "learningAreas": [as_json(ART)]}
    wider = {**broker, "learningAreas": [as_json(ART), as_json(SPORT)]}

    recorded = [referrals.ask_ok("PUT", path, body, by=by) for body in (broker, broker, wider)]

    assert [each["version"] for each in recorded] == [1, 1, 2]
    assert events_of(referrals, "broker", BABEL) == ["BrokerRecorded", "BrokerRecorded"]
    shown = referrals.ask_ok("GET", path, by=CONSULTANT)
    assert [area["code"] for area in shown["details"]["learningAreas"]] == [ART.code, SPORT.code]


@pytest.mark.parametrize("path", ["/v1/brokers/own:versies", "/v1/partners/own:versies"])
def test_what_was_read_can_be_recorded_anew_unless_it_changed_meanwhile(referrals: ServiceProcess, path: str) -> None:
    by, record = an_actor("operator"), as_json(partner_details())
    referrals.ask_ok("PUT", path, record, by=by)
    tag = referrals.ask("GET", path, by=by).headers["ETag"]

    first = referrals.ask("PUT", path, {**record, "name": {"nl": "Anders"}}, by=by, If_Match=tag)
    second = referrals.ask("PUT", path, {**record, "name": {"nl": "Nog anders"}}, by=by, If_Match=tag)

    assert (first.status_code, second.status_code) == (200, 412)
    assert referrals.ask("GET", path, by=by).headers["ETag"] == first.headers["ETag"] != tag


def test_an_organisation_may_be_broker_and_partner_and_a_record_begins_on_its_day(referrals: ServiceProcess) -> None:
    as_broker, as_partner, by = "/v1/brokers/own:ggd", "/v1/partners/own:ggd", an_actor("operator")
    broker = {"validFrom": "2019-06-27", "name": {"nl": "GGD"}, "learningAreas": []}
    referrals.ask_ok("PUT", as_broker, broker, by=by)
    referrals.ask_ok("PUT", as_partner, as_json(partner_details(SPORT)), by=by)

    referrals.ask_ok("PUT", as_partner, as_json(partner_details(ART), validFrom="2026-01-01"), by=by)

    today = referrals.ask_ok("GET", as_partner, by=CONSULTANT)
    next_year = referrals.ask_ok("GET", as_partner, by=CONSULTANT, at=datetime(2026, 1, 1, tzinfo=UTC))
    assert today["details"]["learningAreas"] == [as_json(SPORT)]
    assert next_year["details"]["learningAreas"] == [as_json(ART)]


def test_the_lists_of_reasons_are_published_once(referrals: ServiceProcess) -> None:
    def lists() -> list[str]:
        offers = referrals.published(OFFERS)
        return sorted(each.envelope.subject for each in offers if each.event.aggregate == "reason-list")

    wait_until(lambda: lists() == sorted(reasons.LISTS))
