"""What every figure shares: colors, margins, the layout, and how a figure is made."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

CORRECT, INCORRECT, ACCENT, GRAY, AMBER = "#2f6fb2", "#c8453b", "#0f766e", "#8a8f98", "#b7791f"
VIOLET, LIGHT = "#7c5cbf", "#5fb3a8"
NO_MASKING = "No masking"  # class-balanced retraining without a mask, as figures and tables call it
SERIES = {
    "Trained": GRAY,
    "Mask alone": LIGHT,
    NO_MASKING: AMBER,
    "Retrained": ACCENT,
    "Advised": VIOLET,
}  # head -> color
MARGIN = {"l": 52, "r": 16, "t": 28, "b": 44}
NO_MODE_BAR = {"displayModeBar": False}  # Plotly's configuration of a figure that needs no tools
_LONGEST_NAME = 32  # characters that fit beside a legend


def make_figure(specification: dict) -> Figure:
    """Return the Plotly figure of a specification ``{"data": traces, "layout": layout}``.

    >>> make_figure({"data": [{"type": "bar", "y": [1, 2]}], "layout": {}}).data[0].y
    (1, 2)
    """
    if "pandas" in sys.modules:  # then plotly asks it about every array, and fails while another thread is importing it
        import pandas  # noqa: F401
    from plotly.graph_objects import Figure

    return Figure(specification)


def make_layout(x: str, y: str, height: int, *, numbers: bool = False) -> dict:
    """Return the layout of a figure.

    Args:
        x, y: titles of the axes.
        height: in pixels.
        numbers: whether both axes show numbers, for which the margins are wide enough; measuring the labels would draw
            the chart twice.

    >>> make_layout("epoch", "loss", 240)["xaxis"]["title"]["text"]
    'epoch'
    """
    return {
        "height": height,
        "margin": MARGIN,
        "xaxis": {"title": {"text": x}, "automargin": not numbers},
        "yaxis": {"title": {"text": y}, "automargin": not numbers},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        "uirevision": "keep",
    }


def shorten(name: str, longest: int = _LONGEST_NAME) -> str:
    """Return a name, cut to at most ``longest`` characters.

    >>> shorten("Black-footed Albatross", 12)
    'Black-foote…'
    """
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
