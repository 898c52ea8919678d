"""Sites through time: what a site is on a day, where it is, and with which sites it is linked."""

from collections.abc import Iterable
from datetime import date

from demo.recount.days import first_of_august
from demo.recount.events import GroupRecorded, SiteRecorded

CITY = "city"


class Sites:
    """All records of all sites, each site's in the order of its versions."""

    def __init__(self, records: Iterable[SiteRecorded]) -> None:
        self.records: dict[str, list[SiteRecorded]] = {}
        for record in records:
            self.records.setdefault(record.site_id, []).append(record)

    def on(self, site_id: str, day: date) -> SiteRecorded | None:
        """The record with the greatest `validFrom` not after the day, its newest version; none before the
        first: then the site is not there (38)."""
        in_force = [record for record in self.records.get(site_id, []) if record.valid_from <= day]
        in_force.sort(key=lambda record: record.valid_from)  # stable: of equals the newest version stays last
        return in_force[-1] if in_force else None

    def of_group(self, group: GroupRecorded) -> SiteRecorded | None:
        """A group's site on 1 August of its school year, or by its first record, if that is later (38)."""
        records = self.records.get(group.site_id)
        if not records:
            return None
        first = min(record.valid_from for record in records)
        return self.on(group.site_id, max(first, first_of_august(group.school_year)))

    def units(self, site_ids: Iterable[str], day: date) -> set[str]:
        return {unit for site_id in site_ids if (site := self.on(site_id, day)) for unit in units_of(site)}

    def linked(self, one: str, other: str, day: date) -> bool:
        """Whether either site's record of the day holds a link with the other (18)."""
        # Choice (18): a link of any kind, and direct only: what B is linked with is not linked with A.
        return any(
            link.about == there and link.holds_on(day)
            for here, there in ((one, other), (other, one))
            if (site := self.on(here, day))
            for link in site.links
        )


def units_of(site: SiteRecorded) -> tuple[str, str, str]:
    return CITY, f"neighbourhood:{site.neighbourhood}", f"site:{site.site_id}"
