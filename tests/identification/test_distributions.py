"""Distributions of one neuron beside counting its samples one by one."""

from __future__ import annotations

import numpy as np
import pytest

from neurontune_core.identification.distributions import BINS, distributions_of


def test_magnitudes_are_counted_by_class_and_outcome_in_the_same_bins() -> None:
    rng = np.random.default_rng(0)
    activations = rng.normal(size=120) * 2
    labels, right = np.arange(120) % 3, rng.random(120) < 0.6
    classes = [labels == label for label in (0, 1)]  # the third class is not asked for
    largest = max(abs(value) for value, label in zip(activations, labels, strict=True) if label < 2)
    made = distributions_of(activations, classes, right)
    for label, distribution in enumerate(made):
        np.testing.assert_allclose(distribution.edges, np.arange(BINS + 1) * largest / BINS)
        for outcome, share, number, median in (
            (True, distribution.correct, distribution.num_correct, distribution.median_correct),
            (False, distribution.incorrect, distribution.num_incorrect, distribution.median_incorrect),
        ):
            magnitudes = [abs(activations[row]) for row in range(120) if labels[row] == label and right[row] == outcome]
            places = [min(int(value / largest * BINS), BINS - 1) for value in magnitudes]
            assert number == len(magnitudes)
            assert median == pytest.approx(np.median(magnitudes))
            np.testing.assert_allclose(share, [places.count(place) / len(places) for place in range(BINS)])


def test_an_outcome_without_samples_has_no_median_and_a_silent_neuron_has_bins() -> None:
    (silent,) = distributions_of(np.zeros(4), [np.ones(4, bool)], np.ones(4, bool))
    assert (silent.edges[0], silent.edges[-1]) == (0, 1)
    assert silent.correct.tolist() == [1, *[0] * (BINS - 1)]
    assert silent.num_incorrect == 0
    assert not silent.incorrect.any()
    assert np.isnan(silent.median_incorrect)
