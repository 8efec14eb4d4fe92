"""Maps, slices and a person's own groups."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurontune_core import EmbeddingSet, InputError, LinearHead
from neurontune_core.evaluation.own_groups import OwnGroups
from neurontune_core.evaluation.slices import activation_slices, mistake_slices, principal_axes
from tests.support.planted import SHORTCUT, planted_head, planted_set


def test_principal_axes_are_those_of_the_singular_value_decomposition() -> None:
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(200, 6)) * [5, 3, 1, 1, 1, 1] + 2).astype(np.float32)
    placed = principal_axes(vectors)
    centred = vectors - vectors.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    for place in range(2):
        expected = centred @ axes[place]
        assert abs(np.corrcoef(placed[:, place], expected)[0, 1]) == pytest.approx(1, abs=1e-4)
        assert placed[:, place].var() == pytest.approx(expected.var(), rel=1e-3)


@pytest.mark.parametrize("shape", [(2, 5), (5, 1), (1, 1)])
def test_the_map_has_two_axes_however_small_the_set(shape: tuple[int, int]) -> None:
    placed = principal_axes(np.arange(np.prod(shape), dtype=np.float32).reshape(shape))
    assert placed.shape == (shape[0], 2)
    assert np.isfinite(placed).all()


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


def test_own_groups_are_kept_measured_and_forgotten(tmp_path: Path) -> None:
    test, head = planted_set("test", 0.5), planted_head()
    groups = OwnGroups(tmp_path / "deep" / "own_groups.json")
    rows = np.array([3, 10, 11, 50])
    groups.add("  on   water ", test, rows, "drawn")
    again = OwnGroups(tmp_path / "deep" / "own_groups.json").all()
    assert [(group.name, group.origin, group.split) for group in again] == [("on water", "drawn", "test")]
    shuffled = test.take(np.random.default_rng(0).permutation(test.num_samples))
    right = head.predict(test.embeddings[rows]) == test.labels[rows]
    part = again[0].accuracy(head, shuffled)
    assert (part.correct, part.n) == (right.sum(), 4)
    groups.remove("on water")
    assert groups.all() == []


def test_bad_groups_are_refused_in_one_sentence(tmp_path: Path) -> None:
    test, file = planted_set("test", 0.5), tmp_path / "own_groups.json"
    groups = OwnGroups(file)
    groups.add("a", test, [1], "")
    for name, rows, sentence in ((" ", [1], "name of 1 to"), ("a", [1], "already"), ("b", [], "empty")):
        with pytest.raises(InputError, match=sentence):
            groups.add(name, test, rows, "")
    file.write_text('{"format": "neurontune-own-groups/1", "groups": [{"name": "x"}]}')
    with pytest.raises(InputError, match="does not hold groups"):
        groups.all()


def test_a_set_without_mistakes_has_no_slices() -> None:
    vectors = np.random.default_rng(0).random((40, 3)).astype(np.float32)
    data = EmbeddingSet(vectors, np.zeros(40, dtype=int), ("only", "other"))
    head = LinearHead(np.zeros((2, 3)), np.array([1.0, 0.0]))
    assert mistake_slices(data, head.predict(vectors)) == []
    with pytest.raises(InputError, match="no neuron 3"):
        activation_slices(data, head.predict(vectors), 3)
