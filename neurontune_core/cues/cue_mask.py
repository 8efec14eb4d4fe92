"""The threshold of a cue's mask: how far a neuron must respond to the cue to be masked, chosen without group labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurontune_core.cues.measurement import CueMeasurement
from neurontune_core.cues.proof import prove
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import evaluate_predictions
from neurontune_core.head import LinearHead
from neurontune_core.mask import with_verdicts

DEFAULT_EFFECT = 0.3
THRESHOLDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0)
_FOLDS = 5


@dataclass(frozen=True, eq=False)
class Offer:
    """The threshold that is offered, and what speaks for it.

    Attributes:
        threshold: of the effect, in standard deviations; above every effect where nothing is to be masked.
        distinct: whether the cue can be told from the control; if not, nothing is to be masked.
        thresholds: [T] those that were compared.
        margins: [T] the margin that each leaves, in standard deviations (`cue_margin`); cross-fitted.
        worst_classes: [T] worst-class accuracy on the identification set; cross-fitted.
        worst_conditions: [T] the same on the pairs, in the worse of with and without the cue; cross-fitted.
        worst_class: that of the offered threshold.
        trained_worst_class, trained_worst_condition: those of the trained head.
        helps: whether the mask alone is better than the trained head on the pairs; else it should be retrained with.
        sentence: says so.
    """

    threshold: float
    distinct: bool
    thresholds: np.ndarray
    margins: np.ndarray
    worst_classes: np.ndarray
    worst_conditions: np.ndarray
    worst_class: float
    trained_worst_class: float
    trained_worst_condition: float
    helps: bool
    sentence: str


def offer(
    measured: CueMeasurement,
    head: LinearHead,
    *,
    mask_value: float = 0.0,
    always: np.ndarray | None = None,
    never: np.ndarray | None = None,
) -> Offer:
    """Choose the threshold whose mask leaves the largest margin both with and without the cue.

    Cross-fitted: the samples are split in folds, the effect is measured on the other folds, and the mask is judged on
    samples that had no part in it. No group label is read; what is known is the cue. A cue that cannot be told from the
    control masks nothing.

    Args:
        measured: the cue, measured.
        head: the trained head.
        mask_value: the factor of masked activations.
        always, never: [M] bool, a person's verdicts.

    Raises:
        InputError: when there are too few samples for two folds.
    """
    samples = measured.samples
    held_out, fold_of = _folds(measured), np.random.default_rng(0).permutation(samples.num_samples) % _FOLDS
    fold_of[measured.rows] = held_out
    used = np.unique(held_out)
    predictions = np.zeros((len(THRESHOLDS), samples.num_samples), dtype=np.int64)
    logits = [np.zeros((2, len(measured.rows), head.num_classes), dtype=np.float32) for _ in THRESHOLDS]
    for fold in used:
        effects = measured.effect_of(np.flatnonzero(held_out != fold)).size
        own, rows = np.flatnonzero(held_out == fold), np.flatnonzero(fold_of % len(used) == fold)
        vectors = np.asarray(samples.embeddings[rows], dtype=np.float32)
        for place, threshold in enumerate(THRESHOLDS):
            masked = with_verdicts(np.abs(effects) > threshold, always, never)
            cleared = head.masked(np.where(masked, mask_value, 1.0))
            predictions[place, rows] = cleared.predict(vectors)
            for kind, each in enumerate(_both(measured, own)):
                logits[place][kind, own] = cleared.logits(each)
    margins = np.array([cue_margin(each[0], each[1], measured.labels, measured.has) for each in logits])
    worst = np.array([evaluate_predictions(each, samples).worst_class_accuracy for each in predictions])
    conditions = np.array([_worst_condition(each[0], each[1], measured) for each in logits])
    best = int(margins.argmax())
    both = [head.logits(vectors) for vectors in _both(measured, np.arange(len(measured.rows)))]
    trained_condition = _worst_condition(both[0], both[1], measured)
    trained = evaluate_predictions(head.predict(samples.embeddings), samples).worst_class_accuracy
    helps = bool(conditions[best] > trained_condition)
    advice = "" if helps else " The mask alone is no better than the trained head; mask the cue and retrain."
    sentence = (
        f"Offered: {THRESHOLDS[best]:g}. Of the thresholds tried, its mask keeps the classes furthest apart with and "
        f"without the cue, on samples that had no part in it. Worst class in the worse of the two: "
        f"{100 * conditions[best]:.0f} % (trained head {100 * trained_condition:.0f} %).{advice}"
    )
    distinct = prove(measured, head).distinct
    if not distinct:
        sentence = f"Nothing to mask: the {measured.cue.name} cannot be told from the control."
    return Offer(
        threshold=THRESHOLDS[best] if distinct else _above(measured.effects),
        distinct=distinct,
        thresholds=np.array(THRESHOLDS),
        margins=margins,
        worst_classes=worst,
        worst_conditions=conditions,
        worst_class=float(worst[best]) if distinct else trained,
        trained_worst_class=trained,
        trained_worst_condition=trained_condition,
        helps=helps and distinct,
        sentence=sentence,
    )


def cue_margin(without: np.ndarray, with_cue: np.ndarray, labels: np.ndarray, has: np.ndarray | None = None) -> float:
    """Compute the margin that a head keeps in the worse of two conditions, with and without the cue.

    The margin of a sample is the logit of its class minus the largest other one. Of each class the lower of the two
    mean margins counts; the mean over classes is divided by the standard deviation of all margins. With two classes it
    is half the distance of the classes minus the pull of the cue, and does not depend on the bias.

    Args:
        without, with_cue: [P, C] logits of the samples without and with the cue.
        labels: [P].
        has: [P] bool, which samples have the cue, where they are different ones; both logits are then the same.

    >>> labels, apart = np.array([0, 0, 1, 1]), np.array([[2.0, 0], [1, 0], [0, 1], [0, 2]])
    >>> round(cue_margin(apart, apart, labels), 2), round(cue_margin(apart, apart + [0, 1], labels), 2)
    (3.0, 1.15)
    """
    margins = []
    for logits in (without, with_cue):
        own = logits[np.arange(len(labels)), labels]
        others = logits.astype(np.float64)
        others[np.arange(len(labels)), labels] = -np.inf
        margins.append(own - others.max(axis=1))
    kept = [np.ones(len(labels), dtype=bool)] * 2 if has is None else [~has, has]
    lowest = []
    for label in np.unique(labels):
        means = [margin[kind & (labels == label)] for margin, kind in zip(margins, kept, strict=True)]
        if all(map(len, means)):
            lowest.append(min(float(each.mean()) for each in means))
    spread = np.concatenate([margin[kind] for margin, kind in zip(margins, kept, strict=True)]).std()
    return float(np.mean(lowest) / spread) if lowest and spread else 0.0


def _above(effects: np.ndarray) -> float:
    """Return a round threshold above every effect."""
    return float(np.ceil(10 * np.abs(effects).max()) / 10 + 0.1)


def _worst_condition(without: np.ndarray, with_cue: np.ndarray, measured: CueMeasurement) -> float:
    """Return the lowest accuracy over classes, with and without the cue, of logits [P, C]."""
    everything = np.ones(len(measured.rows), dtype=bool)
    kinds = (everything, everything) if measured.has is None else (~measured.has, measured.has)
    return min(
        float((logits.argmax(axis=1) == measured.labels)[own].mean())
        for logits, kind in zip((without, with_cue), kinds, strict=True)
        for label in np.unique(measured.labels)
        if (own := kind & (measured.labels == label)).any()
    )


def _folds(measured: CueMeasurement) -> np.ndarray:
    """Return [P] the fold of each row, spread over classes and over samples with and without the cue."""
    fold = np.zeros(len(measured.rows), dtype=np.int64)
    kinds = np.zeros(len(measured.rows), dtype=bool) if measured.has is None else measured.has
    parts = [
        np.flatnonzero((measured.labels == label) & (kinds == kind))
        for label in np.unique(measured.labels)
        for kind in np.unique(kinds)
    ]
    needed = 2 if measured.has is None else 3  # of each part outside a fold, a variance takes two
    smallest = min(map(len, parts))
    folds = min(_FOLDS, len(measured.rows) // 2 if measured.has is None else smallest)
    if folds < 2 or (measured.has is not None and smallest < needed):
        raise InputError("There are too few samples to choose a threshold by; set it yourself, or take more samples.")
    start = 0
    for part in parts:
        fold[part] = (start + np.arange(len(part))) % folds
        start += len(part)
    return fold


def _both(measured: CueMeasurement, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors of some rows without and with the cue."""
    if measured.edited is None:
        return measured.base[places], measured.base[places]
    pair = measured.base[places], measured.edited[places]
    return pair[::-1] if measured.removes else pair
