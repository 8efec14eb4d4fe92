"""One split of a project: its samples, and how heads do on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.evaluation.accuracy import Evaluation, evaluate_predictions
from neurontune_core.evaluation.changes import Changes
from neurontune_core.evaluation.inferred_groups import TwinHeads, twin_heads
from neurontune_core.evaluation.mask_curve import MaskCurve, MaskCurves
from neurontune_core.evaluation.pairs import PairedPredictions, Pairs, find_pairs
from neurontune_core.evaluation.projection import principal_axes
from neurontune_core.evaluation.slices import Slice, activation_slices, hard_slices, mistake_slices, pair_slices
from neurontune_core.evaluation.umap_projection import read_map
from neurontune_core.head import LinearHead
from neurontune_core.mask import CueMask, by_source, with_verdicts
from neurontune_core.session.index_ranges import Indices
from neurontune_core.session.latest_results import LatestResults
from neurontune_core.workspace.project import Project

_KEPT_CURVES, _KEPT_HEADS = 32, 32


class MeasuredSplit:
    """Answers about the samples of one split, shared by sessions; nothing depends on the split that found the neurons.

    Args:
        project: the project of the split.
        erm: the head as it was trained.
        samples: [N, M] the split.

    Attributes:
        predictions: [N] of the ERM head.
        erm_evaluation: the accuracies of the ERM head.
    """

    def __init__(self, project: Project, erm: LinearHead, samples: EmbeddingSet) -> None:
        self.project, self.erm, self.samples = project, erm, samples
        self.predictions = erm.predict(self.samples.embeddings)
        self.erm_evaluation = evaluate_predictions(self.predictions, samples)
        self._measured: LatestResults[tuple[np.ndarray, Evaluation]] = LatestResults(_KEPT_HEADS)
        self._curves: LatestResults[MaskCurve] = LatestResults(_KEPT_CURVES)
        self._curves_by_rule: LatestResults[MaskCurves] = LatestResults(1)  # they are large
        self._umap: np.ndarray | None = None

    @property
    def name(self) -> str:
        return self.samples.split

    @property
    def caution(self) -> str:
        """Return why figures on this split are optimistic, in a sentence; empty where nothing was fitted on it."""
        roles = self.project.content["roles"]
        identified, tuned = (roles[role] == self.name for role in ("identification", "tuning"))
        if not (identified or tuned):
            return ""
        fitted = "Heads"
        if identified:  # halves of it, or the adviser, may have trained some heads too
            fitted = f"Neurons and {'' if tuned else 'some '}heads"
        return f"{fitted} were fitted on these samples; figures are optimistic."

    @property
    def correct(self) -> np.ndarray:
        """Return [N] bool, the samples that the ERM head classifies correctly."""
        return self.predictions == self.samples.labels

    def misclassified(self, *, label: int | None = None, group: str | None = None) -> np.ndarray:
        """Return the ascending rows that the ERM head misclassifies, of one class or group where it is given."""
        wrong = ~self.correct
        if label is not None:
            wrong &= self.samples.labels == label
        if group is not None and self.samples.groups is not None:
            wrong &= self.samples.groups == self.samples.group_names.index(group)
        return np.flatnonzero(wrong)

    def of_class(self, rows: Indices, label: int | None) -> np.ndarray:
        """Return those of the rows that are of a class; all of them without one."""
        rows = np.asarray(rows, dtype=np.int64)
        return rows if label is None else rows[self.samples.labels[rows] == label]

    def evaluate(self, head: LinearHead) -> Evaluation:
        """Return the accuracies of a head on the samples."""
        return self._measure(head)[1]

    def changes(self, before: LinearHead, after: LinearHead) -> Changes:
        """Return which samples the second head corrects, and which it newly gets wrong."""
        return Changes(self.samples, self._measure(before)[0], self._measure(after)[0])

    @cached_property
    def pairs(self) -> Pairs:
        """Return the pairs of the split; a split without any has none."""
        return find_pairs(self.samples)

    def paired(self, head: LinearHead) -> PairedPredictions:
        """Return what the attribute alone does to a head's predictions."""
        return PairedPredictions(self.samples, self._measure(head)[0], self.pairs)

    def _measure(self, head: LinearHead) -> tuple[np.ndarray, Evaluation]:
        """Return [N] predictions of a head, and its accuracies."""

        def measure() -> tuple[np.ndarray, Evaluation]:
            head.check_fits(self.samples.num_neurons, self.samples.num_classes, self.samples.class_names)
            predictions = head.predict(self.samples.embeddings)
            return predictions, evaluate_predictions(predictions, self.samples)

        return self._measured.get(sha256(head.weight.tobytes() + head.bias.tobytes()).digest(), measure)

    def mask_alone(
        self,
        scores: np.ndarray | None,
        threshold: float,
        mask_value: float,
        *,
        always: np.ndarray,
        never: np.ndarray,
        cue: CueMask | None = None,
    ) -> Evaluation:
        """Return the accuracies of the ERM head with the mask and without retraining; at once where a curve is known.

        Args:
            scores: [M] of the neurons; None where a cue alone selects them.
            threshold: λ.
            mask_value: the factor of masked activations, 0 to 1.
            always, never: [M] bool, masked or spared whatever their score.
            cue: the cue that selects neurons, if one does.
        """
        rule = _Rule.of(scores, always, never, cue)
        curves, threshold = self._curves_by_rule.peek(rule.key), rule.threshold(threshold, cue)
        predictions = None if curves is None else curves.predictions(threshold, mask_value)
        if predictions is not None:
            return evaluate_predictions(predictions, self.samples)
        masked = with_verdicts(rule.values > threshold, rule.always, rule.never)
        return self.evaluate(self.erm.masked(np.where(masked, mask_value, 1.0)))

    def curve(
        self,
        scores: np.ndarray | None,
        mask_value: float,
        *,
        always: np.ndarray,
        never: np.ndarray,
        cue: CueMask | None = None,
    ) -> MaskCurve:
        """Return the accuracies of the mask without retraining at every λ; by a cue alone, at every effect.

        Args:
            scores, mask_value, always, never, cue: as in `mask_alone`.
        """
        rule = _Rule.of(scores, always, never, cue)

        def compute() -> MaskCurve:
            curves = self._curves_by_rule.get(
                rule.key,
                lambda: MaskCurves(self.erm, self.samples, rule.values, always=rule.always, never=rule.never),
            )
            return curves(mask_value)

        return self._curves.get((mask_value, rule.key), compute)

    @cached_property
    def map(self) -> np.ndarray:
        """Return [N, 2], the samples on their principal axes."""
        return principal_axes(self.samples.embeddings)

    def umap(self) -> np.ndarray | None:
        """Return [N, 2], the samples by neighborhood; None until a job has made the map."""
        if self._umap is None:
            self._umap = read_map(self.project.umap_file(self.samples), self.samples.num_samples)
        return self._umap

    @cached_property
    def mistake_slices(self) -> list[Slice]:
        return mistake_slices(self.samples, self.predictions)

    @cached_property
    def pair_slices(self) -> list[Slice]:
        return pair_slices(self.paired(self.erm))

    @cached_property
    def hard_slices(self) -> list[Slice]:
        """Return the samples that twin heads, trained on the tuning split, misclassify (XRM); guesses.

        Raises:
            InputError: when the twin heads give no groups.
        """
        hard = _twins_of(self.project.load_set("tuning")).mistakes(self.samples)
        return hard_slices(self.samples, self.predictions, hard)

    def activation_slices(self, neuron: int) -> list[Slice]:
        return activation_slices(self.samples, self.predictions, neuron)


_twins: LatestResults[TwinHeads] = LatestResults(2)  # of training sets, for all their splits


def _twins_of(tuning: EmbeddingSet) -> TwinHeads:
    return _twins.get((tuning.fingerprint,), lambda: twin_heads(tuning))


@dataclass(frozen=True, eq=False)
class _Rule:
    """The rule of a mask, as one value a neuron that is compared with one threshold.

    Attributes:
        values: [M] the scores; the effects where a cue alone selects neurons.
        always, never: [M] bool, masked or spared whatever their value; those of a cue beside the scores are masked.
    """

    values: np.ndarray
    always: np.ndarray
    never: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray | None, always: np.ndarray, never: np.ndarray, cue: CueMask | None) -> _Rule:
        if cue is not None and cue.source == "cue":
            return cls(np.abs(cue.effects), always, never)
        assert scores is not None
        return cls(scores, by_source(always, cue), never)

    @staticmethod
    def threshold(threshold: float, cue: CueMask | None) -> float:
        """Return what the values are compared with: λ, or the threshold of the effect."""
        return cue.threshold if cue is not None and cue.source == "cue" else threshold

    @property
    def key(self) -> tuple[bytes, ...]:
        return tuple(part.tobytes() for part in (self.values, self.always, self.never))
