"""Slices beside planted minorities and plain percentiles."""

from __future__ import annotations

import numpy as np
import pytest

from neurontune_core import EmbeddingSet, InputError, LinearHead
from neurontune_core.evaluation.pairs import PairedPredictions, find_pairs
from neurontune_core.evaluation.slices import activation_slices, mistake_slices, pair_slices
from tests.support.projects import SHORTCUT, planted_head, planted_set


def test_the_slice_of_mistakes_is_the_planted_minority() -> None:
    test = planted_set("test", 0.5)
    worst = mistake_slices(test, planted_head().predict(test.embeddings))[0]
    assert test.groups is not None
    share = np.bincount(test.groups[worst.rows], minlength=4) / len(worst.rows)
    assert share.max() > 0.9
    assert share.argmax() in (1, 2)  # land birds on water, water birds on land
    assert worst.accuracy < 0.2


def test_the_activation_slice_is_the_top_fifth_of_each_class() -> None:
    test = planted_set("test", 0.5)
    for part in activation_slices(test, planted_head().predict(test.embeddings), SHORTCUT):
        label = test.labels[part.rows[0]]
        others = np.setdiff1d(np.flatnonzero(test.labels == label), part.rows)
        values = test.embeddings[:, SHORTCUT]
        assert values[part.rows].min() >= values[others].max()
        assert len(part.rows) == pytest.approx(0.2 * (test.labels == label).sum(), abs=1)


def test_a_neuron_that_is_zero_on_most_of_a_class_has_only_its_active_samples_in_the_slice() -> None:
    activations = np.zeros((200, 1), dtype=np.float32)
    activations[:10] = 1 + np.arange(10)[:, None]  # 10 % of the first class; the 80th percentile is 0
    activations[100:] = np.arange(100)[:, None]
    data = EmbeddingSet(activations, np.repeat([0, 1], 100), ("sparse", "dense"))
    slices = {part.title: part.rows.tolist() for part in activation_slices(data, data.labels, 0)}
    assert slices == {"sparse, neuron 0 high": list(range(10)), "dense, neuron 0 high": list(range(180, 200))}


def test_a_neuron_that_is_silent_on_a_class_makes_no_slice_of_it() -> None:
    data = EmbeddingSet(np.zeros((40, 1), dtype=np.float32), np.zeros(40, dtype=int), ("only",))
    assert activation_slices(data, data.labels, 0) == []


def test_a_set_without_mistakes_has_no_slices() -> None:
    vectors = np.random.default_rng(0).random((40, 3)).astype(np.float32)
    data = EmbeddingSet(vectors, np.zeros(40, dtype=int), ("only", "other"))
    head = LinearHead(np.zeros((2, 3)), np.array([1.0, 0.0]))
    assert mistake_slices(data, head.predict(vectors)) == []
    with pytest.raises(InputError, match="no neuron 3"):
        activation_slices(data, head.predict(vectors), 3)


def test_slices_of_pairs_hold_both_samples_where_one_attribute_alone_is_misclassified() -> None:
    rng = np.random.default_rng(0)
    labels, attribute = np.repeat([0, 1], 80), np.tile([0, 1], 80)
    pairs = [f"pair {number // 2}" for number in range(160)]
    names = ("cat, dry", "cat, wet", "dog, dry", "dog, wet")
    samples = EmbeddingSet(np.ones((160, 1)), labels, ("cat", "dog"), 2 * labels + attribute, names, pairs=pairs)
    predictions = rng.integers(0, 2, 160)
    predictions[:30] = attribute[:30]  # cats: dry correct, wet misclassified
    expected: dict[str, list[int]] = {}
    for first in range(0, 160, 2):
        right = [predictions[row] == labels[row] for row in (first, first + 1)]
        if right[0] != right[1]:
            side = ("wet", "dry")[right.index(False) == 0]
            title = f'{("cat", "dog")[labels[first]]}, misclassified only with "{side}"'
            expected.setdefault(title, []).extend([first, first + 1])
    slices = pair_slices(PairedPredictions(samples, predictions, find_pairs(samples)))
    assert {part.title: part.rows.tolist() for part in slices} == {
        title: rows for title, rows in expected.items() if len(rows) >= 5
    }
    assert slices[0].title == 'cat, misclassified only with "wet"'
    assert all(part.accuracy == (predictions[part.rows] == labels[part.rows]).mean() for part in slices)
    assert pair_slices(PairedPredictions(samples, labels, find_pairs(samples))) == []
