"""Theorem 4.2: in a linear network the signed score of a neuron is −2yγᵀw_spu, its weight on the shortcut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.identification.scorer import spuriousness_scores
from neurontune_core.theory.data_model import CORE, INPUTS, MU, DataModel

MOST_VALUES = 2_000_000  # activations of one run: samples times neurons
MOST_SAMPLES = 20_000
MOST_NEURONS = 200


class Line(NamedTuple):
    """The straight line through measured scores over predicted ones, and their correlation."""

    slope: float
    correlation: float


@dataclass(frozen=True, eq=False)
class NeuronScores:
    """Scores of all neurons of one random network, by class (−μ first, then +μ).

    Attributes:
        predicted: [2, M] −2yγᵀw_spu.
        signed: [2, M] Eq. 5 on the activations as they are, as the theorem has it.
        absolute: [2, M] Eq. 5 on magnitudes, as the method has it.
        samples, mistakes: how many were drawn, and how many of these the network gets wrong.
    """

    predicted: np.ndarray
    signed: np.ndarray
    absolute: np.ndarray
    samples: int
    mistakes: int

    def line(self, label: int) -> Line:
        """Fit the line through measured over predicted scores of one class (0 or 1)."""
        predicted, measured = self.predicted[label], self.signed[label]
        slope = np.polyfit(predicted, measured, 1)[0]
        return Line(float(slope), float(np.corrcoef(predicted, measured)[0, 1]))

    @property
    def selected_signed(self) -> float:
        """Return the share of the neurons whose signed score exceeds 0 for any class."""
        return float((self.signed > 0).any(axis=0).mean())

    @property
    def selected_absolute(self) -> float:
        """Return the share of the neurons whose absolute score exceeds 0 for any class."""
        return float((self.absolute > 0).any(axis=0).mean())


def check_network(neurons: int) -> None:
    """Raise InputError unless a network of so many neurons can hold the best function of the inputs."""
    if not INPUTS <= neurons <= MOST_NEURONS:
        raise InputError(
            f"Expected {INPUTS} (as many as there are inputs) to {MOST_NEURONS} neurons, but got {neurons}."
        )


def random_first_layers(networks: int, neurons: int, rng: np.random.Generator) -> np.ndarray:
    """Draw R first layers, [R, M, INPUTS]: standard normal, scaled so that a row has length 1 on average."""
    return rng.standard_normal((networks, neurons, INPUTS)) / np.sqrt(INPUTS)


def neuron_scores(model: DataModel, neurons: int = 100, seed: int = 0, samples: int | None = None) -> NeuronScores:
    """Score the neurons of a network ``bᵀWx`` with random W whose last layer is fitted to unlimited data (Theorem 4.2).

    With at least as many neurons as inputs, that network is the best linear model whatever W is, so its mistakes are
    those of `DataModel.classification_optimum`.

    Args:
        model: the data.
        neurons: M, INPUTS to MOST_NEURONS.
        seed: of the network and of the sample.
        samples: N; when left out, as many as MOST_VALUES and MOST_SAMPLES allow.

    Raises:
        InputError: when the network makes no mistake on a class, as at p = 1, or the neurons are too few or too many.

    >>> scores = neuron_scores(DataModel(p=0.95), neurons=20, samples=5000)
    >>> scores.line(1).correlation > 0.98
    True
    """
    check_network(neurons)
    samples = samples or min(MOST_SAMPLES, MOST_VALUES // neurons)
    rng = np.random.default_rng(seed)
    first = random_first_layers(1, neurons, rng)[0]
    inputs, answers = model.classification_sample(samples, rng)
    labels = (answers > 0).astype(np.int64)
    predictions = (inputs @ model.classification_optimum() > 0).astype(np.int64)
    wrong = [int(((predictions != labels) & (labels == label)).sum()) for label in (0, 1)]
    if min(wrong) == 0:
        raise InputError(
            f"The network gets every one of {samples:,} samples of a class right, so there are no mistakes to score "
            "neurons by; lower p or raise η_core."
        )
    activations = inputs @ first.T.astype(np.float32)
    signed, absolute = (
        spuriousness_scores(activations, labels, predictions, 2, magnitude=magnitude) for magnitude in (False, True)
    )
    shortcut = first[:, CORE]
    return NeuronScores(
        predicted=np.array([2 * MU * shortcut, -2 * MU * shortcut]),
        signed=signed.delta,
        absolute=absolute.delta,
        samples=samples,
        mistakes=sum(wrong),
    )
