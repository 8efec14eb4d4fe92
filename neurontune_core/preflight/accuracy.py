"""Accuracy on a small sample, also under other normalizations and another order of the labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from neurontune_core.preflight.report import Finding, Reading, SampleAccuracy
from neurontune_core.preflight.sample import NORMALIZATIONS, Answers, Predictions
from neurontune_core.statistics import mcnemar
from neurontune_core.tables import percent

LEVEL = 0.005  # what a p-value of an alternative must stay under; there are a handful of alternatives
MARGIN = 0.03  # and by how much more of the sample it must be right
FEW = 20  # samples below which guessing cannot be told from knowing
PER_CLASS = 6  # samples a class from which on the order of the labels can be told


def measure(answers: Answers, num_classes: int) -> SampleAccuracy:
    """Count the correct predictions, as the samples are read and under other normalizations and orders of the labels.

    >>> predictions = Predictions()
    >>> predictions.predicted, predictions.log_likelihood = np.array([0, 1, 1]), np.zeros(3)
    >>> measured = measure(Answers("val", np.array([0, 1, 0]), predictions, {}, [(3, 0.1)]), num_classes=2)
    >>> measured.correct, measured.n, round(measured.chance, 2)
    (2, 3, 0.67)
    """
    labels, predictions = answers.labels, answers.predictions
    order, note = _best_order(labels, predictions.predicted, num_classes)
    return SampleAccuracy(
        split=answers.split,
        n=len(labels),
        correct=int((predictions.predicted == labels).sum()),
        chance=float(np.bincount(labels).max() / len(labels)),
        normalizations=tuple(_normalized(name, answers, other) for name, other in answers.others.items()),
        order=order,
        order_note=note,
    )


def better(trial: Reading | None) -> bool:
    """Return whether an alternative is correct more often, by more than chance explains.

    The predicted class says little of one sample, the probability of its own class says more; both are compared by sign
    test (McNemar), and one of them must be significant.

    >>> better(Reading("values from 0 to 1", n=100, before=40, fixed=50, broken=2, more_likely=90))
    True
    >>> better(Reading("values from 0 to 1", n=100, before=80, fixed=2, broken=2, more_likely=50)), better(None)
    (False, False)
    """
    if trial is None or trial.fixed - trial.broken < max(1, MARGIN * trial.n):
        return False
    surer = trial.more_likely is not None and 2 * trial.more_likely > trial.n
    p_value = min(
        mcnemar(trial.fixed, trial.broken),
        mcnemar(trial.more_likely or 0, trial.n - (trial.more_likely or 0)) if surer else 1.0,
    )
    return p_value < LEVEL


def judge(accuracy: SampleAccuracy, class_names: tuple[str, ...], can_reorder: bool) -> Iterator[Finding]:
    """Yield warnings about the normalization, the order of the labels, and a model that seems to guess."""
    now = percent(accuracy.accuracy, 0)
    if (best := _best_normalization(accuracy)) is not None:
        flags = " ".join(
            f"--preprocessing {key}={','.join(map(_short, best.settings[key]))}" for key in ("mean", "std")
        )
        yield Finding(
            "warning",
            "preprocessing",
            f"The normalization is likely wrong: with {best.name} the model is right on {percent(best.accuracy, 0)} of "
            f"{best.n} samples, as they were read on {percent(best.before / best.n, 0)}.",
            f"Use what the model was trained with; that is likely: {best.name}.",
            flags,
        )
    if accuracy.order is not None and better(accuracy.order):
        names = [class_names[place] for place in accuracy.order.settings["order"]]
        yield Finding(
            "warning",
            "labels",
            f"The order of the labels is likely wrong: read as {', '.join(names[:6])}{', ...' * (len(names) > 6)}, the "
            f"model's outputs are right on {percent(accuracy.order.accuracy, 0)} of the sample, not {now}.",
            "Give the classes in the order of the model's outputs."
            if can_reorder
            else "Number the labels of the table in the order of the model's outputs.",
            f"--classes {','.join(names)}" if can_reorder else "",
        )
    elif best is None and accuracy.interval[0] <= accuracy.chance:
        low, high = (f"{100 * end:.0f}" for end in accuracy.interval)
        few = accuracy.n < FEW
        yield Finding(
            "note" if few else "warning",
            "accuracy",
            f"The model is right on {now} of {accuracy.n} samples (95 % interval {low}-{high} %), where one answer for "
            f"all would be right on {percent(accuracy.chance, 0)}: "
            + ("too few samples to tell it from guessing." if few else "it may be guessing."),
            ""
            if few
            else "Check that these weights were trained on these classes, and how their samples were prepared.",
        )


def _best_normalization(accuracy: SampleAccuracy) -> Reading | None:
    return max(filter(better, accuracy.normalizations), key=lambda trial: trial.accuracy, default=None)


def _normalized(name: str, answers: Answers, other: Predictions) -> Reading:
    n = len(other)
    labels, predicted = answers.labels[:n], answers.predictions.predicted[:n]
    more_likely = int((other.log_likelihood > answers.predictions.log_likelihood[:n]).sum())
    return _trial(name, labels, predicted, other.predicted, more_likely, _settings(name))


def _trial(
    name: str,
    labels: np.ndarray,
    predicted: np.ndarray,
    other: np.ndarray,
    more_likely: int | None,
    settings: dict[str, Any],
) -> Reading:
    before, after = predicted == labels, other == labels
    fixed, broken = int((~before & after).sum()), int((before & ~after).sum())
    return Reading(name, len(labels), int(before.sum()), fixed, broken, more_likely, settings)


def _settings(name: str) -> dict[str, Any]:
    mean, std = NORMALIZATIONS[name]
    return {"mean": list(mean), "std": list(std)}


def _best_order(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> tuple[Reading | None, str]:
    """Find the order of the outputs that makes most predictions correct (an assignment problem; Kuhn, 1955).

    The order is chosen on one half of the sample and measured on the other, both ways: chosen and measured on the same
    samples, the best of all orders would look better than the right one.
    """
    counts = np.bincount(labels, minlength=num_classes)
    if counts.min() < PER_CLASS:
        return None, (
            f"The order of the labels was not checked by answers: that takes {PER_CLASS} samples a class, and of some "
            f"class there are {counts.min()} in the sample."
        )
    half = np.empty(len(labels), dtype=np.int64)
    for label in range(num_classes):
        mine = np.flatnonzero(labels == label)
        half[mine] = np.arange(len(mine)) % 2
    read = np.empty_like(predicted)
    for side in (0, 1):
        read[half == side] = _assigned(labels[half != side], predicted[half != side], num_classes)[
            predicted[half == side]
        ]
    order = _assigned(labels, predicted, num_classes)
    note = "The order of the labels was checked: the model's outputs were matched to the classes in the best order."
    return _trial("another order", labels, predicted, read, None, {"order": order.tolist()}), note


def _assigned(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Return [C]: the class to read each output as; ties go to the given order."""
    from scipy.optimize import linear_sum_assignment

    table = np.zeros((num_classes, num_classes))
    np.add.at(table, (predicted, labels), 1)
    table += 1e-6 * np.eye(num_classes)
    return linear_sum_assignment(table, maximize=True)[1]


def _short(value: float) -> str:
    return f"{value:.4g}"
