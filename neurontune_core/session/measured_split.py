"""One split of a project, opened: heads are measured on it, and its samples are looked at."""

from __future__ import annotations

from functools import cached_property
from hashlib import sha256

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.evaluation.accuracy import Evaluation, evaluate_predictions
from neurontune_core.evaluation.changes import Changes
from neurontune_core.evaluation.mask_curve import MaskCurve, MaskCurves
from neurontune_core.evaluation.projection import principal_axes
from neurontune_core.evaluation.slices import Slice, activation_slices, mistake_slices
from neurontune_core.evaluation.umap_projection import read_map
from neurontune_core.head import LinearHead
from neurontune_core.mask import with_verdicts
from neurontune_core.session.index_ranges import Indices
from neurontune_core.workspace.project import Project

_KEPT_CURVES, _KEPT_HEADS = 32, 32


class MeasuredSplit:
    """What the screens ask about the samples of one split; nothing here depends on which split found the neurons.

    Args:
        project: whose split it is.
        erm: the head as it was trained.
        samples: [N, M] the split.

    Attributes:
        said: [N] what the ERM head calls the samples.
        erm_evaluation: how it does on them.
    """

    def __init__(self, project: Project, erm: LinearHead, samples: EmbeddingSet) -> None:
        self.project, self.erm, self.samples = project, erm, samples
        self.said = erm.predict(self.samples.embeddings)
        self.erm_evaluation = evaluate_predictions(self.said, samples)
        self._measured: dict[bytes, tuple[np.ndarray, Evaluation]] = {}
        self._curves: dict[tuple, MaskCurve] = {}
        self._curves_of: dict[tuple, MaskCurves] = {}  # of the latest rule
        self._umap: np.ndarray | None = None

    @property
    def name(self) -> str:
        return self.samples.split

    @property
    def caution(self) -> str:
        """Why figures on this split are too good, in a sentence; empty where nothing speaks against them."""
        roles = self.project.content["roles"]
        found, trained = (roles[role] == self.name for role in ("identification", "tuning"))
        if not (found or trained):
            return ""
        fitted = "Heads"
        if found:  # halves of it, or the adviser, may have trained some heads too
            fitted = f"Neurons and {'' if trained else 'some '}heads"
        return f"{fitted} were fitted on these samples; figures are optimistic."

    @property
    def said_right(self) -> np.ndarray:
        """[N] bool, the samples that the ERM head gets right."""
        return self.said == self.samples.labels

    def mistakes(self, *, label: int | None = None, group: str | None = None) -> np.ndarray:
        """Ascending rows that the ERM head gets wrong, of one class or group where it is given."""
        wrong = ~self.said_right
        if label is not None:
            wrong &= self.samples.labels == label
        if group is not None and self.samples.groups is not None:
            wrong &= self.samples.groups == self.samples.group_names.index(group)
        return np.flatnonzero(wrong)

    def of_class(self, rows: Indices, label: int | None) -> np.ndarray:
        """Those of the rows that are of a class; all of them without one."""
        rows = np.asarray(rows, dtype=np.int64)
        return rows if label is None else rows[self.samples.labels[rows] == label]

    def evaluate(self, head: LinearHead) -> Evaluation:
        """How a head does on the samples."""
        return self._measure(head)[1]

    def changes(self, before: LinearHead, after: LinearHead) -> Changes:
        """Which samples the second head gets right and the first does not, and the reverse."""
        return Changes(self.samples, self._measure(before)[0], self._measure(after)[0])

    def _measure(self, head: LinearHead) -> tuple[np.ndarray, Evaluation]:
        """[N] what a head calls the samples, and how it does; the newest answers are kept."""
        key = sha256(head.weight.tobytes() + head.bias.tobytes()).digest()
        if key not in self._measured:
            head.check_fits(self.samples.num_neurons, self.samples.num_classes)
            said = head.predict(self.samples.embeddings)
            self._measured[key] = said, evaluate_predictions(said, self.samples)
            if len(self._measured) > _KEPT_HEADS:
                self._measured.pop(next(iter(self._measured)))
        return self._measured[key]

    def mask_alone(
        self, scores: np.ndarray, threshold: float, mask_value: float, *, always: np.ndarray, never: np.ndarray
    ) -> Evaluation:
        """How the ERM head does with the mask and without retraining; at once where the curve was computed before.

        Args:
            scores: [M] of the neurons.
            always, never: [M] bool, masked or spared whatever their score.
        """
        curves = self._curves_of.get(_rule(scores, always, never))
        said = None if curves is None else curves.predictions(threshold, mask_value)
        if said is not None:
            return evaluate_predictions(said, self.samples)
        masked = with_verdicts(scores > threshold, always, never)
        return self.evaluate(self.erm.masked(np.where(masked, mask_value, 1.0)))

    def curve(self, scores: np.ndarray, mask_value: float, *, always: np.ndarray, never: np.ndarray) -> MaskCurve:
        """What the mask alone would do at every λ; the newest curves are kept.

        Args:
            scores: [M] of the neurons.
            always, never: [M] bool, masked or spared whatever their score.
        """
        rule = _rule(scores, always, never)
        key = (mask_value, rule)
        if key not in self._curves:
            if rule not in self._curves_of:
                self._curves_of = {rule: MaskCurves(self.erm, self.samples, scores, always=always, never=never)}
            self._curves[key] = self._curves_of[rule](mask_value)
            if len(self._curves) > _KEPT_CURVES:
                self._curves.pop(next(iter(self._curves)))
        return self._curves[key]

    @cached_property
    def map(self) -> np.ndarray:
        """[N, 2] the samples on their principal axes."""
        return principal_axes(self.samples.embeddings)

    def umap(self) -> np.ndarray | None:
        """[N, 2] the samples by neighbourhood; None until a job has made the map."""
        if self._umap is None:
            self._umap = read_map(self.project.umap_file(self.samples), self.samples.num_samples)
        return self._umap

    @cached_property
    def mistake_slices(self) -> list[Slice]:
        return mistake_slices(self.samples, self.said)

    def activation_slices(self, neuron: int) -> list[Slice]:
        return activation_slices(self.samples, self.said, neuron)


def _rule(scores: np.ndarray, always: np.ndarray, never: np.ndarray) -> tuple[bytes, ...]:
    return tuple(part.tobytes() for part in (scores, always, never))
