"""Pictures as SVG: small, without scripts, in three greys and one accent, and printable."""

import sys
from collections.abc import Sequence
from typing import Any

import pygal
from pygal.style import Style

# It leaves a hook of Python 2 among the importers, which every later import would warn of.
sys.meta_path[:] = [each for each in sys.meta_path if type(each).__module__ != "pygal"]

# Of what is sure, possible and agreed, each three times as light or dark as what it stands on or beside (WCAG 1.4.11).
ACCENT, DOUBT, LINE = "#0f4474", "#6996c2", "#555555"
WIDTH = 330  # about as wide as they stand on a phone and in a card: their words are as large as others then


def _style(*colors: str) -> Style:
    return Style(
        background="transparent",
        plot_background="transparent",
        foreground=LINE,
        foreground_strong=LINE,
        foreground_subtle="#dddddd",
        font_family="inherit",
        guide_stroke_color="#dddddd",
        guide_stroke_dasharray="1",
        major_guide_stroke_color="#dddddd",
        major_guide_stroke_dasharray="1",
        opacity="1",
        stroke_opacity="1",
        stroke_width="3",
        label_font_size=12,
        major_label_font_size=12,
        colors=colors,
    )


_BANDS, _CURVE = _style(ACCENT, DOUBT), _style(ACCENT, LINE)


def bands(name: str, labels: Sequence[str], surely: Sequence[float], possibly: Sequence[float]) -> str:
    """One bar for each: what is sure, and beside it, lighter, what is possible. `name`: another one for each picture of
    a page."""
    chart = pygal.HorizontalStackedBar(
        height=60 + 20 * len(labels), range=(0, 100), margin_right=14, **_options(_BANDS)
    )
    chart.x_labels = list(reversed(labels))
    doubt = [most - least for least, most in zip(surely, possibly, strict=True)]
    chart.add("", [round(each, 1) for each in reversed(surely)])
    chart.add("", [round(each, 1) for each in reversed(doubt)])
    return _svg(name, chart)


def curve(name: str, labels: Sequence[str], values: Sequence[float], target: float | None) -> str:
    """The values in their order, and the target as a dashed line."""
    chart = pygal.Line(height=200, range=(0, 100), dots_size=4, margin_right=40, **_options(_CURVE))
    shown = {
        labels[number]: number for number in (len(labels) - 1, len(labels) // 2, 0)
    }  # more would cover one another
    chart.x_labels = [label if shown.get(label) == number else "" for number, label in enumerate(labels)]
    chart.add("", [round(each, 1) for each in values])
    if target is not None:
        chart.add("", [target] * len(labels), show_dots=False, stroke_style={"width": 2, "dasharray": "8, 6"})
    return _svg(name, chart)


def _options(style: Style) -> dict[str, object]:
    return {
        "style": style,
        "js": (),
        "width": WIDTH,
        "show_legend": False,
        "margin": 4,
        "disable_xml_declaration": True,
        "truncate_label": -1,
        "y_labels": [0, 25, 50, 75, 100],
        "value_formatter": lambda share: f"{share:.0f}",
    }


def _svg(name: str, chart: Any) -> str:  # noqa: ANN401 - pygal is not typed
    """A screen reader skips the drawing, because its text alternative stands beside it."""
    chart.uuid = name  # its own would be another one each time, and so would the picture
    chart.add_xml_filter(_without_scripts)
    text: str = chart.render(is_unicode=True)
    return text.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def _without_scripts(root: Any) -> Any:  # noqa: ANN401 - an element of the drawing
    """The library writes one for tooltips."""
    for parent in list(root.iter()):
        for child in [each for each in parent if str(each.tag).endswith("script")]:
            parent.remove(child)
    return root
