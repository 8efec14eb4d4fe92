"""NeuronTune and its variants: no masking, halves of the held-out set, masks by class."""

from __future__ import annotations

from dataclasses import replace

from neurontune_core.baselines.base import Fitted
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.neurontune import neurontune, neurontune_halves
from neurontune_core.tuning.result import TuneResult


def masked(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: TuneConfig) -> Fitted:
    """Run NeuronTune."""
    return _fitted(neurontune(head, identification, tuning, replace(settings, masking=True)))


def masking_off(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: TuneConfig) -> Fitted:
    """Run class-balanced retraining without a mask (Table 4, NT = No)."""
    return _fitted(neurontune(head, identification, tuning, replace(settings, masking=False)))


def halves(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: TuneConfig) -> Fitted:
    """Run NeuronTune† (Section 5.5): half of the identification set tunes, the other half identifies and selects."""
    return _fitted(neurontune_halves(head, identification, replace(settings, masking=True)))


def masks_by_class(
    head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: TuneConfig
) -> Fitted:
    """Run NeuronTune with a mask for each class from its own scores, without the union over classes of Eq. 6."""
    return _fitted(neurontune(head, identification, tuning, replace(settings, masking=True, mask_scope="per_class")))


def _fitted(result: TuneResult) -> Fitted:
    return Fitted(result.head, {"epoch": result.epoch, "num_biased": int(result.biased.sum())}, result.warnings)
