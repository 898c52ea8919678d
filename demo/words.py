"""The demo's texts, in English and Dutch."""

from datetime import date, datetime

from contracts.values import AMSTERDAM
from samenspel.language import Language

_MONTHS = {
    Language.EN: ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    Language.NL: ("jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"),
}

_TEXTS: dict[str, tuple[str, str]] = {
    "start": ("Kafka, PostgreSQL, services", "Kafka, PostgreSQL, services"),
    "record": ("Sites, groups, brokers, partners", "Locaties, groepen, makelaars, partners"),
    "autumn": ("Playing the autumn", "Het najaar spelen"),
    "spring": ("Playing winter and spring", "Winter en voorjaar spelen"),
    "count": ("Waiting for the figures", "Wachten op de cijfers"),
    "recount": ("Recount, and check by Node", "Natellen, en controle door Node"),
    "rebuild": ("Dropping and rebuilding reporting", "Rapportage wissen en herbouwen"),
    "title": ("Samenspel · {city} · school year {year}", "Samenspel · {city} · schooljaar {year}"),
    "known": ("Known at {when} (cut {cut}).", "Bekend op {when} (doorsnede {cut})."),
    "real": (
        "REAL: schools and pupil numbers (DUO, open data, CC0).",
        "ECHT: scholen en leerlingaantallen (DUO, open data, CC0).",
    ),
    "simulated": (
        "SIMULATED (seed {seed}): groups, care, partners, requests, referrals, activities.",
        "NAGEBOOTST (seed {seed}): groepen, opvang, partners, vragen, activiteiten.",
    ),
    "adoption": ("Adoption on {day}", "Adoptie op {day}"),
    "strict": ("strict, with care", "streng, met opvang"),
    "loose": ("loose", "ruim"),
    "declared": ("declared by schools", "door scholen opgegeven"),
    "short": (
        "{number} more of the {schools} schools would make the covenant's {target} % (strict).",
        "Nog {number} van de {schools} scholen en de {target} % van het convenant is gehaald (streng).",
    ),
    "met": (
        "The covenant's {target} % of {schools} open primary schools is met (strict).",
        "De {target} % van het convenant, van {schools} open basisscholen, is gehaald (streng).",
    ),
    "reach": ("Reach of pupils, at least one activity", "Bereik van leerlingen, minstens één activiteit"),
    "columns": ("surely\N{EN DASH}possibly", "zeker\N{EN DASH}mogelijk"),
    "of": ("of", "van"),
    "confirm": ("groups*", "groepen*"),
    "confirm_note": (
        "* groups to confirm: counting them would make the figure exact",
        "* nog te bevestigen groepen: na telling is het cijfer precies",
    ),
    "city": ("City", "Stad"),
    "substitution": (
        "Replaced {replaced} % · stacked {stacked} % · unknown {unknown} % of all",
        "Vervangt {replaced} % · stapelt {stacked} % · onbekend {unknown} % van alle",
    ),
    "flow": (
        "From question to delivery (median days since the step before)",
        "Van vraag tot uitvoering (mediaan van dagen sinds de vorige stap)",
    ),
    "raised": ("raised", "gesteld"),
    "assigned": ("assigned", "toegewezen"),
    "answered": ("answered", "beantwoord"),
    "referred": ("referred", "doorverwezen"),
    "accepted": ("accepted", "aangenomen"),
    "delivered": ("delivered", "uitgevoerd"),
    "confirmed": ("confirmed", "bevestigd"),
    "without": ("{number} without broker now", "{number} nu zonder makelaar"),
    "events": (
        "{events} events · {dead} dead letters · {lost} lost · {doubled} doubled",
        "{events} berichten · {dead} onbestelbaar · {lost} verloren · {doubled} dubbel",
    ),
    "services": ("Services:", "Services:"),
    "recounted": (
        "Recount from the topics: {word} ({number} figures)",
        "Natelling uit de topics: {word} ({number} cijfers)",
    ),
    "rebuilt": (
        "Tables dropped, rebuilt in {seconds} s: {word} ({number} figures)",
        "Tabellen gewist, herbouwd in {seconds} s: {word} ({number} cijfers)",
    ),
    "checked": (
        "Contracts, checked by Node: {word} ({number} messages)",
        "Contracten, gecontroleerd door Node: {word} ({number} berichten)",
    ),
    "not_checked": (
        "Contracts, checked by Node: not done. {why}",
        "Contracten, controle door Node: niet gedaan. {why}",
    ),
    "equal": ("equal", "gelijk"),
    "byte_equal": ("byte-equal", "byte voor byte gelijk"),
    "kept": ("all kept", "alle gehouden"),
    "different": ("DIFFERENT, {number}\N{MULTIPLICATION SIGN}", "ANDERS, {number}\N{MULTIPLICATION SIGN}"),
    "more": ("and {number} more; --json has them all", "en nog {number}; --json heeft ze alle"),
    "keep": (
        "Keep one running:  make up ; samenspel demo --against-running",
        "Eén laten draaien:  make up ; samenspel demo --against-running",
    ),
    "why": ("Then, why {percent} %?  samenspel figures explain", "Dan, waarom {percent} %?  samenspel figures explain"),
    "stop": ("Stop:  make down", "Stoppen:  make down"),
}


def word(language: Language, name: str, **parts: object) -> str:
    """A text in a language, with its parts filled in."""
    text = _TEXTS[name][language is Language.NL]
    return text.format(**parts) if parts else text


def number(language: Language, count: int) -> str:
    """1,304 or 1.304."""
    return f"{count:,}" if language is Language.EN else f"{count:,}".replace(",", ".")


def decimals(language: Language, value: float) -> str:
    """1.9 or 1,9."""
    return f"{value:.1f}" if language is Language.EN else f"{value:.1f}".replace(".", ",")


def day_text(language: Language, day: date) -> str:
    """31 Jul 2026."""
    return f"{day.day} {_MONTHS[language][day.month - 1]} {day.year}"


def moment_text(language: Language, instant: str) -> str:
    """22 Nov 2026 14:03:07, on the wall clock in Amsterdam."""
    local = datetime.fromisoformat(instant).astimezone(AMSTERDAM)
    return f"{day_text(language, local.date())} {local:%H:%M:%S}"
