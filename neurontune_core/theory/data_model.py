"""The data model of Section 4.1: a core feature that decides the answer, and a shortcut that mostly agrees with it.

``x = [x_core, x_spu]``, ``y = βᵀx_core + ε_core``, ``x_spu = (2a − 1) y γ + ε_spu`` with ``a ~ Bernoulli(p)``: the
shortcut repeats the answer with probability p and says its opposite otherwise; the noises have variances η_core² and
η_spu². The paper leaves the rest open. Assumed here: β and γ are unit vectors, ``CORE = SPU = 5`` inputs each, standard
normal core inputs, normal noises, the spurious one alike in every direction. As nothing else prefers a direction, β
and γ are the first axes of their parts without loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from neurontune_core.errors import InputError

CORE = SPU = 5  # inputs of each part
INPUTS = CORE + SPU
MU = 1.0  # the classes of Theorem 4.2 are regressed as −μ and +μ
_RANGES = {"p": (0.5, 1.0), "eta_core": (0.01, 10.0), "eta_spu": (0.01, 10.0)}


class Draws(NamedTuple):
    """The randomness of a sample before any setting of the model: drawn once, used for every p.

    Attributes:
        inputs: [N, INPUTS] float32 standard normal.
        noise: [N] the same, for ε_core.
        uniform: [N] in 0..1; the shortcut agrees where it is below p.
    """

    inputs: np.ndarray
    noise: np.ndarray
    uniform: np.ndarray


def draw(samples: int, rng: np.random.Generator) -> Draws:
    """Draw the randomness of N = ``samples`` samples."""
    inputs = rng.standard_normal((samples, INPUTS), np.float32)
    return Draws(inputs, rng.standard_normal(samples, np.float32), rng.random(samples))


@dataclass(frozen=True)
class DataModel:
    """How training samples are drawn.

    Attributes:
        p: share of the samples whose shortcut agrees with the answer, 0.5 (no shortcut) to 1.
        eta_core, eta_spu: standard deviations of ε_core and of each component of ε_spu.

    Raises:
        InputError: naming the value that is out of range.
    """

    p: float = 0.95
    eta_core: float = 1.0
    eta_spu: float = 0.1

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"Expected {name} between {low:g} and {high:g}, but got {value:g}.")

    @property
    def agreement(self) -> float:
        """Return q = 2p − 1, the mean of 2a − 1.

        >>> round(DataModel(p=0.95).agreement, 3)
        0.9
        """
        return 2 * self.p - 1

    def regression_sample(self, draws: Draws) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs [N, INPUTS] and answers [N], float32, of the model as it stands, for Lemma 1."""
        inputs = draws.inputs.copy()
        answers = inputs[:, 0] + np.float32(self.eta_core) * draws.noise
        self._add_shortcut(inputs, answers, draws.uniform)
        return inputs, answers

    def classification_sample(self, samples: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs [N, INPUTS] and answers [N], float32, in {−μ, +μ}, equally likely, for Theorems 4.2 and 4.3.

        The same equations with the answer drawn first: ``βᵀx_core = y − ε_core``, the other core inputs standard
        normal.
        """
        answers = rng.choice(np.array([-MU, MU], np.float32), samples)
        inputs = rng.standard_normal((samples, INPUTS), np.float32)
        inputs[:, 0] = answers - np.float32(self.eta_core) * inputs[:, 0]
        self._add_shortcut(inputs, answers, rng.random(samples))
        return inputs, answers

    def _add_shortcut(self, inputs: np.ndarray, answers: np.ndarray, uniform: np.ndarray) -> None:
        inputs[:, CORE:] *= self.eta_spu
        inputs[:, CORE] += np.where(uniform < self.p, answers, -answers)

    def classification_moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Return E[xxᵀ], [INPUTS, INPUTS], and E[xy], [INPUTS], of `classification_sample`."""
        second = np.diag(np.concatenate([np.ones(CORE), np.full(SPU, self.eta_spu**2)]))
        second[0, 0] = MU**2 + self.eta_core**2
        second[CORE, CORE] += MU**2
        second[0, CORE] = second[CORE, 0] = self.agreement * MU**2
        cross = np.zeros(INPUTS)
        cross[0], cross[CORE] = MU**2, self.agreement * MU**2
        return second, cross

    def classification_optimum(self) -> np.ndarray:
        """Return the weights u, [INPUTS], of the least-squares model ``uᵀx`` of the classes, on unlimited data.

        >>> DataModel(p=0.5).classification_optimum().round(3).tolist()[:CORE]
        [0.5, 0.0, 0.0, 0.0, 0.0]
        """
        second, cross = self.classification_moments()
        return np.linalg.solve(second, cross)
