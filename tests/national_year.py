"""A synthetic year of a whole country, as the services would announce it: always the same events.

6,122 sites with 67,342 groups, and 3.3 million events: activities with their confirmations, corrections, retractions
and repetitions, some of them late, and requests on their way. Written as text: made through the contracts' classes,
they would take longer than what is measured with them. A test reads a share of them by the contracts.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zlib import crc32

from contracts.activities import ACTIVITIES
from contracts.referrals import REFERRALS
from contracts.requests import REQUESTS
from contracts.sites import SITES as SITES_TOPIC
from services.referrals.reasons import SCHEMES
from tests.builders import source_of

Message = tuple[str, bytes, bytes]
"""Its topic, key and value."""

SITES = 6_122
GROUPS_PER_SITE = 11
ACTIVITIES_IN_YEAR = 2_900_000
REQUESTS_IN_YEAR = 60_000
PER_NEIGHBOURHOOD = 3  # sites
STRIDE = 1_299_709  # a prime: the activities of a day come in no order
PROGRAMME = "kansen-voor-kinderen"
FIRST = datetime(2025, 8, 18, 8, 30, tzinfo=UTC)
DAYS = 300
AREAS = SCHEMES["curriculum.nu"]
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
REQUEST, REFERRAL, ACTIVITY = 1, 2, 3  # the kind of an id
SOURCES = {topic: source_of(topic) for topic in (SITES_TOPIC, REQUESTS, REFERRALS, ACTIVITIES)}


def events(share: float = 1.0) -> Iterator[Message]:
    """Sites and groups, then requests and referrals, then activities: a share of the country, whole in itself."""
    sites = max(30, int(SITES * share))
    yield from _sites(sites)
    yield from _requests(sites, int(REQUESTS_IN_YEAR * share))
    yield from _activities(sites, int(ACTIVITIES_IN_YEAR * share))


def _id(kind: int, number: int) -> str:
    return f"0198{kind:04x}-{number >> 16:04x}-7{number >> 4 & 0xFFF:03x}-8000-{number & 0xFFFFFFFFFFF:012x}"


def _message(topic: str, name: str, subject: str, key: str, version: int, data: str) -> Message:
    tail = subject[-12:] if subject.startswith("0198") else f"{crc32(subject.encode()):012x}"
    event_id = f"0199{len(name):04x}-{version:04x}-7{len(key):03x}-8000-{tail}"
    value = (
        f'{{"specversion":"1.0","id":"{event_id}","source":"{SOURCES[topic]}","type":"nl.samenspel.{name}.v1",'
        f'"subject":"{subject}","time":"2025-09-01T09:00:00.000Z","datacontenttype":"application/json",'
        f'"dataschema":"https://samenspel.nl/contracts/schemas/{name}.v1.json","partitionkey":"{key}",'
        f'"traceparent":"{TRACE}","aggregateversion":{version},"streamepoch":1,"data":{data}}}'
    )
    return topic, key.encode(), value.encode()


def site_id(number: int) -> str:
    """A location of the register: two digits, two letters, two digits."""
    return f"duo:{number // 100:02d}AA{number % 100:02d}"


def group_id(site: int, group: int) -> str:
    return f"own:{site:04d}-{group}"


def _kind(site: int) -> str:
    """Of ten sites, eight are primary schools, one is a childcare and one an out-of-school care linked to the first."""
    return {8: "childcare", 9: "out_of_school_care"}.get(site % 10, "primary")


def _sites(count: int) -> Iterator[Message]:
    for site in range(count):
        this = site_id(site)
        links = ""
        if _kind(site) != "primary":
            links = f'{{"siteId":"{site_id(site // 10 * 10)}","kind":"child_centre","from":"2020-08-01"}}'
        data = (
            f'{{"validFrom":"2015-08-01","kinds":["{_kind(site)}"],"name":{{"nl":"Locatie {site}"}},'
            f'"board":"own:board","municipality":"GM0796","postcode4":"5211",'
            f'"neighbourhood":"n{site // PER_NEIGHBOURHOOD}","links":[{links}],"declaredAdoption":[],'
            f'"siteId":"{this}"}}'
        )
        yield _message(SITES_TOPIC, "SiteRecorded", this, this, 1, data)
        register = "school" if _kind(site) == "primary" else "childcare"
        for group in range(GROUPS_PER_SITE):
            size = '"lower":1,"upper":4' if (site + group) % 97 == 0 else f'"lower":{18 + group},"upper":{18 + group}'
            data = (
                f'{{"siteId":"{this}","register":"{register}","schoolYear":"2025-2026","ageFrom":{4 + group // 2},'
                f'"ageTo":{6 + group // 2},"headcount":{{{size}}},"groupId":"{group_id(site, group)}"}}'
            )
            yield _message(SITES_TOPIC, "GroupRecorded", group_id(site, group), this, 1, data)


def _moment(number: int) -> datetime:
    return FIRST + timedelta(days=number % DAYS)


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


def _area(number: int) -> str:
    return f'{{"scheme":"curriculum.nu","code":"{AREAS[number % len(AREAS)]}"}}'


def _requests(sites: int, count: int) -> Iterator[Message]:
    for number in range(count):
        site = number % sites // 10 * 10
        this, request, referral = site_id(site), _id(REQUEST, number), _id(REFERRAL, number)
        raised = _moment(number * STRIDE)
        consultant = '{"role":"consultant","organisation":"own:babel","actor":"m1"}'
        data = (
            f'{{"siteId":"{this}","coSiteIds":[],"programme":"{PROGRAMME}","learningAreas":[{_area(number)}],'
            f'"audience":"children","groups":[],"headcount":20,"wishedFrom":"{raised:%Y-%m-%d}",'
            f'"wishedTo":"{raised + timedelta(days=60):%Y-%m-%d}","intention":"replaces","requestId":"{request}",'
            f'"raisedBy":{{"role":"coordinator","organisation":"{this}","actor":"c1"}},"raisedAt":"{_instant(raised)}"}}'
        )
        yield _message(REQUESTS, "RequestRaised", request, this, 1, data)
        at = _instant(raised + timedelta(days=number % 5))
        data = (
            f'{{"requestId":"{request}","brokerIds":["own:babel"],"learningAreas":[{_area(number)}],'
            f'"uncoveredAreas":[],"assignedAt":"{at}"}}'
        )
        yield _message(REQUESTS, "RequestAssigned", request, this, 2, data)
        if number % 10 == 0:
            continue
        at = _instant(raised + timedelta(days=number % 13))
        data = f'{{"requestId":"{request}","answer":"refer","answeredBy":{consultant},"answeredAt":"{at}"}}'
        yield _message(REQUESTS, "RequestAnswered", request, this, 3, data)
        data = (
            f'{{"requestId":"{request}","partnerId":"own:partner","learningAreas":[{_area(number)}],'
            f'"decideBy":"2026-08-01","referralId":"{referral}","siteId":"{this}","brokerId":"own:babel","attempt":1,'
            f'"madeBy":{consultant},"madeAt":"{at}"}}'
        )
        yield _message(REFERRALS, "ReferralMade", referral, this, 1, data)
        if number % 4:
            at = _instant(raised + timedelta(days=number % 13 + number % 7))
            data = (
                f'{{"referralId":"{referral}","partnerId":"own:partner",'
                f'"acceptedBy":{{"role":"partner","organisation":"own:partner","actor":"p1"}},"acceptedAt":"{at}"}}'
            )
            yield _message(REFERRALS, "ReferralAccepted", referral, this, 2, data)


def _activities(sites: int, count: int) -> Iterator[Message]:
    requests = int(REQUESTS_IN_YEAR * count / ACTIVITIES_IN_YEAR)
    for arrived in range(count):
        number = arrived * STRIDE % count  # so that some come late
        site, group = number % sites, number // sites % GROUPS_PER_SITE
        this, activity, moment = site_id(site), _id(ACTIVITY, number), _moment(number)
        taking_part = f'"groupId":"{group_id(site, group)}","headcount":{18 + group}'
        if number % 50:
            taking_part += f',"participants":{number % (19 + group)}'
        joint, request = f'"{this}"', ""
        if number % 10 == 0 and site % 10 == 0 and site + 9 < sites:
            joint = f'"{this}","{site_id(site + 8)}","{site_id(site + 9)}"'
            if requests:
                request = f',"requestId":"{_id(REQUEST, number % requests)}"'
        details = (
            f'"siteIds":[{joint}],"partnerIds":["own:partner"],"programme":"{PROGRAMME}",'
            f'"learningAreas":[{_area(number)}],"occurredAt":"{moment:%Y-%m-%dT%H:%M:%S}+00:00","durationMinutes":60,'
            f'"setting":"in_school","holiday":false,"audience":"children","groups":[{{{taking_part},"wholeGroup":false}}],'
            f'"otherParticipants":{{"children":0,"parents":0,"professionals":0}},"funding":"unknown",'
            f'"substitution":"{("replaces", "stacks", "replaces", "unknown")[number % 4]}","activityId":"{activity}",'
            f'"origin":"direct"{request}'
        )
        delivered = f'{{{details},"confirmedBySites":[],"registeredAt":"{_instant(moment)}"}}'
        message = _message(ACTIVITIES, "ActivityDelivered", activity, this, 1, delivered)
        yield message
        if number % 200 == 1:  # sent once more
            yield message
        version = 1
        if number % 12 == 0:
            version += 1
            at = _instant(moment + timedelta(days=3))
            data = f'{{"activityId":"{activity}","siteId":"{this}","confirmedAt":"{at}"}}'
            yield _message(ACTIVITIES, "ActivityConfirmed", activity, this, version, data)
        if number % 50 == 7:
            version += 1
            longer = details.replace('"durationMinutes":60', '"durationMinutes":90')
            data = (
                f'{{{longer},"changed":["durationMinutes"],"reason":{{"list":"correction","code":"other"}},'
                f'"correctedAt":"{_instant(moment + timedelta(days=5))}"}}'
            )
            yield _message(ACTIVITIES, "ActivityCorrected", activity, this, version, data)
        if number % 300 == 11:
            version += 1
            data = (
                f'{{"activityId":"{activity}","reason":{{"list":"retraction","code":"other"}},'
                f'"retractedAt":"{_instant(moment + timedelta(days=9))}"}}'
            )
            yield _message(ACTIVITIES, "ActivityRetracted", activity, this, version, data)
