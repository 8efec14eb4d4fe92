"""Figure of a neuron's activations on the correct and on the misclassified samples of each class."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from neurontune_core.figures.base import CORRECT, INCORRECT, MARGIN, make_figure, make_layout, shorten

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from neurontune_core.identification.distributions import Distribution

_LONGEST_TITLE = 60  # characters over charts side by side, all together
_GUTTER = 0.05  # between them, of the whole width


def outcome_distributions(classes: Sequence[tuple[str, Distribution]], chosen: int = 0) -> Figure:
    """Draw correct and misclassified samples over a neuron's activation, with both medians, a chart for each class.

    Args:
        classes: [K] title and distribution; all in the same bins.
        chosen: the place of the class that stands out.

    >>> from neurontune_core.identification.distributions import distributions_of
    >>> activations, right = np.array([0.1, 0.3, 0.9]), np.array([True, True, False])
    >>> (bird,) = distributions_of(activations, [np.ones(3, dtype=bool)], right)
    >>> [trace.name for trace in outcome_distributions([("bird", bird)]).data]
    ['correct', 'misclassified']
    """
    layout = make_layout("activation", "% of samples", 190, numbers=True) | {
        "showlegend": False,
        "margin": MARGIN | {"t": 38},
        "shapes": [],
        "annotations": [],
    }
    first_x, first_y = layout.pop("xaxis"), layout.pop("yaxis")
    traces = []
    for place, (title, distribution) in enumerate(classes):
        axis = str(place + 1) if place else ""
        width = (1 - _GUTTER * (len(classes) - 1)) / len(classes)
        left = place * (width + _GUTTER)
        layout[f"xaxis{axis}"] = first_x | {"domain": [left, left + width], "anchor": f"y{axis}", "nticks": 5}
        layout[f"yaxis{axis}"] = (
            first_y if not place else {"matches": "y", "anchor": f"x{axis}", "showticklabels": False}
        )
        name = escape(shorten(title, _LONGEST_TITLE // len(classes)))
        layout["annotations"].append(
            {
                "text": f"{f'<b>{name}</b>' if place == chosen else name}<br>{_counts(distribution, len(classes) < 3)}",
                "xref": "paper", "yref": "paper", "x": left, "y": 1, "xanchor": "left", "yanchor": "bottom",
                "align": "left", "showarrow": False, "font": {"size": 12},
            }
        )  # fmt: skip
        for part in _outcomes(distribution):
            traces.append(_steps(distribution.edges, part) | {"xaxis": f"x{axis}", "yaxis": f"y{axis}"})
            if not np.isnan(part.median):
                line = {"color": part.color, "width": 2.5, "dash": part.dash}
                layout["shapes"].append(
                    {
                        "type": "line", "xref": f"x{axis}", "x0": part.median, "x1": part.median,
                        "yref": f"y{axis} domain", "y0": 0, "y1": 1, "line": line,
                    }
                )  # fmt: skip
    return make_figure({"data": traces, "layout": layout})


class _Outcome(NamedTuple):
    name: str
    mark: str
    share: np.ndarray
    number: int
    median: float
    color: str
    dash: str
    pattern: str


def _outcomes(distribution: Distribution) -> tuple[_Outcome, _Outcome]:
    return (
        _Outcome(
            "correct",
            "✓",
            distribution.correct,
            distribution.num_correct,
            distribution.median_correct,
            CORRECT,
            "solid",
            "",
        ),
        _Outcome(
            "misclassified",
            "✗",
            distribution.incorrect,
            distribution.num_incorrect,
            distribution.median_incorrect,
            INCORRECT,
            "dot",
            "/",
        ),
    )


def _counts(distribution: Distribution, words: bool) -> str:
    """Return the legend of a chart: the mark of each outcome in its color, and its number of samples."""
    return "   ".join(
        f'<b style="color:{part.color}">{part.mark}</b> {part.number:,}{f" {part.name}" if words else ""}'
        for part in _outcomes(distribution)
    )


def _steps(edges: np.ndarray, part: _Outcome) -> dict:
    """Return the outline of a histogram, one path where bars would be one for each bin."""
    return {
        "type": "scatter",
        "x": edges.astype(np.float32),
        "y": np.append(100 * part.share, 0).astype(np.float32),
        "mode": "lines",
        "line": {"color": part.color, "width": 1.5, "shape": "hv"},
        "fill": "tozeroy",
        "fillpattern": {"shape": part.pattern, "solidity": 0.25, "fgcolor": part.color},
        "name": part.name,
        "hovertemplate": "activation from %{x:.3g}: %{y:.1f} %<extra>" + part.name + "</extra>",
    }
