"""Effects and tests of the neurons, held against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control, spearmanr, ttest_ind, ttest_rel

from neurontune_core import InputError
from neurontune_core.cues.effects import contrast_effects, paired_effects, rank_correlation


def test_paired_effects_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    without = rng.normal(size=(30, 12))
    with_cue = without + rng.normal(size=(30, 12)) + np.where(np.arange(12) < 3, [[1.5]], 0) * [[1] * 6 + [-1] * 6]
    with_cue[:, 11] = without[:, 11]
    deviation = rng.uniform(0.5, 2, 12)
    effects = paired_effects(without, with_cue, deviation)
    np.testing.assert_allclose(effects.size, (with_cue - without).mean(axis=0) / deviation, rtol=1e-6)
    p_values = ttest_rel(with_cue[:, :11], without[:, :11]).pvalue
    np.testing.assert_allclose(effects.p_values, [*p_values, 1.0], rtol=1e-9)
    np.testing.assert_allclose(effects.p_adjusted, false_discovery_control(effects.p_values), rtol=1e-9)


def test_a_neuron_that_never_varies_has_no_effect_and_one_that_always_jumps_is_certain() -> None:
    without = np.zeros((4, 2))
    effects = paired_effects(without, without + np.array([0.0, 1.0]), np.array([0.0, 0.5]))
    assert effects.size.tolist() == [0.0, 2.0]
    assert effects.p_values.tolist() == [1.0, 0.0]


def test_the_contrast_of_one_class_is_welchs_test_and_classes_count_the_same() -> None:
    rng = np.random.default_rng(1)
    vectors, has = rng.normal(size=(50, 8)), np.arange(50) % 5 < 2
    vectors[has, 0] += 2
    deviation = vectors.std(axis=0)
    one = contrast_effects(vectors, np.zeros(50, int), has, deviation)
    expected = ttest_ind(vectors[has], vectors[~has], equal_var=False)
    np.testing.assert_allclose(one.p_values, expected.pvalue, rtol=1e-9)
    np.testing.assert_allclose(
        one.size, (vectors[has].mean(axis=0) - vectors[~has].mean(axis=0)) / deviation, rtol=1e-5
    )
    labels = np.arange(50) % 2
    two = contrast_effects(vectors, labels, has, deviation)
    by_class = [
        vectors[has & (labels == label)].mean(axis=0) - vectors[~has & (labels == label)].mean(axis=0)
        for label in (0, 1)
    ]
    np.testing.assert_allclose(two.size, np.mean(by_class, axis=0) / deviation, rtol=1e-5)


def test_a_difference_between_the_classes_alone_is_no_effect() -> None:
    rng = np.random.default_rng(2)
    labels = np.repeat([0, 1], 200)
    has = np.concatenate([np.arange(200) < 20, np.arange(200) < 180])  # nearly all of class 1
    vectors = rng.normal(size=(400, 2))
    vectors[:, 0] += 5 * labels
    assert abs(contrast_effects(vectors, labels, has, vectors.std(axis=0)).size[0]) < 0.15


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(InputError, match="at least two pairs"):
        paired_effects(np.ones((1, 3)), np.ones((1, 3)), np.ones(3))
    with pytest.raises(InputError, match="No class has two samples"):
        contrast_effects(np.ones((4, 3)), np.array([0, 0, 1, 1]), np.array([True, True, False, False]), np.ones(3))


def test_the_rank_correlation_is_spearmans() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.integers(0, 9, 200), rng.normal(size=200)
    assert rank_correlation(first, second) == pytest.approx(spearmanr(first, second).statistic)
    assert rank_correlation(np.ones(5), np.arange(5)) == 0
