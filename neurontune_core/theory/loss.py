"""The training loss of Section 4.1 in closed form: Eq. 17, its three terms of Eq. 51, and the bound of Eq. 27.

For ``u_core = c β`` and ``u_spu = s γ``, which the best model has, with v = Var(βᵀx_core) = 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurontune_core.theory.data_model import CORE, INPUTS, DataModel
from neurontune_core.theory.lemma import Weights


class Terms(NamedTuple):
    """The parts of the loss, each with its factor: their sum is ``½ E (f(x) − y)²``.

    Attributes:
        agreeing: ½ p ψ1, over samples whose shortcut agrees.
        misled: ½ (1 − p) ψ2, over the others.
        noise: ½ ψ3, of the noises; the only term that holds the shortcut's weight alone.
    """

    agreeing: float
    misled: float
    noise: float

    @property
    def total(self) -> float:
        """Return the loss of Eq. 17."""
        return self.agreeing + self.misled + self.noise


def terms(model: DataModel, weights: Weights) -> Terms:
    """Compute the three terms of Eq. 51.

    ψ1 = v (c − (1 − s))², ψ2 = v (c − (1 + s))², ψ3 = p η_core² (1 − s)² + (1 − p) η_core² (1 + s)² + η_spu² s².

    Args:
        model: the data.
        weights: c and s.

    >>> [round(part, 3) for part in terms(DataModel(p=1.0), Weights(0.5, 0.5))]
    [0.0, 0.0, 0.126]
    """
    p, (core, spurious) = model.p, weights
    noise = p * model.eta_core**2 * (1 - spurious) ** 2 + (1 - p) * model.eta_core**2 * (1 + spurious) ** 2
    noise += model.eta_spu**2 * spurious**2
    return Terms(p * (core - 1 + spurious) ** 2 / 2, (1 - p) * (core - 1 - spurious) ** 2 / 2, noise / 2)


def bound(model: DataModel, spurious: float) -> float:
    """Compute the lower bound of Eq. 27, which leaves out ψ1 and ψ2: ½ ψ3."""
    return terms(model, Weights(0.0, spurious)).noise


def least_loss(model: DataModel, spurious: float) -> float:
    """Compute the least loss for this weight on the shortcut: with c = 1 − q s, the mean of what ψ1 and ψ2 ask for."""
    return terms(model, Weights(1 - model.agreement * spurious, spurious)).total


def regression_moments(model: DataModel) -> tuple[np.ndarray, np.ndarray]:
    """Return E[xxᵀ], [INPUTS, INPUTS], and E[xy], [INPUTS], of `DataModel.regression_sample`."""
    variance = 1 + model.eta_core**2  # of y
    second = np.diag(np.concatenate([np.ones(CORE), np.full(INPUTS - CORE, model.eta_spu**2)]))
    second[CORE, CORE] += variance
    second[0, CORE] = second[CORE, 0] = model.agreement
    cross = np.zeros(INPUTS)
    cross[0], cross[CORE] = 1.0, model.agreement * variance
    return second, cross


class Descent(NamedTuple):
    """Gradient descent of a network ``bᵀWx`` on unlimited data.

    Attributes:
        steps: [T] at which the weights were taken, ascending from 0.
        weights: [T, 2] on the core feature and on the shortcut.
    """

    steps: np.ndarray
    weights: np.ndarray


def gradient_descent(
    model: DataModel, neurons: int = 20, seed: int = 0, steps: int = 6000, rate: float = 0.02
) -> Descent:
    """Train both layers of a linear network by gradient descent, from small random weights (Eq. 3, Eq. 11).

    Args:
        model: the data.
        neurons: M.
        seed: of the start.
        steps: of full-batch descent; some 60 of them are kept.
        rate: divided by the largest eigenvalue of E[xxᵀ] where that exceeds 2, so that no setting diverges.

    >>> path = gradient_descent(DataModel(p=0.95))
    >>> path.weights[-1].round(2).tolist()
    [0.32, 0.75]
    """
    second, cross = regression_moments(model)
    rate = rate * min(1.0, 2 / float(np.linalg.eigvalsh(second)[-1]))
    rng = np.random.default_rng(seed)
    first, last = 0.1 * rng.standard_normal((neurons, INPUTS)), 0.1 * rng.standard_normal(neurons)
    kept = np.unique(np.concatenate([[0], np.geomspace(1, steps, 60).astype(int)]))
    taken = []
    for step in range(steps + 1):
        function = last @ first
        if step in kept:
            taken.append(function[[0, CORE]])
        slope = second @ function - cross  # of the loss by the function
        first, last = first - rate * np.outer(last, slope), last - rate * (first @ slope)
    return Descent(kept, np.array(taken))
