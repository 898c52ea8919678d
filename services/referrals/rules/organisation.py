"""What may be recorded of a broker or a partner. Pure, as all rules."""

from collections.abc import Mapping

from contracts.offers import BrokerDetails, PartnerDetails
from contracts.values import Role
from services.chassis.checks import check_name, check_order
from services.chassis.schemes import Schemes, check_areas_unique, check_learning_areas

PARTNER_OR_OPERATOR: Mapping[Role, str] = {"partner": "partner", "operator": "city"}


def check_organisation(details: BrokerDetails | PartnerDetails, schemes: Schemes) -> None:
    """What the schemas of brokers and partners cannot say."""
    check_name(details.name.nl, field="name.nl")
    check_order(details.valid_from, details.valid_to, field="validTo", after="validFrom")
    check_areas_unique(details.learning_areas)
    check_learning_areas(details.learning_areas, schemes)
