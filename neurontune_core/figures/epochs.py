"""Figures over the epochs of a retraining or of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from neurontune_core.figures.base import ACCENT, AMBER, GRAY, NO_MASKING, SERIES, make_figure, make_layout

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from neurontune_core.training.history import TrainHistory
    from neurontune_core.tuning.result import EpochRecord

Histories = Mapping[str, Sequence["EpochRecord"]]  # method -> records
_STRIP, _ABOVE, _BELOW = 66, 24, 36  # pixels of a measure, of the legend, of the epochs


def learning_curves(histories: Histories, measure: str, label: str, kept: int | None) -> Figure:
    """Draw one measure over epochs for each method, with the kept epoch of NeuronTune marked.

    Args:
        histories: method -> records.
        measure: a field of `EpochRecord`; accuracies are drawn in per cent.
        label: the axis title.
        kept: the kept epoch, when it is known.

    >>> from neurontune_core.tuning.result import EpochRecord
    >>> records = [EpochRecord(epoch, 0.7, 3.0, 0.9, 0.8, 0.5, 4) for epoch in (1, 2)]
    >>> learning_curves({"Retrained": records}, "accuracy", "average, %", 2).data[0].y
    (90.0, 90.0)
    """
    layout = make_layout("epoch", label, 240)
    if kept is not None:
        layout["shapes"] = [_kept(kept)]
    return make_figure({"data": _traces(histories, measure), "layout": layout})


def learning_strips(histories: Histories, measures: Sequence[tuple[str, str]], kept: int | None, epochs: int) -> Figure:
    """Draw several measures under each other over the same epochs, for a narrow place.

    Args:
        histories, kept: as for `learning_curves`.
        measures: a field of `EpochRecord` and its label each, from the top.
        epochs: how many there will be.

    >>> from neurontune_core.tuning.result import EpochRecord
    >>> histories = {"NeuronTune": [EpochRecord(1, 0.7, 3.0, 0.9, 0.8, 0.5, 4)]}
    >>> measures = [("accuracy", "average, %"), ("sfit", "SFit")]
    >>> [trace.y[0] for trace in learning_strips(histories, measures, None, epochs=40).data]
    [90.0, 3.0]
    """
    count = len(measures)
    layout = make_layout("epoch", "", _ABOVE + _STRIP * count + _BELOW, numbers=True)
    layout |= {"margin": {"l": 34, "r": 4, "t": _ABOVE, "b": _BELOW}, "annotations": [], "showlegend": True}
    layout["legend"] |= {"x": 0, "xanchor": "left", "font": {"size": 11}}
    layout["xaxis"] |= {"anchor": f"y{count}", "nticks": 5, "range": [0.5, epochs + 0.5]}
    traces = []
    for place, (measure, label) in enumerate(measures, start=1):
        top = 1 - (place - 1) / count
        layout["yaxis" if place == 1 else f"yaxis{place}"] = {
            "domain": [top - 0.66 / count, top - 0.16 / count],
            "nticks": 3,
        }
        layout["annotations"].append(
            {"text": label, "xref": "paper", "yref": "paper", "x": 0, "y": top - 0.15 / count, "xanchor": "left",
             "yanchor": "bottom", "showarrow": False, "font": {"size": 11}}
        )  # fmt: skip
        for trace in _traces(histories, measure):
            traces.append(trace | {"yaxis": f"y{place}", "showlegend": place == 1})
    if kept is not None:
        layout["shapes"] = [_kept(kept)]
    return make_figure({"data": traces, "layout": layout})


def _traces(histories: Histories, measure: str) -> list[dict]:
    factor = 1 if measure in ("sfit", "loss") else 100
    return [
        {
            "type": "scatter",
            "x": [record.epoch for record in records],
            "y": [factor * (getattr(record, measure) or 0.0) for record in records],
            "mode": "lines+markers" if len(records) < 3 else "lines",
            "name": name,
            "line": {
                "color": SERIES.get(name, ACCENT),
                "width": 2,
                "dash": "dot" if name == NO_MASKING else "solid",
            },
        }
        for name, records in histories.items()
    ]


def _kept(epoch: int) -> dict:
    line = {"color": ACCENT, "width": 1.5, "dash": "dash"}
    return {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": epoch, "x1": epoch, "line": line}


def training_curves(history: TrainHistory) -> tuple[Figure, Figure]:
    """Draw the training loss, and the accuracies on the validation split, over all planned epochs; the best is marked.

    Returns:
        The figure of the loss, and that of the accuracies.

    >>> from neurontune_core.training.history import TrainEpoch, TrainHistory
    >>> loss, accuracies = training_curves(TrainHistory((TrainEpoch(1, 0.7, 0.01, 0.9, 0.8, None),), 1, 10))
    >>> loss.data[0].y, [trace.name for trace in accuracies.data]
    ((0.7,), ['average', 'worst class'])
    """
    measures = [("average", "accuracy", GRAY, "dot"), ("worst class", "worst_class_accuracy", AMBER, "dash")]
    measures.append(("worst group", "worst_group_accuracy", ACCENT, "solid"))
    number = [record.epoch for record in history.epochs]
    accuracies = [
        _measure(number, [100 * value for value in values if value is not None], name, color, dash, " %")
        for name, measure, color, dash in measures
        if None not in (values := [getattr(record, measure) for record in history.epochs])
    ]
    loss = _measure(number, [record.loss for record in history.epochs], "training loss", GRAY, "solid", "")
    figures = []
    for traces, label, axis in (
        ([loss], "cross-entropy", {"rangemode": "tozero"}),
        (accuracies, "accuracy, %", {"range": [0, 102]}),
    ):
        layout = make_layout("epoch", label, 260) | {"showlegend": True}
        layout["xaxis"]["range"] = [0.5, max(history.planned, len(number)) + 0.5]
        layout["yaxis"] |= axis
        if history.best is not None:
            layout["shapes"] = [_kept(history.best)]
        figures.append(make_figure({"data": traces, "layout": layout}))
    return figures[0], figures[1]


def _measure(x: Sequence[int], y: Sequence[float], name: str, color: str, dash: str, unit: str) -> dict:
    return {
        "type": "scatter",
        "x": list(x),
        "y": list(y),
        "mode": "lines+markers" if len(x) < 20 else "lines",
        "marker": {"size": 5},
        "line": {"color": color, "dash": dash, "width": 2},
        "name": name,
        "hovertemplate": f"epoch %{{x}}: %{{y:.4g}}{unit}<extra>{name}</extra>",
    }
