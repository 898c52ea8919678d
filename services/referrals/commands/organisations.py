"""What is recorded of brokers and partners."""

from contracts.offers import BrokerDetails, BrokerRecorded, PartnerDetails, PartnerRecorded
from contracts.values import Identifier
from services.chassis.commands import RecordCommands
from services.chassis.life_cycle import EVERYONE, check_actor, check_operator
from services.chassis.running.database import CommandTx
from services.referrals import reasons, store
from services.referrals.rules.organisation import PARTNER_OR_OPERATOR, check_organisation
from services.referrals.views import BrokerView, PartnerView

commands = RecordCommands()


@commands.records("broker", event=BrokerRecorded, shows=BrokerView)
async def record_broker(tx: CommandTx, broker_id: Identifier, details: BrokerDetails) -> int:
    """An operator records what a broker covers from `validFrom` on. The same again changes nothing."""
    check_operator("record a broker", tx.by)
    check_organisation(details, reasons.SCHEMES)
    return await store.BROKERS.record(
        tx, broker_id, details, lambda: BrokerRecorded(**dict(details), broker_id=broker_id)
    )


@commands.records("partner", event=PartnerRecorded, shows=PartnerView)
async def record_partner(tx: CommandTx, partner_id: Identifier, details: PartnerDetails) -> int:
    """Record what a partner delivers from `validFrom` on. The same again changes nothing."""
    check_actor("record the partner", PARTNER_OR_OPERATOR, tx.by, {"partner": (partner_id,), "city": EVERYONE})
    check_organisation(details, reasons.SCHEMES)
    return await store.PARTNERS.record(
        tx, partner_id, details, lambda: PartnerRecorded(**dict(details), partner_id=partner_id)
    )
