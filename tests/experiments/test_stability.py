"""Stability on unbalanced classes and on sets with few mistakes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.experiments.stability import draw_subset, stability
from tests.support.projects import planted_head, planted_set


def one_mistake() -> tuple[LinearHead, EmbeddingSet]:
    """Make a set of 40 on which the head gets a single sample wrong, so that small subsets often hold no mistake."""
    data, head = planted_set("val", 0.5, samples=40), planted_head()
    labels = head.predict(data.embeddings)
    labels[0] = 1 - labels[0]
    return head, replace(data, labels=labels)


def test_a_subset_keeps_the_shares_of_unbalanced_classes() -> None:
    labels = np.repeat([0, 1, 2], [90, 8, 1])
    for seed in range(5):
        rows = draw_subset(labels, 0.5, seed)
        assert np.bincount(labels[rows]).tolist() == [45, 4, 1], "half of each class, and of none fewer than one sample"
        assert len(set(rows.tolist())) == len(rows)
        assert (np.diff(rows) > 0).all()
    assert draw_subset(labels, 0.25, 0).tolist() != draw_subset(labels, 0.25, 1).tolist()
    np.testing.assert_array_equal(draw_subset(labels, 1.0, 3), np.arange(99))


def test_a_subset_draws_whole_units() -> None:
    labels, units = np.repeat([0, 1], [90, 30]), np.repeat(np.arange(24), 5)
    for seed in range(5):
        rows = draw_subset(labels, 0.5, seed, units)
        assert np.bincount(labels[rows]).tolist() == [45, 15]
        assert np.bincount(units[rows]).max() == 5
        assert len(set(units[rows])) == 12
    assert draw_subset(labels, 0.5, 0, units).tolist() != draw_subset(labels, 0.5, 1, units).tolist()


def test_progress_reaches_its_end_even_where_draws_hold_no_mistake() -> None:
    head, data = one_mistake()
    ticks: list[tuple[int, int]] = []
    results = stability(
        head, data, shares=(0.5, 0.1), draws=10, on_draw=lambda done, total: ticks.append((done, total))
    )
    assert ticks == [(number, 20) for number in range(1, 21)]
    assert sum(result.draws for result in results) < 20, "some draws hold no mistake, else this shows nothing"
    assert all(result.mistakes == 1 for result in results)
