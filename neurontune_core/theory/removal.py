"""Theorem 4.3: removing the selected neurons of a linear network, compared with removing as many at random."""

from __future__ import annotations

from dataclasses import dataclass
from math import erf

import numpy as np

from neurontune_core.theory.data_model import CORE, INPUTS, MU, SPU, DataModel
from neurontune_core.theory.neuron_scores import check_network, random_first_layers

NETWORKS = 2000


@dataclass(frozen=True, eq=False)
class Removed:
    """Random networks after a removal (or before any).

    Attributes:
        distance: [R] from the network's weights on the inputs to those of the unbiased model (p = 0.5).
        accuracy: [R] on samples whose shortcut says the opposite, in closed form; NaN for a network that is 0.
    """

    distance: np.ndarray
    accuracy: np.ndarray


@dataclass(frozen=True, eq=False)
class Removal:
    """All networks under both removals.

    Attributes:
        before: the trained network, the same function in each; one value.
        selected, random: without the neurons with γᵀw_spu < 0, and without as many drawn at random.
        spanning: share of the networks whose spared neurons still span all inputs, under the selection.
    """

    before: Removed
    selected: Removed
    random: Removed
    spanning: float

    @property
    def selected_closer(self) -> float:
        """Return the share of the networks that the selection brings closer than chance does; ties count as half."""
        gain = self.random.distance - self.selected.distance
        tie = np.abs(gain) < 1e-9
        return float(np.where(tie, 0.5, gain > 0).mean())


def remove_neurons(
    model: DataModel,
    neurons: int = 100,
    seed: int = 0,
    *,
    retrain: bool = False,
    premise: bool = False,
    networks: int = NETWORKS,
) -> Removal:
    """Remove neurons from ``networks`` networks ``bᵀWx`` with random W and the smallest b that is the best model.

    Selected is what Theorem 4.2 says the scores of the class +μ find, γᵀw_spu < 0, so the selection has no error of
    measurement. The paper does not say which networks the theorem is about; random ones are ours.

    Args:
        model: the data.
        neurons: M of each network, INPUTS to MOST_NEURONS.
        seed: of the networks and of the random removals.
        retrain: fit the last layer again to the same (unlimited, biased) data, without the removed neurons.
        premise: give every neuron the same weight on the core feature as on the shortcut, βᵀw_core = γᵀw_spu, as the
            theorem assumes. Any network of such neurons has equal weights on both, so the trained one is the best of
            these, and neither Lemma 1's model nor the unbiased one is among them.
        networks: R.

    Raises:
        InputError: when the neurons are too few or too many.

    >>> 0.4 < remove_neurons(DataModel(p=0.95), neurons=20, networks=200).selected_closer < 0.6
    True
    """
    check_network(neurons)
    rng = np.random.default_rng(seed)
    first = random_first_layers(networks, neurons, rng)
    best = model.classification_optimum()
    if premise:
        first[:, :, CORE] = first[:, :, 0]
        best = _refitted(model, first[:1], np.ones((1, neurons), dtype=bool), True)[0]
    gram = first.transpose(0, 2, 1) @ first
    last = (first @ np.linalg.pinv(gram, rcond=1e-10, hermitian=True) @ best[:, None])[..., 0]
    drop = first[:, :, CORE] < 0
    without = {"selected": ~drop, "random": ~rng.permuted(drop, axis=1)}
    unbiased = DataModel(0.5, model.eta_core, model.eta_spu).classification_optimum()
    removed = {}
    for name, keep in without.items():
        functions = _refitted(model, first, keep, premise) if retrain else ((last * keep)[:, None, :] @ first)[:, 0]
        removed[name] = _measured(model, functions, unbiased)
    spanning = 0.0 if premise else float((without["selected"].sum(axis=1) >= INPUTS).mean())
    return Removal(before=_measured(model, best[None], unbiased), **removed, spanning=spanning)


def _refitted(model: DataModel, first: np.ndarray, keep: np.ndarray, all_of_them: bool) -> np.ndarray:
    """Return the best functions, [R, INPUTS], that the kept neurons of each network can make: the best model where they
    span all inputs, otherwise (and for ``all_of_them``) its projection on their span in the metric of E[xxᵀ]."""
    best = model.classification_optimum()
    functions = np.tile(best, (len(first), 1))
    few = (keep.sum(axis=1) < INPUTS) | all_of_them
    root = np.linalg.cholesky(model.classification_moments()[0])
    rows = (first[few] * keep[few][:, :, None]) @ root
    gram = rows.transpose(0, 2, 1) @ rows
    projection = gram @ np.linalg.pinv(gram, rcond=1e-10, hermitian=True)
    functions[few] = np.linalg.solve(root.T, (projection @ (root.T @ best)).T).T
    return functions


def _measured(model: DataModel, functions: np.ndarray, unbiased: np.ndarray) -> Removed:
    """Measure the functions, [R, INPUTS], of networks."""
    spread = np.concatenate([[model.eta_core], np.ones(CORE - 1), np.full(SPU, model.eta_spu)])
    deviation = np.linalg.norm(functions * spread, axis=1)
    with np.errstate(invalid="ignore"):
        margin = MU * (functions[:, 0] - functions[:, CORE]) / deviation
    return Removed(
        distance=np.linalg.norm(functions - unbiased, axis=1),
        accuracy=np.array([(1 + erf(ratio / np.sqrt(2))) / 2 for ratio in margin]),
    )
