"""The programme that the demo plays; its definition and DUO's files are in the repository's folder of programmes."""

from pathlib import Path

PROGRAMME = "kansen-voor-kinderen"
PROGRAMME_FOLDER = Path(__file__).parents[1] / "programmes" / PROGRAMME
