"""Proposition 4.1: neurons with γᵀw_spu < 0 are to be suppressed; what they carry, and what turning signs changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurontune_core.theory.data_model import CORE, DataModel
from neurontune_core.theory.neuron_scores import check_network, random_first_layers


@dataclass(frozen=True, eq=False)
class Principle:
    """One random network that is the best linear model of the classes.

    Attributes:
        shortcut: [M] γᵀw_spu of each neuron; the proposition selects those below 0.
        carried: [M] b_i γᵀw_spu,i, what each adds to the network's weight on the shortcut; their sum is that weight.
        turned: [M] γᵀw_spu after the sign of every neuron and of its output weight was turned.
        largest_change: of the network's function (its weights on the inputs) by that turn.
    """

    shortcut: np.ndarray
    carried: np.ndarray
    turned: np.ndarray
    largest_change: float

    @property
    def selected(self) -> np.ndarray:
        """Return [M] bool, the neurons that the proposition selects."""
        return self.shortcut < 0


def principle(model: DataModel, neurons: int = 100, seed: int = 0) -> Principle:
    """Take a network ``bᵀWx`` with random W and the smallest b that is the best model, and turn the neurons' signs.

    Args:
        model: the data.
        neurons: M.
        seed: of the network.

    Raises:
        InputError: when the neurons are too few or too many.

    >>> shown = principle(DataModel(p=0.95), neurons=50)
    >>> bool((shown.selected != (shown.turned < 0)).all()), round(float(shown.carried.sum()), 3)
    (True, 0.744)
    """
    check_network(neurons)
    first = random_first_layers(1, neurons, np.random.default_rng(seed))[0]
    best = model.classification_optimum()
    last = first @ np.linalg.solve(first.T @ first, best)
    turned_first, turned_last = -first, -last
    return Principle(
        shortcut=first[:, CORE],
        carried=last * first[:, CORE],
        turned=turned_first[:, CORE],
        largest_change=float(np.abs(turned_last @ turned_first - last @ first).max()),
    )
