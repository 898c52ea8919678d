"""The command in ten lines, as the page for integrators has it, is carried out."""

import re
import subprocess
import sys
from pathlib import Path
from uuid import UUID

from tests.builders import ATELIER, referral_details, request_details
from tests.integration.clients.outside import CONSULTANT, COORDINATOR, PARTNER, City, Outside
from tests.service_process import as_json
from tests.waiting import wait_until

PAGE = Path(__file__).parents[3] / "docs" / "commands-over-kafka.md"


def test_the_example_of_the_page_accepts_a_referral(city: City, client: Outside) -> None:
    request_id = client.gave("requests.RaiseRequest", as_json(request_details()), by=COORDINATOR).aggregate_id
    made = client.gave("referrals.Refer", as_json(referral_details(UUID(request_id))), by=CONSULTANT)
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    here = {
        "127.0.0.1:9092": city.kafka,
        "partnership.": f"{city.prefix}partnership.",
        "atelier-planning": client.name,
        "0199c86c-3f14-71c3-8550-e81029294fc1": made.aggregate_id,
        "own:atelier-de-dieze": ATELIER,
    }
    for shown, real in here.items():
        example = example.replace(shown, real)

    subprocess.run([sys.executable, "-c", example], check=True, timeout=60)

    path = f"/v1/referrals/{made.aggregate_id}"
    wait_until(lambda: city.referrals.ask_ok("GET", path, by=PARTNER)["status"] == "accepted")
