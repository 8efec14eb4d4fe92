"""Intervals and bounds of scores where samples belong together: copies are no evidence."""

from __future__ import annotations

import numpy as np
import pytest

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.identification.confidence import Confidence
from neurontune_core.identification.intervals import score_interval
from neurontune_core.identification.scorer import SpuriousnessScorer, spuriousness_scores
from neurontune_core.tuning.config import TuneConfig

TIMES, SAMPLES, NEURONS = 9, 120, 48


@pytest.fixture(scope="module")
def once() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return vectors, labels and predictions of 120 samples of one class, 40 of them misclassified."""
    rng = np.random.default_rng(5)
    predictions = (np.arange(SAMPLES) % 3 == 0).astype(int)
    vectors = rng.normal(size=(SAMPLES, NEURONS)) + 3 + 0.6 * predictions[:, None] * (np.arange(NEURONS) % 2)
    return vectors.astype(np.float32), np.zeros(SAMPLES, dtype=int), predictions


@pytest.fixture(scope="module")
def copied(once: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    return tuple(np.repeat(part, TIMES, axis=0) for part in once)


UNITS = np.repeat(np.arange(SAMPLES), TIMES)


def width(interval: tuple[np.ndarray, np.ndarray]) -> float:
    return float((interval[1] - interval[0]).mean())


def test_copies_that_are_known_to_be_copies_give_the_interval_of_one_of_each(
    once: tuple[np.ndarray, ...], copied: tuple[np.ndarray, ...]
) -> None:
    alone = width(score_interval(*once, 0))
    assert width(score_interval(*copied, 0)) < 0.45 * alone  # as if there were nine times as many
    assert width(score_interval(*copied, 0, units=UNITS)) == pytest.approx(alone, rel=0.1)


def test_confidence_has_the_same_intervals(copied: tuple[np.ndarray, ...]) -> None:
    scores = spuriousness_scores(*copied, 1)
    judged = Confidence(*copied, scores, units=UNITS)
    low, high = score_interval(*copied, 0, units=UNITS)
    np.testing.assert_array_equal(judged.interval(0)[0], low)
    np.testing.assert_array_equal(judged.interval(0)[1], high)


def test_the_bound_that_makes_a_mask_stable_is_no_higher_for_copies(
    once: tuple[np.ndarray, ...], copied: tuple[np.ndarray, ...]
) -> None:
    alone = SpuriousnessScorer(*once[:2], 1).lower_bounds(once[2], 2.0)
    for config in (TuneConfig(), TuneConfig(statistic="quantile", quantile=0.5)):
        known = EmbeddingSet(copied[0], copied[1], ("a",), units=UNITS.astype(str))
        bounds = SpuriousnessScorer.for_config(config, known).lower_bounds(copied[2], 2.0)
        assert (bounds - alone).mean() == pytest.approx(0, abs=0.06)
        unknown = SpuriousnessScorer.for_config(config, EmbeddingSet(copied[0], copied[1], ("a",)))
        assert (unknown.lower_bounds(copied[2], 2.0) - alone).mean() > 0.2


def test_samples_without_units_have_the_bound_of_before(once: tuple[np.ndarray, ...]) -> None:
    vectors, labels, predictions = once
    bounds = SpuriousnessScorer(vectors, labels, 1).lower_bounds(predictions, 2.0)
    reach = (40 * 80 / 120) ** 0.5  # two standard errors of half a rank each
    bad, good = np.sort(vectors[predictions == 1], axis=0), np.sort(vectors[predictions == 0], axis=0)
    expected = bad[int(np.floor(19.5 - reach))] - good[int(np.ceil(39.5 + reach))]
    np.testing.assert_allclose(bounds[0], expected, rtol=1e-5)
