"""What is drawn on a chart, kept for the session and in the address.

Streamlit's own chart sends every point inside an outline to the server, and again with each later click. Here only the
outlines travel.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from neurontune_core.evaluation.outlines import Selection, as_text, from_text

NAME = "outline"  # in the address
TOOLS = {
    "modeBarButtons": [
        ["lasso2d", "select2d"],
        ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"],
        ["toImage"],
    ]
}
_LONGEST_ADDRESS = 2000  # characters; browsers and servers cut much longer addresses
_outlines = st.components.v2.component(
    "neurontune_outlines",
    html="<div></div>",
    js=(Path(__file__).parent / "outlines.js").read_text(encoding="utf-8"),
)


class Outlines:
    """The outlines on one chart.

    Args:
        around: the key of the container that the chart lies in.
        chart: its name, another one for every map.
        in_address: whether it is the chart that the address speaks of.

    Attributes:
        first: what to draw when the chart appears: what was drawn on it before, in this session or by the address.
        revision: grows when all were cleared, so that the chart is drawn anew.
    """

    def __init__(self, around: str, chart: str, *, in_address: bool) -> None:
        self._around, self._key, self._in_address = around, f"outlines-{chart}", in_address
        state = st.session_state
        if in_address and "outlines" not in state:  # the session has just begun
            state["outlines"] = {self._key: as_text(from_text(st.query_params.get(NAME, "")))}
        self._kept: dict[str, str] = state.get("outlines", {})
        self.revision: int = state.get(f"{self._key}-revision", 0)
        self._widget = f"{self._key}-{self.revision}"
        if self._widget not in state:  # the chart is new on this page
            state[f"{self._key}-first"] = self._kept.get(self._key, "")
        self.first: str = state[f"{self._key}-first"]

    def selection(self) -> Selection:
        """What is drawn now; to be called beside the chart."""
        found = _outlines(
            data={"around": self._around}, key=self._widget, default={"drawn": from_text(self.first)},
            on_drawn_change=lambda: None,
        ).drawn  # fmt: skip
        text = self._kept[self._key] = as_text(found)
        said = text if len(text) <= _LONGEST_ADDRESS else ""
        if self._in_address and said != st.query_params.get(NAME, ""):
            if said:
                st.query_params[NAME] = said
            else:
                del st.query_params[NAME]
        return from_text(text)  # as a reload would read it

    def clear(self) -> None:
        self._kept[self._key] = ""
        st.session_state[f"{self._key}-revision"] = self.revision + 1
