"""The theory of the paper (Sections 4.1 to 4.3, 5.3), computed: what its claims say and where they stop holding."""

from neurontune_core.theory.claims import CLAIMS, Claim
from neurontune_core.theory.data_model import INPUTS, DataModel
from neurontune_core.theory.lemma import LemmaCurves, Weights, exact, least_squares, lemma_curves, printed
from neurontune_core.theory.neuron_scores import NeuronScores, neuron_scores
from neurontune_core.theory.removal import Removal, Removed, remove_neurons
from neurontune_core.theory.synthetic import Experiment, Summary, run_experiment, summarize

__all__ = [
    "CLAIMS",
    "INPUTS",
    "Claim",
    "DataModel",
    "Experiment",
    "LemmaCurves",
    "NeuronScores",
    "Removal",
    "Removed",
    "Summary",
    "Weights",
    "exact",
    "least_squares",
    "lemma_curves",
    "neuron_scores",
    "printed",
    "remove_neurons",
    "run_experiment",
    "summarize",
]
