"""NeuronTune: find the neurons a classifier is biased by, mask them, retrain its last layer.

The names below need arrays alone; models, extraction and heatmaps live in the submodules and are imported by name.
"""

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import Evaluation, evaluate
from neurontune_core.evaluation.changes import changes
from neurontune_core.head import LinearHead
from neurontune_core.identification.scores import (
    NoMistakes,
    SpuriousnessScorer,
    SpuriousnessScores,
    spuriousness_scores,
)
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.neurontune import EpochRecord, TuneResult, neurontune, neurontune_halves

__version__ = "0.1.0"

__all__ = [
    "EmbeddingSet",
    "EpochRecord",
    "Evaluation",
    "InputError",
    "LinearHead",
    "NoMistakes",
    "SpuriousnessScorer",
    "SpuriousnessScores",
    "TuneConfig",
    "TuneResult",
    "changes",
    "evaluate",
    "neurontune",
    "neurontune_halves",
    "spuriousness_scores",
]
