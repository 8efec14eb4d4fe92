"""Is the model right as often as it should be, or would another normalisation or another order of labels be right?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from neurontune_core.compare_heads import mcnemar
from neurontune_core.preflight.report import Finding, SampleAccuracy, Trial
from neurontune_core.preflight.sample import NORMALISATIONS, Answers, other_normalisations

if TYPE_CHECKING:
    from neurontune_core.models.base import Network

LEVEL = 0.01  # what an alternative's p-value must stay under; there are a handful of alternatives
MARGIN = 0.03  # and by how much more of the sample it must be right
PER_CLASS = 6  # samples a class from which on the order of the labels can be told


def measure(model: Network[Any], answers: Answers, num_classes: int) -> SampleAccuracy:
    """Count the right answers, and those under other normalisations and another order of the labels."""
    labels, found = answers.labels, answers.found
    order, said = _best_order(labels, found, num_classes)
    others = other_normalisations(model, answers, lambda fixed: _surpasses(fixed, 0, len(labels)))
    return SampleAccuracy(
        split=answers.split,
        n=len(labels),
        correct=int((found == labels).sum()),
        chance=float(np.bincount(labels).max() / len(labels)),
        normalisations=tuple(Trial(name, fixed, broken, _settings(name)) for name, fixed, broken in others),
        order=order,
        order_said=said,
    )


def better(accuracy: SampleAccuracy, trial: Trial | None) -> bool:
    """Whether the alternative is right so much more often that chance does not explain it (McNemar's test)."""
    return trial is not None and trial.broken is not None and _surpasses(trial.fixed, trial.broken, accuracy.n)


def _surpasses(fixed: int, broken: int, n: int) -> bool:
    return fixed - broken >= MARGIN * n and mcnemar(fixed, broken) < LEVEL


def _share(accuracy: SampleAccuracy, trial: Trial) -> float:
    return 100 * (accuracy.correct + trial.fixed - (trial.broken or 0)) / accuracy.n


def judge(accuracy: SampleAccuracy, class_names: tuple[str, ...], can_reorder: bool) -> Iterator[Finding]:
    """Warnings on normalisation, order of the labels, and a model that guesses."""
    now = f"{100 * accuracy.accuracy:.0f} %"
    if (best := _best_normalisation(accuracy)) is not None:
        words = " ".join(
            f"--preprocessing {key}={','.join(map(_short, best.settings[key]))}" for key in ("mean", "std")
        )
        yield Finding(
            "warning",
            "preprocessing",
            f"The normalisation is likely wrong: with {best.name} the model is right on "
            f"{_share(accuracy, best):.0f} % of the same {accuracy.n} samples, as it was read on {now}.",
            f"Use what the model was trained with; for {best.name}: {words}",
        )
    if accuracy.order is not None and better(accuracy, accuracy.order):
        order = accuracy.order.settings["order"]
        names = [class_names[place] for place in order]
        yield Finding(
            "warning",
            "labels",
            f"The order of the labels is likely wrong: read as {', '.join(names[:6])}{', ...' * (len(names) > 6)}, the "
            f"model's outputs are right on {_share(accuracy, accuracy.order):.0f} % of the sample, not {now}.",
            f"Give the classes in the order of the model's outputs: --classes {','.join(names)}"
            if can_reorder
            else "Number the labels of the table in the order of the model's outputs.",
        )
    elif best is None and accuracy.interval[0] <= accuracy.chance:
        low, high = (f"{100 * end:.0f}" for end in accuracy.interval)
        yield Finding(
            "warning",
            "accuracy",
            f"The model is right on {now} of {accuracy.n} samples (95 % interval {low}-{high} %), no better than "
            f"always giving one answer ({100 * accuracy.chance:.0f} %).",
            "Check that these weights were trained on these classes, and how their pictures or texts were prepared.",
        )


def _best_normalisation(accuracy: SampleAccuracy) -> Trial | None:
    good = [trial for trial in accuracy.normalisations if better(accuracy, trial)]
    return max(good, key=lambda trial: trial.fixed - (trial.broken or 0), default=None)


def _settings(name: str) -> dict[str, Any]:
    mean, std = NORMALISATIONS[name]
    return {"mean": list(mean), "std": list(std)}


def _best_order(labels: np.ndarray, found: np.ndarray, num_classes: int) -> tuple[Trial | None, str]:
    """The order of the outputs under which most are right (an assignment problem; Kuhn, 1955).

    The order is chosen on one half of the sample and counted on the other, and the other way round: chosen and counted
    on the same samples, the best of all orders would look better than the right one.
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
    read = np.empty_like(found)
    for side in (0, 1):
        read[half == side] = _assigned(labels[half != side], found[half != side], num_classes)[found[half == side]]
    order = _assigned(labels, found, num_classes)
    said = "The order of the labels was checked: the model's outputs were matched to the classes in the best order."
    right, then = found == labels, read == labels
    fixed, broken = int((~right & then).sum()), int((right & ~then).sum())
    return Trial("another order", fixed, broken, {"order": order.tolist()}), said


def _assigned(labels: np.ndarray, found: np.ndarray, num_classes: int) -> np.ndarray:
    """[C] the class that each output is to be read as; ties go to the order as it stands."""
    from scipy.optimize import linear_sum_assignment

    table = np.zeros((num_classes, num_classes))
    np.add.at(table, (found, labels), 1)
    table += 1e-6 * np.eye(num_classes)
    return linear_sum_assignment(table, maximize=True)[1]


def _short(value: float) -> str:
    return f"{value:.4g}"
