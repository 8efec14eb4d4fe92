"""The theory of the paper (Sections 4.1 to 4.3, 5.3), computed: what its claims say and where they stop holding."""

from neurontune_core.theory.claims import CLAIMS, Claim
from neurontune_core.theory.data_model import INPUTS, DataModel
from neurontune_core.theory.lemma import LemmaCurves, Weights, exact, least_squares, lemma_curves, printed
from neurontune_core.theory.loss import Terms, gradient_descent, terms
from neurontune_core.theory.majority import Majority, exact_majority, measured_majority, printed_majority
from neurontune_core.theory.neuron_scores import NeuronScores, neuron_scores
from neurontune_core.theory.principle import Principle, principle
from neurontune_core.theory.removal import Removal, Removed, remove_neurons
from neurontune_core.theory.retraining import exact_retraining, measured_retraining, printed_retraining
from neurontune_core.theory.synthetic import Experiment, Summary, run_experiment, summarize

__all__ = [
    "CLAIMS",
    "INPUTS",
    "Claim",
    "DataModel",
    "Experiment",
    "LemmaCurves",
    "Majority",
    "NeuronScores",
    "Principle",
    "Removal",
    "Removed",
    "Summary",
    "Terms",
    "Weights",
    "exact",
    "exact_majority",
    "exact_retraining",
    "gradient_descent",
    "least_squares",
    "lemma_curves",
    "measured_majority",
    "measured_retraining",
    "neuron_scores",
    "principle",
    "printed",
    "printed_majority",
    "printed_retraining",
    "remove_neurons",
    "run_experiment",
    "summarize",
    "terms",
]
