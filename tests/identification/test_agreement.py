"""How far two halves of the identification set agree on which neurons are biased, counted by hand beside it."""

from __future__ import annotations

import numpy as np
import pytest

from neurontune_core.identification import agreement
from neurontune_core.identification.agreement import Agreement, HalfScores


def drawn(shift: float, neurons: int = 200, biased: int = 20) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return vectors, labels, predictions; the first neurons fire more by ``shift`` where class 0 is misclassified."""
    rng = np.random.default_rng(4)
    labels = np.arange(400) % 2
    predictions = np.where(rng.random(400) < 0.25, 1 - labels, labels)
    vectors = np.abs(rng.normal(size=(400, neurons))).astype(np.float32)
    vectors[(predictions != labels) & (labels == 0), :biased] += shift
    return vectors, labels, predictions


def test_the_halves_share_out_every_class_and_outcome() -> None:
    _, labels, predictions = drawn(0.0)
    first, second = agreement._halves(labels, predictions, None, 0)
    assert sorted([*first, *second]) == list(range(400))
    for label in (0, 1):
        for wrong in (True, False):
            cell = (labels == label) & ((predictions != labels) == wrong)
            assert abs(int(cell[first].sum()) - int(cell[second].sum())) <= 1
    assert not np.array_equal(first, next(agreement._halves(labels, predictions, None, 1)))


def test_no_unit_is_torn_apart_and_units_make_fewer_neurons_stable() -> None:
    vectors, labels, predictions = drawn(0.6)
    units = np.arange(400) // 4 // 2 * 2 + labels  # four samples of one class each
    halves = [set(rows.tolist()) for rows in agreement._halves(labels, predictions, units, 0)]
    for unit in np.unique(units):
        members = set(np.flatnonzero(units == unit).tolist())
        assert sum(members <= half for half in halves) == 1
    for label in (0, 1):
        for wrong in (True, False):
            cell = (labels == label) & ((predictions != labels) == wrong)
            shares = [len(half & set(np.flatnonzero(cell).tolist())) / cell.sum() for half in halves]
            assert min(shares) > 0.35
    together, apart = (HalfScores.of(vectors, labels, predictions, 2, units=each) for each in (units, None))
    repeated = np.repeat(vectors[::4], 4, axis=0), np.repeat(labels[::4], 4), np.repeat(predictions[::4], 4)
    copies = np.repeat(np.arange(100), 4)
    as_units, as_samples = (HalfScores.of(*repeated, 2, units=each) for each in (copies, None))
    assert (as_units.bounds > 0).sum() < (as_samples.bounds > 0).sum()
    assert together.scores.shape == apart.scores.shape == (3, 2, 200)


@pytest.mark.parametrize("threshold", [0.0, 0.1])
def test_the_shares_are_those_counted_by_hand(threshold: float) -> None:
    vectors, labels, predictions = drawn(0.5)
    shared, chance = [], []
    for split in range(3):
        masks = []
        for rows in agreement._halves(labels, predictions, None, split):
            values, wrong = vectors[rows], predictions[rows] != labels[rows]
            deltas = [
                np.median(values[(labels[rows] == label) & wrong], axis=0)
                - np.median(values[(labels[rows] == label) & ~wrong], axis=0)
                for label in (0, 1)
            ]
            masks.append(np.max(deltas, axis=0) > threshold)
        shared.append((masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum())
        p, q = masks[0].mean(), masks[1].mean()
        chance.append(p * q / (p + q - p * q))
    result = HalfScores.of(vectors, labels, predictions, 2).agreement(threshold)
    assert result is not None
    assert result.shared == pytest.approx(np.mean(shared))
    assert result.by_chance == pytest.approx(np.mean(chance))


def test_noise_agrees_as_far_as_chance_and_stable_neurons_far_more() -> None:
    noise = HalfScores.of(*drawn(0.0), 2).agreement(0.0)
    assert noise is not None
    assert noise.shared == pytest.approx(noise.by_chance, abs=0.06)
    assert noise.is_noise
    halves = HalfScores.of(*drawn(1.5), 2)
    all_of_them, stable = halves.agreement(0.0), halves.agreement(0.0, stable=True)
    assert all_of_them is not None
    assert stable is not None
    assert all_of_them.is_noise
    assert stable.shared > 4 * stable.by_chance
    assert not stable.is_noise


def test_random_masks_agree_by_chance() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random((50, 2, 4000)) - 0.7  # three of ten neurons
    result = HalfScores(scores, scores).agreement(0.0)
    assert result is not None
    assert result.shared == pytest.approx(0.3 * 0.3 / 0.51, abs=0.01)
    assert result.by_chance == pytest.approx(result.shared, abs=0.01)


def test_a_half_without_mistakes_selects_nothing() -> None:
    vectors, labels, _ = drawn(0.0)
    predictions = labels.copy()
    predictions[0] = 1 - labels[0]
    halves = HalfScores.of(vectors, labels, predictions, 2)
    assert np.isneginf(halves.scores).any(axis=(0, 2)).tolist() in ([True, False], [False, True], [True, True])
    result = halves.agreement(0.0)
    assert result is not None
    assert result.shared == 0.0
    assert halves.agreement(0.0, stable=True) is None
    assert halves.agreement(1e9) is None


def test_twice_chance_is_more_than_noise() -> None:
    assert not Agreement(0.4, 0.2).is_noise
    assert Agreement(0.39, 0.2).is_noise
