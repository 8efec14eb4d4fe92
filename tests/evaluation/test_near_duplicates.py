"""Near duplicates: copies are seen, samples that are alike in few neurons are none, and units are counted once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.evaluation import near_duplicates as module
from neurontune_core.evaluation.near_duplicates import count_distinct
from tests.support.paths import ROOT


def drawn(samples: int, neurons: int, seed: int, copies: int = 1, noise: float = 0.0) -> EmbeddingSet:
    rng = np.random.default_rng(seed)
    labels = np.arange(samples) % 2
    vectors = np.abs(rng.normal(size=(samples, neurons)) + 2 * labels[:, None] * (np.arange(neurons) < neurons // 4))
    vectors = np.repeat(vectors, copies, axis=0)
    vectors += noise * rng.normal(size=vectors.shape)
    return EmbeddingSet(vectors, np.repeat(labels, copies), ("a", "b"))


@pytest.mark.parametrize("copies", [2, 5, 20])
def test_crops_of_one_photograph_are_seen(copies: int) -> None:
    seen = count_distinct(drawn(120 // copies, 200, 1, copies, noise=0.2), drawn(300, 200, 2))
    assert seen == (120, 120, 120 // copies)
    assert seen.few


@pytest.mark.parametrize("neurons", [2, 3, 8, 64])
def test_samples_that_are_alike_in_few_neurons_are_no_repetition(neurons: int) -> None:
    seen = count_distinct(drawn(400, neurons, 1), drawn(400, neurons, 2))
    assert seen.distinct > 0.93 * 400
    assert not seen.few


def test_known_units_are_no_news() -> None:
    samples = drawn(40, 200, 1, copies=3, noise=0.2)
    named = replace(samples, units=[f"photograph {row // 3}" for row in range(120)])
    seen = count_distinct(named, drawn(100, 200, 2))
    assert seen == (120, 40, 40)
    assert not seen.few


def test_copies_of_a_large_set_are_looked_for_in_its_first_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_SAMPLES", 60)
    assert count_distinct(drawn(40, 200, 1, copies=3, noise=0.2), drawn(100, 200, 2)) == (60, 60, 20)


def test_reviews_with_and_without_the_room_number_look_like_one() -> None:
    val, train = (EmbeddingSet.load(ROOT / "assets" / "reviews" / "embeddings" / split) for split in ("val", "train"))
    assert count_distinct(replace(val, pairs=None), train).distinct == pytest.approx(300, abs=6)
    assert not count_distinct(val, train).few
