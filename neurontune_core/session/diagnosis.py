"""One opened project: its scores, its rankings, and what the screens show of a neuron."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property, lru_cache
from typing import TypeVar

import numpy as np

from neurontune_core.cues.cue import Cue
from neurontune_core.cues.measurement import CueMeasurement
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.pairs import Pairs, find_pairs
from neurontune_core.explain.words import DistinctiveWord, distinctive_words
from neurontune_core.head import LinearHead
from neurontune_core.identification.agreement import STABLE, HalfScores
from neurontune_core.identification.confidence import Confidence
from neurontune_core.identification.distributions import Distribution, distributions_of
from neurontune_core.identification.intervals import score_interval
from neurontune_core.identification.paired import paired_change
from neurontune_core.identification.ranking import (
    BY_CLASS,
    CUE,
    PAPER,
    RESPONSE,
    Ranking,
    classes_by_mistakes,
    rank_by_class,
    rank_by_cue,
    rank_by_response,
    rank_over_classes,
)
from neurontune_core.identification.scorer import SpuriousnessScorer, spuriousness_scores
from neurontune_core.identification.scores import FEW_MISTAKES, SpuriousnessScores
from neurontune_core.mask import CueMask, by_source, with_verdicts
from neurontune_core.session.measured_cues import MeasuredCues
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.workspace.journal import neurons_judged
from neurontune_core.workspace.project import ROLES, Project

_KEPT_NEURONS = 8
_KEPT_RANKINGS = 8
_VALUES_SORTED_AT_ONCE = 1 << 24  # activations of a class whose intervals take a fraction of a second
_MOST_TEXTS = 5_000  # texts whose words are counted
_ROWS_PER_BLOCK = 4_096  # of embeddings that are compared at once

_background = ThreadPoolExecutor(1)
T = TypeVar("T")


def _within(seconds: float, future: Future[T]) -> T | None:
    try:
        return future.result(seconds)
    except TimeoutError:
        return None


class Diagnosis:
    """Head, identification set and scores of a project, computed once, whatever split heads are measured on."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.erm = project.load_head()
        self._sets: dict[str, EmbeddingSet] = {}
        self.identification = self.samples("identification")
        self.predictions = self.erm.predict(self.identification.embeddings)
        self.correct = self.predictions == self.identification.labels
        self.measured_cues = MeasuredCues(project, self.samples)
        self._distinctive: dict[int, list[DistinctiveWord]] = {}
        self.activations = lru_cache(_KEPT_NEURONS)(self._activations)
        self._ranking = lru_cache(_KEPT_RANKINGS)(self._rank)
        self._lower_ends = lru_cache(_KEPT_RANKINGS)(self._bootstrapped)
        self._lower_bounds = lru_cache(_KEPT_RANKINGS)(self._bounds)

    def samples(self, split: str) -> EmbeddingSet:
        """Return the set of a split or role, opened once; its vectors stay on disk.

        Raises:
            InputError: when there is no such split, it cannot be read, or the head does not fit it.
        """
        name = self.project.content["roles"].get(split, split)
        if name not in self._sets:
            embedding_set = self.project.load_set(name)
            self.erm.check_fits(embedding_set.num_neurons, embedding_set.num_classes, embedding_set.class_names)
            self._sets[name] = embedding_set
        return self._sets[name]

    @property
    def tuning(self) -> EmbeddingSet:
        return self.samples("tuning")

    @property
    def sets(self) -> dict[str, EmbeddingSet]:
        """Return role -> set."""
        return {role: self.samples(role) for role in ROLES}

    @cached_property
    def scorer(self) -> SpuriousnessScorer:
        """Return the sorted scorer for retraining, which scores a new head every epoch."""
        return SpuriousnessScorer.for_config(TuneConfig(), self.identification)

    @cached_property
    def scores(self) -> SpuriousnessScores:
        """Return the scores by the ERM head's predictions.

        Raises:
            NoMistakes: when it misclassifies nothing in the identification set.
        """
        samples = self.identification
        return spuriousness_scores(
            samples.embeddings, samples.labels, self.predictions, samples.num_classes, class_names=samples.class_names
        )

    @cached_property
    def classes(self) -> list[int]:
        """Return the classes, most misclassified samples first; those without a score, for want of an outcome, last."""
        labels, num_classes = self.identification.labels, self.identification.num_classes
        incorrect, correct = (
            np.bincount(labels[rows], minlength=num_classes) for rows in (~self.correct, self.correct)
        )
        return classes_by_mistakes(incorrect, correct).tolist()

    @property
    def orders(self) -> tuple[str, ...]:
        """Return the orders of the neurons that this project has now."""
        by_cue = () if self.shown_cue() is None else (CUE,)
        return (BY_CLASS, PAPER, *(() if self.paired_change is None else (RESPONSE,)), *by_cue)

    def ranking(self, order: str = BY_CLASS, label: int | None = None) -> Ranking:
        """Return the neurons in an order.

        Args:
            order: one of `ORDERS`; of a set without pairs `RESPONSE` gives the order by class, as `CUE` does without
                a cue.
            label: the class that ranks them; by default the one with most misclassified samples.
        """
        if order == CUE and (cue := self.shown_cue()) is not None:
            return rank_by_cue(self.scores, cue.effects, cue.cue.name)
        if order == PAPER or (order == RESPONSE and self.paired_change is not None):
            return self._ranking(order, None, by_interval=False)
        label = self.classes[0] if label is None else label
        return self._ranking(BY_CLASS, label, by_interval=self.lower_ends(label) is not None)

    def _rank(self, order: str, label: int | None, *, by_interval: bool) -> Ranking:
        if order == RESPONSE and self.paired_change is not None:
            return rank_by_response(self.scores, self.paired_change)
        if label is None:
            return rank_over_classes(self.scores)
        return rank_by_class(self.scores, label, self.lower_ends(label) if by_interval else None)

    def lower_ends(self, label: int) -> np.ndarray | None:
        """Return [M], the lower ends of the intervals of the scores in a class.

        None for a class with too few misclassified samples, and for a large class until `confidence` is computed.
        """
        scores = self.scores
        incorrect, correct = scores.num_incorrect[label], scores.num_correct[label]
        if incorrect < FEW_MISTAKES or not correct:
            return None
        if (incorrect + correct) * len(scores.delta[label]) <= _VALUES_SORTED_AT_ONCE:
            return self._lower_ends(label)
        confidence = self.confidence()
        return None if confidence is None else confidence.all_intervals[0][label]

    @cached_property
    def _confidence(self) -> Future[Confidence]:
        samples, scores = self.identification, self.scores

        def compute() -> Confidence:
            units = samples.unit_numbers
            confidence = Confidence(samples.embeddings, samples.labels, self.predictions, scores, units=units)
            _ = confidence.all_intervals
            return confidence

        return _background.submit(compute)

    def confidence(self, wait: float = 0.0) -> Confidence | None:
        """Return the confidence of the scores, computed in a thread; None when it takes more than ``wait`` seconds."""
        return _within(wait, self._confidence)

    @cached_property
    def strongest_class(self) -> np.ndarray:
        """Return [M], the class that each neuron has its score from."""
        return self.scores.strongest_class

    @cached_property
    def zero_share(self) -> np.ndarray:
        """Return [M], the share of the identification samples on which a neuron is exactly zero."""
        vectors = self.identification.embeddings
        zeros = np.zeros(vectors.shape[1], dtype=np.int64)
        for start in range(0, len(vectors), _ROWS_PER_BLOCK):
            zeros += np.count_nonzero(vectors[start : start + _ROWS_PER_BLOCK] == 0, axis=0)
        return zeros / len(vectors)

    @cached_property
    def _pairs(self) -> tuple[EmbeddingSet, Pairs]:
        """Return the pairs of the identification set; where it has none, those of the evaluation set."""
        for role in ("identification", "evaluation"):
            samples = self.samples(role)
            pairs = find_pairs(samples)
            if len(pairs):
                break
        return samples, pairs

    @cached_property
    def paired_change(self) -> np.ndarray | None:
        """Return [M], how far the attribute alone moves each neuron, on the `_pairs`; None without pairs.

        For showing only: pairs rest on group labels.
        """
        samples, pairs = self._pairs
        if not len(pairs):
            return None
        return paired_change(samples.embeddings, pairs.without, pairs.with_attribute)

    @property
    def attribute(self) -> str:
        """Return the name of the attribute that the pairs differ in; "" without pairs."""
        return self._pairs[1].attribute

    def logit_contributions(self, neuron: int, activation: float = 1.0, most: int = 4) -> list[tuple[str, float]]:
        """Return what an activation of this neuron adds to the logits, by class name; with many classes the largest.

        Args:
            activation: of the neuron; 1 gives its weights.
            most: classes that are named at most.
        """
        parts = self.erm.weight[:, neuron] * activation
        order = np.arange(len(parts)) if len(parts) <= most else np.argsort(-np.abs(parts), kind="stable")[:most]
        return [(self.identification.class_names[label], float(parts[label])) for label in order]

    def verdicts(self) -> dict[int, str]:
        """Return neuron -> verdict as it is now; verdicts of a wider model that was extracted before are left out."""
        verdicts = self.project.journal.verdicts()
        return {
            neuron: verdict for neuron, verdict in verdicts.items() if 0 <= neuron < self.identification.num_neurons
        }

    def judged(self, verdict: str) -> np.ndarray:
        """Return [M] bool, the neurons that have this verdict now."""
        return neurons_judged(self.verdicts(), verdict, self.identification.num_neurons)

    def mask_scores(self, stability: float = 0.0) -> np.ndarray:
        """Return [M], what λ is compared with: the highest score of each neuron over the classes.

        Args:
            stability: standard errors that are taken off the scores first, so that chance rarely selects a neuron.
        """
        scores = self.scores.neuron_scores
        return self._lower_bounds(stability) if stability else scores

    def _bounds(self, stability: float) -> np.ndarray:
        return self.scorer.lower_bounds(self.predictions, stability).max(axis=0)

    def masked_neurons(self, threshold: float, stability: float = 0.0, *, cue: CueMask | None = None) -> np.ndarray:
        """Return [M] bool: (selected by score, cue or both, or judged spurious) and not judged core.

        Args:
            threshold, stability: λ, and the standard errors by which a score must exceed it.
            cue: the mask of a cue that may be set next; None for the one that is set, if any.

        Raises:
            NoMistakes: when there are no scores, and the mask goes by them.
        """
        cue = cue or self.cue_mask()
        by_cue_alone = cue is not None and cue.source == "cue"
        nothing = np.zeros(self.erm.num_neurons, dtype=bool)
        biased = nothing if by_cue_alone else self.mask_scores(stability) > threshold
        return with_verdicts(by_source(biased, cue), self.judged("spurious"), self.judged("core"))

    def cues(self) -> list[Cue]:
        """Return the cues that are listed and can be read, the newest first."""
        cues = []
        for name in reversed(self.project.journal.cues()):
            with suppress(InputError):
                cues.append(self.project.cues.load(name))
        return cues

    def measured_cue(self, name: str) -> CueMeasurement | None:
        """Return what was measured of a cue on the vectors that the project has now; None when nothing was."""
        return self.measured_cues.measured(name)

    def shown_cue(self) -> CueMeasurement | None:
        """Return the cue that neurons are compared with: the masked one, else the newest that was measured."""
        setting = self.project.journal.cue_setting()
        names = [*([] if setting is None else [setting.cue]), *reversed(self.project.journal.cues())]
        return next((measured for name in names if (measured := self.measured_cue(name)) is not None), None)

    def cue_mask(self) -> CueMask | None:
        """Return the cue that is the source of the mask; None where the mask goes by score alone."""
        setting = self.project.journal.cue_setting()
        measured = None if setting is None else self.measured_cue(setting.cue)
        if setting is None or measured is None:
            return None
        return measured.mask(setting.effect, setting.source)

    @cached_property
    def _half_scores(self) -> Future[HalfScores]:
        samples = self.identification

        def compute() -> HalfScores:
            self.mask_scores(STABLE)  # what is asked for next
            labels, units = samples.labels, samples.unit_numbers
            return HalfScores.of(samples.embeddings, labels, self.predictions, samples.num_classes, units=units)

        return _background.submit(compute)

    def half_scores(self, wait: float = 0.0) -> HalfScores | None:
        """Return what two halves of the identification set select neurons by, computed in a thread; None until then."""
        return _within(wait, self._half_scores)

    @property
    def num_misclassified(self) -> int:
        """Return the number of misclassified samples in the identification set."""
        return int((~self.correct).sum())

    def masked_head(self, masked: np.ndarray, mask_value: float) -> LinearHead:
        """Return the ERM head with the mask folded in, not retrained."""
        return self.erm.masked(np.where(masked, mask_value, 1.0))

    def _bootstrapped(self, label: int) -> np.ndarray:
        samples = self.identification
        units = samples.unit_numbers
        return score_interval(samples.embeddings, samples.labels, self.predictions, label, units=units)[0]

    def _activations(self, neuron: int) -> np.ndarray:
        """Return the [N] float32 activations of a neuron on the identification set.

        They are kept for the last neurons: of vectors that are stored row by row, each neuron takes the whole file.
        """
        activations = np.array(self.identification.embeddings[:, neuron], dtype=np.float32)
        activations.flags.writeable = False
        return activations

    def distinctive_words(
        self, neuron: int, texts: Callable[[str, int], tuple[str, ...]], limit: int = 12
    ) -> list[DistinctiveWord]:
        """Return words that are more frequent in the tenth of the identification samples that activate a neuron most.

        Args:
            texts: split and row -> the sample's texts (`Gallery.texts`).
        """
        if neuron not in self._distinctive:
            split = self.project.content["roles"]["identification"]
            order = np.argsort(-np.abs(self.activations(neuron)), kind="stable")
            top = max(1, min(len(order), _MOST_TEXTS) // 10)
            rest = order[top :: max(1, len(order) // _MOST_TEXTS)]
            top_texts, other_texts = (
                [" ".join(texts(split, int(row))) for row in rows] for rows in (order[:top], rest)
            )
            try:
                self._distinctive[neuron] = distinctive_words(top_texts, other_texts, limit=limit)
            except InputError:  # one side has no words to compare
                self._distinctive[neuron] = []
        return self._distinctive[neuron]

    def distributions(self, neuron: int, labels: Sequence[int]) -> list[Distribution]:
        """Return the activations of a neuron on classes of the identification set, by outcome; in shared bins."""
        classes = [self.identification.labels == label for label in labels]
        return distributions_of(self.activations(neuron), classes, self.correct)

    def most_activating(self, neuron: int, *, label: int, correct: bool, limit: int) -> np.ndarray:
        """Return the rows of one class and outcome in the identification set that activate a neuron most."""
        rows = np.flatnonzero((self.identification.labels == label) & (self.correct == correct))
        strength = np.abs(self.activations(neuron)[rows])
        return rows[np.argsort(-strength, kind="stable")[:limit]]
