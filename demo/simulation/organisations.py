"""Brokers, partners and learning areas of the demo.

The three brokers are the covenant's, with the areas that its documents give them; digital literacy, nature and
citizenship have none at the start (ruling 33). The broker for nature, appointed in January, the second one for
Dutch, which ends in March, and all partners are invented.
"""

from datetime import date

from demo.simulation.plan import Appointment, Body

SINCE = "2019-06-27"  # the day on which the covenant was signed

BROKERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "own:babel": ("Babel", ("kunst-en-cultuur", "nederlands", "mens-en-maatschappij")),
    "own:ggd-hart-van-brabant": ("GGD Hart van Brabant", ("bewegen-en-sport",)),
    "own:s-port": ("'S-PORT", ("bewegen-en-sport",)),
}
LANGUAGE_BROKER, ENDS_ON = "own:verzonnen-taalmakelaar", date(2026, 3, 2)
"""Brokers Dutch beside Babel, until it ends: what is open then goes on with Babel alone."""
WITHOUT_BROKER = ("digitale-geletterdheid", "mens-en-natuur", "burgerschap")
NATURE = "mens-en-natuur"
NATURE_BROKER = "own:verzonnen-natuurmakelaar"
APPOINTED_ON = date(2026, 1, 12)

PARTNERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "own:muziekfabriek": ("Verzonnen Muziekfabriek", ("kunst-en-cultuur",)),
    "own:theater-kraak": ("Verzonnen Theater Kraak", ("kunst-en-cultuur", "nederlands")),
    "own:museum-de-spiegel": ("Verzonnen Museum De Spiegel", ("kunst-en-cultuur", "mens-en-maatschappij")),
    "own:dansschool-wervel": ("Verzonnen Dansschool Wervel", ("kunst-en-cultuur", "bewegen-en-sport")),
    "own:voorleesgilde": ("Verzonnen Voorleesgilde", ("nederlands",)),
    "own:schrijflab": ("Verzonnen Schrijflab", ("nederlands", "kunst-en-cultuur")),
    "own:stadsgidsen": ("Verzonnen Stadsgidsen", ("mens-en-maatschappij",)),
    "own:sportclub-de-ring": ("Verzonnen Sportclub De Ring", ("bewegen-en-sport",)),
    "own:zwemvereniging-golf": ("Verzonnen Zwemvereniging Golf", ("bewegen-en-sport",)),
    "own:judoschool-evenwicht": ("Verzonnen Judoschool Evenwicht", ("bewegen-en-sport",)),
    "own:beweegteam": ("Verzonnen Beweegteam", ("bewegen-en-sport",)),
    "own:natuurtuin-de-poel": ("Verzonnen Natuurtuin De Poel", (NATURE,)),
    "own:boerderij-het-erf": ("Verzonnen Boerderij Het Erf", (NATURE, "mens-en-maatschappij")),
    "own:techniekwerkplaats": ("Verzonnen Techniekwerkplaats", ("digitale-geletterdheid", NATURE)),
}


def area(code: str) -> Body:
    return {"scheme": "curriculum.nu", "code": code}


def organisation(name: str, areas: tuple[str, ...], since: str = SINCE) -> Body:
    return {"validFrom": since, "name": {"nl": name}, "learningAreas": [area(code) for code in areas]}


def ending_broker() -> Body:
    return organisation("Verzonnen Taalmakelaar", ("nederlands",)) | {"validTo": ENDS_ON.isoformat()}


def brokers_of(code: str, day: date) -> list[str]:
    found = [broker for broker, (_, areas) in BROKERS.items() if code in areas]
    return [*found, NATURE_BROKER] if code == NATURE and day >= APPOINTED_ON else found


def partners_of(code: str) -> list[str]:
    return [partner for partner, (_, areas) in PARTNERS.items() if code in areas]


def appointment() -> Appointment:
    body = organisation("Verzonnen Natuurmakelaar", (NATURE,), APPOINTED_ON.isoformat())
    return Appointment(APPOINTED_ON, NATURE_BROKER, body)
