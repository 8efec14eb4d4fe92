"""Accuracy on a small sample, also under other normalizations and another order of the labels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from neurontune_core.preflight.report import Finding, Reading, SampleAccuracy
from neurontune_core.preflight.sample import AS_STORED, NORMALIZATIONS, Answers, Predictions
from neurontune_core.statistics import mcnemar, wilson_interval
from neurontune_core.tables import percent

LEVEL = 0.005  # what a p-value of an alternative must stay under; there are a handful of alternatives
MARGIN = 0.03  # and by how much more of the sample it must be right
FEW = 20  # samples below which guessing cannot be told from knowing
_ANY = "another order"
PER_CLASS = 2  # samples a class from which on an order can be chosen on some and measured on others


def measure(answers: Answers, num_classes: int, class_names: tuple[str, ...] = ()) -> SampleAccuracy:
    """Count the correct predictions, as the samples are read and under other normalizations and orders of the labels.

    >>> predictions = Predictions()
    >>> predictions.predicted, predictions.log_likelihood = np.array([0, 1, 1]), np.zeros(3)
    >>> measured = measure(Answers("val", np.array([0, 1, 0]), predictions, {}, [(3, 0.1)]), num_classes=2)
    >>> measured.correct, measured.n, round(measured.chance, 2)
    (2, 3, 0.67)
    """
    labels, predictions = answers.labels, answers.predictions
    order, note = best_order(labels, predictions.predicted, num_classes, class_names)
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


def judge(
    accuracy: SampleAccuracy, class_names: tuple[str, ...], can_reorder: bool, *, named: bool = False
) -> Iterator[Finding]:
    """Yield findings about the order of the labels, the normalization, and a model that seems to guess.

    Args:
        accuracy: as measured.
        class_names: of the dataset.
        can_reorder: whether naming the classes in another order renumbers them.
        named: whether a person named the classes in this order, which then is doubted, not refused.
    """
    order = accuracy.order if better(accuracy.order) else None
    best = _best_normalization(accuracy)
    stored = best is not None and best.name == AS_STORED
    if order is not None and stored and best is not None and best.accuracy >= order.accuracy - MARGIN:
        order = None  # turned images explain as much, and their mend harms nothing
    if order is not None:
        yield _wrong_order(accuracy, order, class_names, can_reorder, named)
    if best is not None and (order is None or best.accuracy > order.accuracy + MARGIN):
        flags = " ".join(f"--preprocessing {key}={_flag(value)}" for key, value in best.settings.items())
        what = "The images are likely turned wrongly" if stored else "The normalization is likely wrong"
        yield Finding(
            "blocker" if stored and accuracy.interval[0] <= accuracy.chance else "warning",
            "preprocessing",
            f"{what}: with {best.name} the model is right on {percent(best.accuracy, 0)} of "
            f"{best.n} samples, as they were read on {percent(best.before / best.n, 0)}.",
            f"Use what the model was trained with; that is likely: {best.name}.",
            flags,
        )
    elif order is None and best is None and accuracy.interval[0] <= accuracy.chance:
        low, high = (f"{100 * end:.0f}" for end in accuracy.interval)
        few = accuracy.n < FEW
        yield Finding(
            "note" if few else "warning",
            "accuracy",
            f"The model is right on {percent(accuracy.accuracy, 0)} of {accuracy.n} samples (95 % interval {low}-"
            f"{high} %), where one answer for all would be right on {percent(accuracy.chance, 0)}: "
            + ("too few samples to tell it from guessing." if few else "it may be guessing."),
            ""
            if few
            else "Check that these weights were trained on these classes, and how their samples were prepared.",
        )


def _wrong_order(
    accuracy: SampleAccuracy, order: Reading, class_names: tuple[str, ...], can_reorder: bool, named: bool
) -> Finding:
    """Name the better order; a blocker where the model now guesses, or is right less than half as often."""
    names = [class_names[place] for place in order.settings["order"]]
    read = f"read as {', '.join(names[:6])}{', ...' * (len(names) > 6)}" if names else "matched to the classes"
    known = wilson_interval(round(order.accuracy * order.n), order.n)[0] > accuracy.chance
    hopeless = known and (accuracy.interval[0] <= accuracy.chance or accuracy.accuracy < order.accuracy / 2)
    if can_reorder and names:
        fix, flags = "Give the classes in the order of the model's outputs.", f"--classes {','.join(names)}"
    elif can_reorder or not names:
        fix, flags = "Give the classes in the order of the model's outputs.", "--classes NAME,NAME,..."
    else:
        fix, flags = "Number the labels of the table in the order of the model's outputs.", ""
    return Finding(
        "blocker" if hopeless and not named else "warning",
        "labels",
        f"The order of the labels is likely wrong: {read}, the model's outputs are right on "
        f"{percent(order.accuracy, 0)} of the sample, not {percent(accuracy.accuracy, 0)}.",
        fix,
        flags,
    )


def _best_normalization(accuracy: SampleAccuracy) -> Reading | None:
    """Return the normalization under which the model is right far more often, and more often than one answer for all.

    Beyond chance alone, as a normalization that makes the model give one answer "mends" what a wrong order breaks.
    """
    known = [
        trial
        for trial in accuracy.normalizations
        if better(trial) and wilson_interval(round(trial.accuracy * trial.n), trial.n)[0] > accuracy.chance
    ]
    return max(known, key=lambda trial: trial.accuracy, default=None)


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
    if name == AS_STORED:
        return {"exif": "ignore"}
    mean, std = NORMALIZATIONS[name]
    return {"mean": list(mean), "std": list(std)}


def best_order(
    labels: np.ndarray, predicted: np.ndarray, num_classes: int, class_names: tuple[str, ...] = ()
) -> tuple[Reading | None, str]:
    """Find the order of the outputs that makes most predictions correct.

    Orders that people mix up (numbers read as text, text read as numbers) are tried as they are, with any number of
    samples. Of all others, the best (an assignment problem; Kuhn, 1955) is chosen on one half of the sample and
    measured on the other, both ways: chosen and measured on the same samples, the best of all orders would look better
    than the right one. That takes two samples of a class, and only says which order is right where all classes have
    them.

    Args:
        labels, predicted: [n] int64.
        num_classes: C.
        class_names: [C], where they are known.

    Returns:
        The reading, whose ``order`` [C] names the class of each output (empty where only some are known), and how the
        order was checked.
    """
    counts = np.bincount(labels, minlength=num_classes)
    trials = [
        _trial(name, labels, predicted, np.array(order)[predicted], None, {"order": order})
        for name, order in usual_orders(class_names).items()
    ]
    several = np.flatnonzero(counts >= PER_CLASS)
    if len(several):
        trials.append(_any_order(labels, predicted, num_classes, complete=len(several) == num_classes))
    best = max(trials, key=lambda trial: trial.accuracy + MARGIN * (trial.name != _ANY), default=None)
    if not len(several):
        return best, (
            f"The order of the labels was not checked by answers: that takes {PER_CLASS} samples of a class, and no "
            "class has them in the sample."
        )
    of = "the" if len(several) == num_classes else f"{len(several)} of {num_classes}"
    return best, (
        f"The order of the labels was checked: the model's outputs were matched to {of} classes in the best order."
    )


def usual_orders(class_names: tuple[str, ...]) -> dict[str, list[int]]:
    """Return the other orders that the same names often have, as the class of each output.

    >>> usual_orders(("0", "1", "10", "2"))
    {'the order of the numbers': [0, 1, 3, 2]}
    >>> usual_orders(("zebra", "ant"))
    {'the order of the alphabet': [1, 0]}
    """
    if len(set(class_names)) < len(class_names):
        return {}
    places, orders = range(len(class_names)), {}
    if all(any(letter.isdigit() for letter in name) for name in class_names):
        orders["the order of the numbers"] = sorted(places, key=lambda place: _natural(class_names[place]))
    orders["the order of the alphabet"] = sorted(places, key=lambda place: class_names[place])
    return {name: order for name, order in orders.items() if order != list(places)}


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts "10" behind "2", as timm's own reader does."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name)]


def _any_order(labels: np.ndarray, predicted: np.ndarray, num_classes: int, *, complete: bool) -> Reading:
    half = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        half[mine] = np.arange(len(mine)) % 2
    read = np.empty_like(predicted)
    for side in (0, 1):
        read[half == side] = _assigned(labels[half != side], predicted[half != side], num_classes)[
            predicted[half == side]
        ]
    order = _assigned(labels, predicted, num_classes).tolist() if complete else []
    return _trial(_ANY, labels, predicted, read, None, {"order": order})


def _assigned(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Return [C]: the class to read each output as; ties go to the given order."""
    from scipy.optimize import linear_sum_assignment

    table = np.zeros((num_classes, num_classes))
    np.add.at(table, (predicted, labels), 1)
    table += 1e-6 * np.eye(num_classes)
    return linear_sum_assignment(table, maximize=True)[1]


def _flag(value: Any) -> str:
    return value if isinstance(value, str) else ",".join(f"{number:.4g}" for number in value)
