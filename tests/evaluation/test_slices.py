"""Slices beside planted minorities and plain percentiles."""

from __future__ import annotations

import numpy as np
import pytest

from neurontune_core import EmbeddingSet, InputError, LinearHead
from neurontune_core.evaluation.slices import activation_slices, mistake_slices
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
    for each in activation_slices(test, planted_head().predict(test.embeddings), SHORTCUT):
        label = test.labels[each.rows[0]]
        others = np.setdiff1d(np.flatnonzero(test.labels == label), each.rows)
        values = test.embeddings[:, SHORTCUT]
        assert values[each.rows].min() >= values[others].max()
        assert len(each.rows) == pytest.approx(0.2 * (test.labels == label).sum(), abs=1)


def test_a_set_without_mistakes_has_no_slices() -> None:
    vectors = np.random.default_rng(0).random((40, 3)).astype(np.float32)
    data = EmbeddingSet(vectors, np.zeros(40, dtype=int), ("only", "other"))
    head = LinearHead(np.zeros((2, 3)), np.array([1.0, 0.0]))
    assert mistake_slices(data, head.predict(vectors)) == []
    with pytest.raises(InputError, match="no neuron 3"):
        activation_slices(data, head.predict(vectors), 3)
