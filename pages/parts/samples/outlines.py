"""Outlines drawn on a chart, kept for the session and in the URL.

Streamlit's own chart sends every point inside an outline to the server, and again with each later click. This component
sends the outlines alone.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from neurontune_core.evaluation.outlines import Selection, as_text, from_text
from pages.parts.frame.url_state import set_query

NAME = "outline"  # in the URL
TOOLS = {
    "modeBarButtons": [
        ["lasso2d", "select2d"],
        ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"],
        ["toImage"],
    ]
}
_LONGEST_TEXT = 2000  # characters; browsers and servers cut much longer URLs
_component = st.components.v2.component(
    "neurontune_outlines",
    html="<div></div>",
    js=(Path(__file__).parent / "outlines.js").read_text(encoding="utf-8"),
)


class Outlines:
    """The outlines on one chart.

    Args:
        around: key of the container of the chart.
        chart: name of the chart, different for every map.
        in_url: whether the outlines of the URL belong to this chart.

    Attributes:
        first: outlines to draw when the chart appears: those of this session, else those of the URL.
        revision: grows when all outlines are cleared, so that the chart is drawn anew.
    """

    def __init__(self, around: str, chart: str, *, in_url: bool) -> None:
        self._around, self._key, self._in_url = around, f"outlines-{chart}", in_url
        state = st.session_state
        if in_url and "outlines" not in state:  # the session has just begun
            state["outlines"] = {self._key: as_text(from_text(st.query_params.get(NAME, "")))}
        self._kept: dict[str, str] = state.get("outlines", {})
        self.revision: int = state.get(f"{self._key}-revision", 0)
        self._widget = f"{self._key}-{self.revision}"
        if self._widget not in state:  # the chart is new on this screen
            state[f"{self._key}-first"] = self._kept.get(self._key, "")
        self.first: str = state[f"{self._key}-first"]

    def selection(self) -> Selection:
        """Return the outlines drawn now; to be called right after the chart."""
        drawn = _component(
            data={"around": self._around}, key=self._widget, default={"drawn": from_text(self.first)},
            on_drawn_change=lambda: None,
        ).drawn  # fmt: skip
        text = self._kept[self._key] = as_text(drawn)
        if self._in_url:
            set_query(NAME, text if len(text) <= _LONGEST_TEXT else "")
        return from_text(text)  # as a reload would read it

    def clear(self) -> None:
        """Remove all outlines."""
        self._kept[self._key] = ""
        st.session_state[f"{self._key}-revision"] = self.revision + 1
