"""Topic `partnership.offers.v1`: who brokers which learning areas, and who can deliver."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from contracts.events import Event
from contracts.values import Day, Identifier, LearningArea, Name, check_order, check_unique

OFFERS = "partnership.offers.v1"


class BrokerDetails(Event):
    """What is recorded of a broker, whoever asks."""

    valid_from: Day
    valid_to: Day | None = None
    """The first day on which it no longer brokers."""
    name: Name
    learning_areas: tuple[LearningArea, ...]
    """The areas it covers; may be none."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        check_order(self.valid_from, self.valid_to, field="validTo", after="validFrom")
        check_unique([f"{area.scheme}/{area.code}" for area in self.learning_areas], field="learningAreas")
        return self


class BrokerRecorded(
    BrokerDetails, topics=(OFFERS,), aggregate="broker", identified_by="broker_id", nl="Makelaar vastgelegd"
):
    """A broker and the learning areas it covers from a day on are recorded or changed."""

    broker_id: Identifier


class PartnerDetails(Event):
    """What is recorded of a partner, whoever asks."""

    valid_from: Day
    valid_to: Day | None = None
    name: Name
    learning_areas: Annotated[tuple[LearningArea, ...], Field(min_length=1)]
    """The areas in which it delivers."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        check_order(self.valid_from, self.valid_to, field="validTo", after="validFrom")
        return self


class PartnerRecorded(
    PartnerDetails, topics=(OFFERS,), aggregate="partner", identified_by="partner_id", nl="Partner vastgelegd"
):
    """An educational partner and the areas in which it delivers are recorded or changed."""

    partner_id: Identifier
