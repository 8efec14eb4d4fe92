"""A head that may be advised, with its predictions on samples that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from neurontune_core.evaluation.accuracy import Evaluation
from neurontune_core.evaluation.unseen import Expectation, expected_worst_class
from neurontune_core.head import LinearHead
from neurontune_core.tuning.result import TuneResult

# The command line prints these keys, so "weighted_up" (upweighted hard samples) stays what it is.
Key = Literal[
    "erm",
    "mask_alone",
    "own_mask",
    "masking_off",
    "neurontune",
    "robust",
    "weighted_up",
    "masking_off_held_out",
    "neurontune_held_out",
    "robust_held_out",
]


@dataclass(frozen=True, eq=False)
class Candidate:
    """A head that may be advised, and its cross-fitted predictions.

    Attributes:
        key: which candidate it is.
        head: the average of the runs' heads.
        predictions: [N] int64, of every identification sample by the run that had not seen it.
        evaluation: of these predictions; groups are never counted.
        members: the runs of `neurontune`; none for the ERM head and for upweighted hard samples.
        judged: the rows that each run was evaluated on.
        hard_share: the mean share, over the runs, of hard samples (`reweight`).
        judged_spurious: [M] bool, the neurons that a user's verdicts mask in every candidate; None for none.
        fixed_mask: [M] bool, the mask of the ERM head that is not retrained; None for other candidates.
        labels, units: [N] of the identification set; units None where each sample is one.
    """

    key: Key
    head: LinearHead
    predictions: np.ndarray
    evaluation: Evaluation
    members: tuple[TuneResult, ...] = ()
    judged: tuple[np.ndarray, ...] = ()
    hard_share: float = 0.0
    judged_spurious: np.ndarray | None = None
    fixed_mask: np.ndarray | None = None
    labels: np.ndarray | None = None
    units: np.ndarray | None = None

    @cached_property
    def worst_class_on_unseen(self) -> Expectation:
        """Return the worst-class accuracy to expect of the head on samples that it has not seen."""
        assert self.labels is not None
        parts = np.zeros(len(self.labels), dtype=np.int64)
        for number, rows in enumerate(self.judged):
            parts[rows] = number
        return expected_worst_class(self.predictions == self.labels, self.labels, self.units, parts)

    @property
    def masked(self) -> np.ndarray:
        """Return [M] bool, the neurons masked in every run and epoch that ``head`` averages."""
        if self.fixed_mask is not None:
            return self.fixed_mask
        masked = np.full(self.head.num_neurons, bool(self.members))
        if not self.members and self.judged_spurious is not None:
            masked |= self.judged_spurious
        for member in self.members:
            masked &= member.masked_throughout
        return masked

    @property
    def masked_share(self) -> float:
        """Return the mean share of neurons that a member masked in its best epoch."""
        if self.fixed_mask is not None:
            return float(self.fixed_mask.mean())
        return float(np.mean([member.biased.mean() for member in self.members])) if self.members else 0.0

    @property
    def mask_overlap(self) -> float | None:
        """Return the Jaccard index of two members' masks, the mean over all pairs; None without masks."""
        masks = [member.biased for member in self.members]
        pairs = [(a, b) for place, a in enumerate(masks) for b in masks[:place] if (a | b).any()]
        return float(np.mean([(a & b).sum() / (a | b).sum() for a, b in pairs])) if pairs else None

    @property
    def sfit_shortfall(self) -> float | None:
        """Return by how much SFit's epoch falls short of the best one in worst-class accuracy; None without masking."""
        histories = [member.history for member in self.members if member.config.masking]
        if not histories:
            return None
        by_sfit = [max(history, key=lambda record: record.sfit) for history in histories]
        return float(
            np.mean(
                [
                    max(record.worst_class_accuracy for record in history) - kept.worst_class_accuracy
                    for history, kept in zip(histories, by_sfit, strict=True)
                ]
            )
        )
