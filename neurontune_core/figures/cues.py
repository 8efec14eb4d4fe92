"""Figures of a cue: how many predictions it changes in each class, beside a control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from neurontune_core.figures.base import ACCENT, GRAY, LIGHT, make_figure, make_layout, shorten
from neurontune_core.statistics import wilson_interval

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PALE = "#c3c7cd"
_ROW, _AROUND = 26, 84  # pixels of a bar, and of legend and axis


def changed_answers(classes: Sequence[str], totals: Sequence[int], counts: Mapping[str, Sequence[int]]) -> Figure:
    """Draw the share of each class whose prediction changes, one bar for the cue and one for each control.

    Args:
        classes: [C] names of the classes.
        totals: [C] samples that were tried, at least 1.
        counts: name of what was put in -> [C] samples whose prediction changed; the cue first.

    >>> figure = changed_answers(["happy"], [50], {"with tag": [40], "with a patch": [5]})
    >>> [(trace.name, list(trace.x)) for trace in figure.data]
    [('with tag', [80.0]), ('with a patch', [10.0])]
    """
    traces = []
    labels = [f"{escape(shorten(name, 18))} (n = {total})" for name, total in zip(classes, totals, strict=True)]
    for place, (name, changed) in enumerate(counts.items()):
        shares = [count / total for count, total in zip(changed, totals, strict=True)]
        ends = [wilson_interval(count, total) for count, total in zip(changed, totals, strict=True)]
        written = [f"{count} of {total}" for count, total in zip(changed, totals, strict=True)]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "x": [100 * share for share in shares],
                "y": labels,
                "text": written,
                "textposition": "none",
                "error_x": {
                    "array": [100 * (high - share) for share, (_, high) in zip(shares, ends, strict=True)],
                    "arrayminus": [100 * (share - low) for share, (low, _) in zip(shares, ends, strict=True)],
                    "width": 3,
                    "thickness": 1.5,
                    "color": GRAY if place else ACCENT,
                },
                "name": escape(name),
                "marker": {"color": PALE if place else LIGHT},
                "hovertemplate": "%{text} predictions change<extra>" + escape(name) + "</extra>",
            }
        )
    layout = make_layout("predictions that change, %", "", _AROUND + _ROW * len(classes) * len(counts))
    layout["bargap"] = 0.25
    layout["xaxis"] |= {"range": [0, 102]}
    layout["yaxis"] |= {"autorange": "reversed", "automargin": True}
    return make_figure({"data": traces, "layout": layout})
