"""Lemma 1: how much weight the best linear model gives to the core feature and to the shortcut.

The best ``u_coreᵀx_core + u_spuᵀx_spu`` has ``u_core`` along β and ``u_spu`` along γ; `Weights` holds the two factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from neurontune_core.theory.data_model import CORE, DataModel, Draws, draw

SAMPLES = 50_000  # per fitted point


class Weights(NamedTuple):
    """``βᵀu_core`` and ``γᵀu_spu``: (1, 0) is free of the shortcut."""

    core: float
    spurious: float


def printed(model: DataModel) -> Weights:
    """Compute Lemma 1 as the paper prints it; exact only at p = 0.5 and p = 1.

    >>> [round(weight, 3) for weight in printed(DataModel(p=0.95, eta_core=1.0, eta_spu=0.1))]
    [0.109, 0.891]
    """
    core, spu = model.eta_core**2, model.eta_spu**2
    return Weights(((2 - 2 * model.p) * core + spu) / (core + spu), model.agreement * core / (core + spu))


def exact(model: DataModel) -> Weights:
    """Solve the normal equations: z = qη_core² / (η_core² + η_spu² + (1 − q²)v), weights 1 − qz and z.

    v is the variance of βᵀx_core, which is 1.

    >>> [round(weight, 3) for weight in exact(DataModel(p=0.95, eta_core=1.0, eta_spu=0.1))]
    [0.325, 0.75]
    """
    q, core, spu = model.agreement, model.eta_core**2, model.eta_spu**2
    z = q * core / (core + spu + (1 - q**2))
    return Weights(1 - q * z, z)


def least_squares(model: DataModel, samples: int = SAMPLES, seed: int = 0) -> Weights:
    """Fit ordinary least squares to a sample.

    >>> least_squares(DataModel(p=1.0, eta_spu=0.01), samples=1000).spurious > 0.99
    True
    """
    inputs, answers = model.regression_sample(_draws(samples, seed))
    solution = np.linalg.solve(inputs.T @ inputs, inputs.T @ answers)
    return Weights(float(solution[0]), float(solution[CORE]))


@lru_cache(2)
def _draws(samples: int, seed: int) -> Draws:
    """Return the same draws again, since drawing takes longer than fitting."""
    return draw(samples, np.random.default_rng(seed))


@dataclass(frozen=True, eq=False)
class LemmaCurves:
    """Both formulas and the fits over p.

    Attributes:
        p: [P] of the formulas, 0.5 to 1.
        printed, exact: [P, 2] weights on the core feature and on the shortcut.
        fitted_p: [F] of the fits.
        fitted: [F, 2] least squares.
        samples: of each fit.
    """

    p: np.ndarray
    printed: np.ndarray
    exact: np.ndarray
    fitted_p: np.ndarray
    fitted: np.ndarray
    samples: int


def lemma_curves(eta_core: float, eta_spu: float, seed: int = 0, samples: int = SAMPLES) -> LemmaCurves:
    """Compute both formulas and the fits over p, at the noises of a `DataModel`."""
    grid, few = ([DataModel(p, eta_core, eta_spu) for p in np.linspace(0.5, 1, points)] for points in (51, 11))
    return LemmaCurves(
        p=np.array([model.p for model in grid]),
        printed=np.array([printed(model) for model in grid]),
        exact=np.array([exact(model) for model in grid]),
        fitted_p=np.array([model.p for model in few]),
        fitted=np.array([least_squares(model, samples, seed) for model in few]),
        samples=samples,
    )
