"""NeuronTune: find the neurons a classifier is biased by, mask them, retrain its last layer.

The names below need arrays alone; models, extraction and heatmaps live in the submodules and are imported by name.
"""

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import Evaluation, evaluate
from neurontune_core.evaluation.changes import changes
from neurontune_core.head import LinearHead
from neurontune_core.identification.scorer import SpuriousnessScorer, spuriousness_scores
from neurontune_core.identification.scores import NoMistakes, SpuriousnessScores
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.neurontune import neurontune, neurontune_halves
from neurontune_core.tuning.result import EpochRecord, TuneResult

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
