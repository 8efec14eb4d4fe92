"""The paper's ablations and a few more, as lists of settings to run: what is varied, and on which sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.experiments.published import DATASETS, published_ablations, with_sd
from neurontune_core.head import LinearHead
from neurontune_core.identification.scorer import spuriousness_scores
from neurontune_core.identification.scores import NoMistakes
from neurontune_core.tuning.config import TuneConfig

SetsUsed = Literal["held-out", "training", "halves"]
SETS_IN_WORDS: Mapping[SetsUsed, str] = {
    "held-out": "identify on {identification}, tune on {tuning}",
    "training": "identify on {tuning}, tune on {tuning}",
    "halves": "halves of {identification}",
}
MASK_VALUES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
BATCHES, RATES = (25, 50, 100, 200, 400), (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
RULES: Mapping[str, Mapping[str, object]] = {
    "SFit (the paper)": {"select": "sfit"},
    "worst class": {"select": "worst_class_accuracy"},
    "last epoch": {"select": "last"},
    "five best by worst class, averaged": {"select": "worst_class_accuracy", "average_epochs": 5},
}


@dataclass(frozen=True)
class Variant:
    """One variant of an ablation: a row of its table.

    Attributes:
        at: what is varied -> its value, in words or as a number.
        config: the settings, but for the seed.
        sets: which sets identify and tune.
    """

    at: Mapping[str, str | float]
    config: TuneConfig
    sets: SetsUsed = "held-out"


@dataclass(frozen=True)
class Ablation:
    """One question and the runs that answer it.

    Attributes:
        key: for the command line and files.
        title: a few words.
        question: one sentence.
        variants: (head, identification set, settings) -> what is run.
        table: of the paper, where it has one.
    """

    key: str
    title: str
    question: str
    variants: Callable[[LinearHead, EmbeddingSet, TuneConfig], list[Variant]]
    table: int | None = None

    def published(self) -> list[dict[str, str]]:
        """Return the paper's rows for it, marked as published; none where it has no such table."""
        if self.table is None:
            return []
        return [
            {
                "published": f"{row.setting}, {DATASETS[row.dataset]}",
                "worst group": with_sd(row.worst_group, row.worst_group_sd),
                "average": with_sd(row.accuracy, row.accuracy_sd),
            }
            for row in published_ablations(self.table)
        ]


def thresholds(head: LinearHead, identification: EmbeddingSet, shares: tuple[float, ...]) -> list[float]:
    """Return λ = 0, then the values at which only some of the neurons with a positive score stay masked (first epoch).

    Args:
        head, identification: the ERM head and D_Ide, which give the scores.
        shares: of the neurons with a positive score, in 0..1.

    Returns:
        Values in ascending order; 0 alone when the head makes no mistake.
    """
    predictions = head.predict(identification.embeddings)
    try:
        scores = spuriousness_scores(
            identification.embeddings, identification.labels, predictions, identification.num_classes
        ).neuron_scores
    except NoMistakes:
        return [0.0]
    positive = scores[scores > 0]
    values = [float(np.quantile(positive, 1 - share)) for share in shares] if len(positive) else []
    return sorted({0.0, *(float(f"{value:.3g}") for value in values)})


def _sets(head: LinearHead, identification: EmbeddingSet, base: TuneConfig) -> list[Variant]:
    kinds: tuple[SetsUsed, ...] = ("training", "held-out", "halves")
    return [
        Variant({"sets": sets, "masking": "on" if on else "off"}, replace(base, masking=on), sets)
        for sets, on in product(kinds, (True, False))
    ]


def _mask_value(head: LinearHead, identification: EmbeddingSet, base: TuneConfig) -> list[Variant]:
    return [Variant({"mask value": value}, replace(base, mask_value=value), "halves") for value in MASK_VALUES]


def _mask_value_tuning(head: LinearHead, identification: EmbeddingSet, base: TuneConfig) -> list[Variant]:
    return [Variant({"mask value": value}, replace(base, mask_value=value)) for value in MASK_VALUES]


def _rules(head: LinearHead, identification: EmbeddingSet, base: TuneConfig) -> list[Variant]:
    return [
        Variant({"rule": rule, "masking": "on" if on else "off"}, replace(base, masking=on, **chosen))  # type: ignore[arg-type]
        for on, (rule, chosen) in product((True, False), RULES.items())
    ]


def _threshold(head: LinearHead, identification: EmbeddingSet, base: TuneConfig) -> list[Variant]:
    values = thresholds(head, identification, (0.75, 0.5, 0.25, 0.1, 0.05, 0.01))
    variants = [Variant({"λ": value}, replace(base, threshold=value)) for value in values]
    return [*variants, Variant({"λ": "nothing masked"}, replace(base, masking=False))]


def _surface(head: LinearHead, identification: EmbeddingSet, base: TuneConfig) -> list[Variant]:
    values = thresholds(head, identification, (0.5, 0.25, 0.1, 0.02))
    return [
        Variant({"λ": threshold, "mask value": value}, replace(base, threshold=threshold, mask_value=value))
        for threshold, value in product(values, (0.0, 0.25, 0.5, 0.75, 1.0))
    ]


def _steps(head: LinearHead, identification: EmbeddingSet, base: TuneConfig) -> list[Variant]:
    return [
        Variant({"batches": batches, "learning rate": rate}, replace(base, batches=batches, learning_rate=rate))
        for batches, rate in product(BATCHES, RATES)
    ]


ABLATIONS = {
    ablation.key: ablation
    for ablation in (
        Ablation("sets", "Which sets (Table 4)", "On which samples should biased neurons be found "
                 "(identify), on which should the head be retrained (tune), and what does the mask add?", _sets, 4),
        Ablation("mask-value", "Mask value (Table 5)", "Is it better to mask biased neurons fully or in part? "
                 "On halves of the held-out set, as in the paper.", _mask_value, 5),
        Ablation("mask-value-tuning", "Mask value, tuned on the training set", "The same when the head is tuned on "
                 "the training set.", _mask_value_tuning),
        Ablation("rules", "Which epoch is kept (Table 6)", "How much depends on the rule that picks the epoch, with "
                 "and without a mask, and how does AFR do by the worst class?", _rules),
        Ablation("threshold", "λ", "How many neurons should be masked?", _threshold),
        Ablation("surface", "λ × mask value", "Do the two settings trade off against each other?", _surface),
        Ablation("steps", "Batches × learning rate", "How far should the head move in an epoch? "
                 "That is, roughly, the product of the two.", _steps),
    )
}  # fmt: skip
