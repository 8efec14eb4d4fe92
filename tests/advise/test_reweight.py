"""Hard samples, their weights, and the head that they give, against computations of their own."""

from __future__ import annotations

import numpy as np
import pytest

from neurontune_core import EmbeddingSet
from neurontune_core.advise.reweight import hard_samples, reweighted, sample_weights, thinned
from tests.support.shortcut import shortcut_set


@pytest.mark.parametrize("classes", [2, 3])
def test_a_hard_sample_is_nearer_to_another_mean_than_to_that_of_the_others_of_its_class(classes: int) -> None:
    rng = np.random.default_rng(classes)
    labels = rng.permutation(np.arange(60) % classes)
    vectors = rng.normal(size=(60, 5)) + labels[:, None]
    hard = hard_samples(vectors, labels, classes)
    for row in range(60):
        left = np.arange(60) != row
        distances = [
            np.linalg.norm(vectors[row] - vectors[left & (labels == label)].mean(0)) for label in range(classes)
        ]
        assert hard[row] == (int(np.argmin(distances)) != labels[row])
    assert 0 < hard.sum() < 60


def test_hard_samples_weigh_ten_times_as_much_and_a_quarter_of_their_class_at_most() -> None:
    labels = np.repeat([0, 1, 2], [200, 100, 50])
    hard = np.zeros(350, dtype=bool)
    hard[:2], hard[200:220] = True, True  # 1 %, 20 % and none
    weights = sample_weights(hard, labels)
    for label in range(3):
        assert weights[labels == label].sum() == pytest.approx(350 / 3)
    assert weights[0] / weights[5] == pytest.approx(10)
    assert weights[200:220].sum() / weights[labels == 1].sum() == pytest.approx(0.25)
    assert np.ptp(weights[labels == 2]) == 0


def test_where_a_quarter_is_hard_already_nothing_is_weighted_down() -> None:
    hard = np.arange(100) % 5 < 2
    assert np.ptp(sample_weights(hard, np.zeros(100, dtype=int))) == 0


def test_the_unit_of_a_neuron_does_not_matter_and_a_constant_one_has_no_weight() -> None:
    one, other = shortcut_set(0, 400, 0.9), shortcut_set(1, 100, 0.9)
    scale, shift = np.geomspace(0.01, 100, 10).astype(np.float32), np.linspace(-5, 5, 10).astype(np.float32)

    def changed(each: EmbeddingSet) -> EmbeddingSet:
        vectors = np.pad(each.embeddings * scale + shift, ((0, 0), (0, 1)), constant_values=3)
        return EmbeddingSet(vectors, each.labels, each.class_names)

    head, share = reweighted([one, other])
    moved, same = reweighted([changed(one), changed(other)])
    assert same == share
    assert not moved.weight[:, -1].any()
    expected = head.logits(one.embeddings)
    np.testing.assert_allclose(moved.logits(changed(one).embeddings), expected, atol=0.02 * np.abs(expected).max())


def test_of_a_large_set_a_part_is_drawn_with_as_many_of_each_class_at_most() -> None:
    labels = np.repeat([0, 1], [11_000, 1_000])
    each = EmbeddingSet(np.arange(12_000, dtype=np.float32)[:, None], labels, ("a", "b"))
    part, other = thinned(each, 0), thinned(each, 1)
    assert np.bincount(part.labels).tolist() == [5_000, 1_000]
    np.testing.assert_array_equal(part.labels, part.embeddings[:, 0] >= 11_000)
    assert not np.array_equal(part.embeddings, other.embeddings)
    assert thinned(part, 0) is part
