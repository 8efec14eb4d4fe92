"""Orders of the neurons: which one a person sees first. What is biased and masked (Eq. 6) does not depend on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurontune_core.identification.scores import FEW_MISTAKES, SpuriousnessScores

BY_CLASS, PAPER, RESPONSE, CUE = ORDERS = ("class", "paper", "response", "cue")


@dataclass(frozen=True, eq=False)
class Ranking:
    """All neurons, the first rank first.

    Attributes:
        order: one of `ORDERS`.
        label: the class whose scores rank the neurons; None for all classes.
        neurons: [M] int, in order.
        values: [M] float32 by neuron: what they are ordered by.
        scores: [M] float32 by neuron: the score beside it, in the class or the largest over classes.
        few: [M] bool by neuron: the score rests on fewer than `FEW_MISTAKES` misclassified samples.
        by_interval: whether the values are lower ends of intervals.
        cue: the name of the cue that orders them; empty in the other orders.
    """

    order: str
    label: int | None
    neurons: np.ndarray
    values: np.ndarray
    scores: np.ndarray
    few: np.ndarray
    by_interval: bool = False
    cue: str = ""

    def __len__(self) -> int:
        return len(self.neurons)

    @property
    def first(self) -> int:
        return int(self.neurons[0])

    @property
    def key(self) -> str:
        """Return a name that differs from that of any other ranking of the same scores."""
        return f"{self.order} {self.label} {self.by_interval} {self.cue}".rstrip()

    @cached_property
    def places(self) -> np.ndarray:
        """Return [M] the place of each neuron, from 0."""
        places = np.empty(len(self.neurons), dtype=np.int64)
        places[self.neurons] = np.arange(len(self.neurons))
        return places

    def rank(self, neuron: int) -> int:
        """Return the rank of a neuron, from 1."""
        return int(self.places[neuron]) + 1

    def neighbor(self, neuron: int, by: int) -> int:
        """Return the neuron ``by`` ranks after this one; after the last comes the first."""
        return int(self.neurons[(self.places[neuron] + by) % len(self.neurons)])


def classes_by_mistakes(num_incorrect: np.ndarray, num_correct: np.ndarray) -> np.ndarray:
    """Return the classes, most misclassified samples first; those that have no score, for want of an outcome, last.

    Args:
        num_incorrect, num_correct: [C] int.

    >>> classes_by_mistakes(np.array([2, 9, 0, 40]), np.array([50, 41, 50, 0])).tolist()
    [1, 0, 3, 2]
    """
    num_incorrect = np.asarray(num_incorrect)
    scored = (num_incorrect > 0) & (np.asarray(num_correct) > 0)
    return np.lexsort((-num_incorrect, ~scored))


def rank_by_class(scores: SpuriousnessScores, label: int, lower_ends: np.ndarray | None = None) -> Ranking:
    """Rank by the lower end of the interval of the score in one class: what the score is at least, chance allowed for.

    The paper ranks by the largest score over classes (`rank_over_classes`). That puts neurons first whose score rests
    on two or three mistakes of a class that has hardly any; a class with many mistakes has trustworthy scores.

    Args:
        scores: of all classes.
        label: the class.
        lower_ends: [M] of the intervals; without them, and where they are NaN, the score ranks. Neurons with a score
            above 0 come before all others, such as silent ones, whose interval has no width.

    >>> from neurontune_core.identification.scorer import spuriousness_scores
    >>> vectors = np.array([[1.0, 1, 2], [1, 2, 2], [5, 3, 2], [9, 4, 2]])
    >>> scores = spuriousness_scores(vectors, np.zeros(4, int), np.array([0, 0, 1, 1]), 1)
    >>> rank_by_class(scores, 0).neurons.tolist()
    [0, 1, 2]
    >>> rank_by_class(scores, 0, np.array([-1.0, 0.5, 0.0])).neurons.tolist()
    [1, 0, 2]
    """
    delta = scores.delta[label]
    by_interval = lower_ends is not None and bool(np.isfinite(lower_ends).all())
    values = np.asarray(lower_ends, dtype=np.float32) if by_interval else delta
    few = np.full(len(delta), scores.num_incorrect[label] < FEW_MISTAKES)
    return Ranking(BY_CLASS, label, np.lexsort((-delta, -values, delta <= 0)), values, delta, few, by_interval)


def class_with_higher_scores(lower_ends: np.ndarray, label: int) -> int | None:
    """Return the class whose scores reach highest, where that is another one than ``label``.

    A shortcut whose absence is what a class gets wrong raises no neuron there; its trace is in another class.

    Args:
        lower_ends: [C, M] of the intervals of the scores, NaN for a class that has none.
        label: the class that is shown.

    >>> class_with_higher_scores(np.array([[0.1, 0.2], [0.9, -0.5], [np.nan, np.nan]]), 0)
    1
    """
    highest = np.where(np.isnan(lower_ends), -np.inf, lower_ends).max(axis=1)
    best = int(highest.argmax())
    return best if highest[best] > max(highest[label], 0) else None


def rank_over_classes(scores: SpuriousnessScores) -> Ranking:
    """Rank by the largest score over all classes, as the paper does.

    Args:
        scores: of all classes.
    """
    values = scores.neuron_scores
    few = scores.num_incorrect[scores.strongest_class] < FEW_MISTAKES
    return Ranking(PAPER, None, np.argsort(-values, kind="stable"), values, values, few)


def rank_by_response(scores: SpuriousnessScores, response: np.ndarray) -> Ranking:
    """Rank by how far an attribute moves the neurons, up or down: a truth to compare the other orders with.

    It rests on group labels, so nothing is tuned on it.

    Args:
        scores: of all classes.
        response: [M], the mean paired change of the activation in standard deviations (`paired_change`).
    """
    few = np.zeros(len(response), dtype=bool)
    values = np.abs(response).astype(np.float32)
    return Ranking(RESPONSE, None, np.argsort(-values, kind="stable"), values, scores.neuron_scores, few)


def rank_by_cue(scores: SpuriousnessScores, effects: np.ndarray, name: str) -> Ranking:
    """Rank by how far a cue that a person pointed at moves the neurons, up or down.

    Args:
        scores: of all classes.
        effects: [M], in standard deviations (`cues.effects`).
        name: of the cue.
    """
    few = np.zeros(len(effects), dtype=bool)
    values = np.abs(effects).astype(np.float32)
    order = np.argsort(-values, kind="stable")
    return Ranking(CUE, None, order, values, scores.neuron_scores, few, cue=name)


def explain_order(ranking: Ranking, scores: SpuriousnessScores, class_names: Sequence[str], attribute: str = "") -> str:
    """Explain what the neurons are ordered by, and how far it can be trusted, in one or two sentences.

    Args:
        ranking: the order.
        scores: that were ranked.
        class_names: the C names.
        attribute: what the samples of a pair differ in, for the order by response.
    """
    if ranking.order == CUE:
        return (
            f'Ordered by how far the cue "{ranking.cue}" moves the activation, in standard deviations. It is what you '
            "pointed at, not a score of the paper."
        )
    if ranking.order == RESPONSE:
        return (
            f'Ordered by how far "{attribute}" alone moves the activation of the same sample, in standard deviations. '
            "Measured with group labels, to check the other orders; nothing is tuned on it."
        )
    if ranking.label is None:
        few = int(ranking.few.sum())
        warning = f" {few} scores rest on fewer than {FEW_MISTAKES} misclassified samples and may be chance." * (
            few > 0
        )
        return f"Ordered by the highest score over all classes, as in the paper.{warning}"
    count, name = int(scores.num_incorrect[ranking.label]), class_names[ranking.label]
    most = ranking.label == classes_by_mistakes(scores.num_incorrect, scores.num_correct)[0] and len(class_names) > 1
    if ranking.few.any():
        which = (
            f", which has most misclassified samples, but only {count}"
            if most
            else f", which has only {count} misclassified samples"
        )
        return f'Ordered by the score in class "{name}"{which}: too few, so the order may be chance.'
    which = f", which has most misclassified samples ({count:,})" if most else f" ({count:,} misclassified samples)"
    by = ": by the lower end of its 95 % interval" if ranking.by_interval else ""
    return f'Ordered by the score in class "{name}"{which}{by}.'
