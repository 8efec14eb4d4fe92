"""The paired change of a neuron, beside plain loops and planted neurons."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from neurontune_core import InputError
from neurontune_core.identification import paired
from neurontune_core.identification.paired import paired_change


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_it_is_the_mean_change_over_the_pairs_in_deviations_over_all_samples(dtype: type) -> None:
    rng = np.random.default_rng(0)
    vectors = (5 + 3 * rng.normal(size=(40, 6))).astype(dtype)
    rows = rng.permutation(40)[:24]
    without, with_attribute = rows[:12], rows[12:]
    measured = paired_change(vectors, without, with_attribute)
    for neuron in range(6):
        values = [float(value) for value in vectors[:, neuron]]
        changes = [values[b] - values[a] for a, b in zip(without.tolist(), with_attribute.tolist(), strict=True)]
        expected = statistics.mean(changes) / statistics.pstdev(values)
        assert measured[neuron] == pytest.approx(expected, rel=1e-9)


def test_the_neuron_of_the_attribute_is_found_with_its_sign_and_the_others_stay_near_zero() -> None:
    rng = np.random.default_rng(1)
    content = np.repeat(rng.normal(size=(300, 5)), 2, axis=0)
    vectors = content + 0.05 * rng.normal(size=content.shape)
    attribute = np.tile([0, 1], 300)
    vectors[:, 1] += 2.0 * attribute
    vectors[:, 3] -= 2.0 * attribute
    vectors[:, 4] = 7.0  # never moves
    change = paired_change(vectors.astype(np.float32), np.arange(0, 600, 2), np.arange(1, 600, 2))
    assert change[1] > 1
    assert change[3] < -1
    assert np.abs(change[[0, 2]]).max() < 0.05
    assert change[4] == 0


def test_blocks_give_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(2).normal(size=(50, 3)).astype(np.float16)
    without, with_attribute = np.arange(0, 50, 2), np.arange(1, 50, 2)
    whole = paired_change(vectors, without, with_attribute)
    monkeypatch.setattr(paired, "_ROWS_PER_BLOCK", 7)
    np.testing.assert_allclose(paired_change(vectors, without, with_attribute), whole, rtol=1e-9)


@pytest.mark.parametrize(("without", "with_attribute"), [([], []), ([0, 1], [2])])
def test_no_pairs_and_unequal_sides_are_refused_in_words(without: list[int], with_attribute: list[int]) -> None:
    with pytest.raises(
        InputError, match=f"but got {len(without)} rows without the attribute and {len(with_attribute)}"
    ):
        paired_change(np.eye(3), np.array(without, dtype=int), np.array(with_attribute, dtype=int))
