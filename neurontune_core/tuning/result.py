"""The result of a run: the tuned head, and a record of every epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurontune_core.head import LinearHead
from neurontune_core.identification.scores import SpuriousnessScores
from neurontune_core.tuning.config import TuneConfig


@dataclass(frozen=True)
class EpochRecord:
    """Measurements after one epoch; all but the loss is measured on the identification set with the masked head.

    Attributes:
        epoch: from 1.
        loss: mean class-balanced cross-entropy over the epoch's batches.
        sfit: spuriousness fitness score (Σ|delta|), for selecting an epoch; 0 when the head makes no mistake.
        accuracy, worst_class_accuracy: in 0..1.
        worst_group_accuracy: None without groups. Measured only: nothing is chosen by it.
        num_biased: neurons masked during the epoch (for masks by class: in any class).
    """

    epoch: int
    loss: float
    sfit: float
    accuracy: float
    worst_class_accuracy: float
    worst_group_accuracy: float | None
    num_biased: int


@dataclass(frozen=True, eq=False)
class TuneResult:
    """A tuned head, and how it was made.

    Attributes:
        head: mask (and normalization) folded in; plain ``embeddings @ weight.T + bias`` gives its logits.
        biased: [M] bool, the neurons masked in the kept epoch; where several are averaged, in all of them: those that
            ``head`` is really without.
        scores: the scores that the kept epoch's mask was drawn from; None without masking.
        history: one record an epoch.
        epoch: the kept epoch (the best of them when several are averaged).
        config: the settings.
        warnings: sentences.
        stopped: True when ``should_stop`` ended the run early; the head is then the best so far.
        seconds: wall time.
        masked_throughout: the same as ``biased``.
        averaged: the epochs that ``head`` averages, the best first.
        loop: with ``select="robust"``, which of its two loops ``history`` and ``head`` are from: "stable" or "paper".
    """

    head: LinearHead
    biased: np.ndarray
    scores: SpuriousnessScores | None
    history: tuple[EpochRecord, ...]
    epoch: int
    config: TuneConfig
    warnings: tuple[str, ...]
    stopped: bool
    seconds: float
    masked_throughout: np.ndarray
    averaged: tuple[int, ...] = ()
    loop: str = ""
