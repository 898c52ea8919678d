"""Topic `partnership.offers.v1`: who brokers which learning areas, and who can deliver."""

from contracts.events import Event
from contracts.values import Identifier, LearningAreas, Name, RecordDay, SomeLearningAreas

OFFERS = "partnership.offers.v1"


class BrokerDetails(Event):
    """What is recorded of a broker, whoever asks."""

    valid_from: RecordDay
    valid_to: RecordDay | None = None
    """The first day on which it no longer brokers."""
    name: Name
    learning_areas: LearningAreas
    """The areas it covers; may be none."""
    succeeded_by: Identifier | None = None
    """The broker that went on with its work when it merged or was renamed."""


class BrokerRecorded(
    BrokerDetails, topics=(OFFERS,), aggregate="broker", identified_by="broker_id", nl="Makelaar vastgelegd"
):
    """A broker and the learning areas it covers from a day on are recorded or changed."""

    broker_id: Identifier


class PartnerDetails(Event):
    """What is recorded of a partner, whoever asks."""

    valid_from: RecordDay
    valid_to: RecordDay | None = None
    """The first day on which it is no longer a partner."""
    name: Name
    learning_areas: SomeLearningAreas
    """The areas in which it delivers."""
    succeeded_by: Identifier | None = None
    """The partner that went on with its work when it merged or was renamed."""


class PartnerRecorded(
    PartnerDetails, topics=(OFFERS,), aggregate="partner", identified_by="partner_id", nl="Partner vastgelegd"
):
    """An educational partner and the areas in which it delivers are recorded or changed."""

    partner_id: Identifier
