"""Accuracies by class and group, counted by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurontune_core.embeddings import EmbeddingSet, OverlappingGroups
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import (
    evaluate,
    evaluate_predictions,
    group_shares,
    reweighted_accuracy,
)
from neurontune_core.head import LinearHead
from neurontune_core.statistics import wilson_interval


def birds(labels: list[int], groups: list[int] | None, score: list[float]) -> EmbeddingSet:
    return EmbeddingSet(
        np.array(score, np.float32)[:, None],
        np.array(labels),
        ("land", "water"),
        None if groups is None else np.array(groups),
        ("land on land", "land on water", "water on land", "water on water"),
    )


SIGN = LinearHead(np.array([[-1.0], [1.0]]), np.zeros(2))  # predicts water where the activation is positive


def test_accuracies_are_counted_by_class_and_group() -> None:
    data = birds([0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 2, 3, 3], [-1, -1, 1, 1, 1, -1, 1])
    result = evaluate(SIGN, data)
    assert result.accuracy == 4 / 7
    assert [(part.name, part.correct, part.n) for part in result.classes] == [("land", 2, 4), ("water", 2, 3)]
    assert [(part.correct, part.n) for part in result.groups] == [(2, 3), (0, 1), (1, 1), (1, 2)]
    assert result.worst_class.name == "land"
    assert result.worst_class_accuracy == 0.5
    assert result.worst_group is not None
    assert result.worst_group.name == "land on water"
    assert result.worst_group_accuracy == 0.0
    assert result.accuracy_gap == 4 / 7


def test_overlapping_groups_are_counted_by_their_members(tmp_path: Path) -> None:
    members = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], dtype=bool)
    data = birds([0, 0, 1, 1], None, [-1, 1, 1, -1])
    data = replace(data, overlapping_groups=OverlappingGroups(("male", "female", "nobody"), members))
    data.save(tmp_path / "set")
    for samples in (data, EmbeddingSet.load(tmp_path / "set"), data.take(np.array([3, 2, 1, 0]))):
        apart = evaluate(SIGN, samples).by_overlapping_groups()
        assert [(part.name, part.correct, part.n) for part in apart.groups] == [
            ("male", 1, 2),
            ("female", 1, 2),
            ("nobody", 0, 0),
        ]
        assert apart.worst_group_accuracy == 0.5  # the empty group is no worst one
        assert evaluate(SIGN, samples).worst_group is None
    with pytest.raises(InputError, match=r"shape \[4, 2\]"):
        replace(data, overlapping_groups=OverlappingGroups(("male", "female"), members))


def test_overlapping_groups_without_any_member_have_no_worst_one() -> None:
    nobody = OverlappingGroups(("male", "female"), np.zeros((2, 2), dtype=bool))
    data = replace(birds([0, 1], [0, 3], [-1, 1]), overlapping_groups=nobody)
    apart = evaluate(SIGN, data).by_overlapping_groups()
    assert [part.n for part in apart.groups] == [0, 0]
    assert apart.worst_group is None
    assert apart.worst_group_accuracy is None
    assert apart.accuracy_gap is None


def test_without_groups_the_worst_group_is_unknown_and_never_a_guess() -> None:
    result = evaluate(SIGN, birds([0, 1], None, [-1, -1]))
    assert result.groups == ()
    assert result.worst_group is None
    assert result.worst_group_accuracy is None
    assert result.accuracy_gap is None
    assert result.worst_class_accuracy == 0.0


def test_the_reweighted_accuracy_counts_each_group_as_often_as_it_occurs_in_the_tuning_set() -> None:
    tuning = birds([0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 2, 3, 3, 3], [1] * 8)
    shares = group_shares(tuning, tuning)
    assert shares == (3 / 8, 1 / 8, 1 / 8, 3 / 8)
    result = evaluate(SIGN, birds([0, 0, 0, 1, 1], [0, 0, 1, 2, 3], [-1, 1, -1, 1, -1]))
    assert reweighted_accuracy(result, shares) == 3 / 8 * 0.5 + 1 / 8 * 1 + 1 / 8 * 1 + 3 / 8 * 0


def test_a_tuning_group_that_the_evaluation_set_lacks_leaves_no_reweighted_accuracy() -> None:
    tuning = birds([0, 0, 1, 1], [0, 1, 2, 3], [1] * 4)
    lacking = evaluate(SIGN, birds([0, 0, 1], [0, 1, 2], [-1, -1, 1]))  # perfect on the groups that it has
    assert reweighted_accuracy(lacking, group_shares(tuning, tuning)) is None
    unused = birds([0, 0, 1, 1], [0, 1, 2, 2], [1] * 4)  # the tuning set lacks it too, so nothing is unknown
    assert reweighted_accuracy(lacking, group_shares(unused, unused)) == 1.0


def test_without_the_same_groups_in_both_sets_there_is_no_reweighted_accuracy() -> None:
    tuning = birds([0, 1], [0, 3], [1, 1])
    ungrouped, renamed = birds([0, 1], None, [1, 1]), replace(tuning, group_names=("a", "b", "c", "d"))
    assert group_shares(ungrouped, tuning) is None
    assert group_shares(tuning, ungrouped) is None
    assert group_shares(tuning, renamed) is None
    assert reweighted_accuracy(evaluate(SIGN, tuning), None) is None
    assert reweighted_accuracy(evaluate(SIGN, tuning), (0.5, 0.5)) is None
    assert reweighted_accuracy(evaluate(SIGN, ungrouped), (0.25, 0.25, 0.25, 0.25)) is None


def test_empty_classes_and_groups_are_listed_but_never_the_worst() -> None:
    result = evaluate(SIGN, birds([0, 0], [0, 0], [-1, 1]))
    assert result.classes[1].accuracy is None
    assert result.worst_class.name == "land"
    assert result.worst_group is not None
    assert result.worst_group.name == "land on land"
    assert result.classes[1].interval == (0.0, 1.0)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32))
def test_counts_are_those_of_a_slow_loop(samples: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, attribute = rng.integers(0, 2, samples), rng.integers(0, 2, samples)
    data = birds(list(labels), list(labels * 2 + attribute), list(rng.normal(size=samples)))
    predictions = rng.integers(0, 2, samples)
    result = evaluate_predictions(predictions, data)
    for parts, index in ((result.classes, data.labels), (result.groups, data.groups)):
        accuracies = []
        for number, part in enumerate(parts):
            rows = [row for row in range(samples) if index[row] == number]
            right = [row for row in rows if predictions[row] == labels[row]]
            assert (part.correct, part.n) == (len(right), len(rows))
            if rows:
                accuracies.append(len(right) / len(rows))
        assert min(accuracies) == (
            result.worst_class_accuracy if parts is result.classes else result.worst_group_accuracy
        )


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 400), st.integers(0, 400))
def test_wilsons_interval_solves_its_own_equation(correct: int, wrong: int) -> None:
    n = correct + wrong
    low, high = wilson_interval(correct, n)
    assert 0 <= low <= high <= 1
    if n == 0:
        return
    p = correct / n
    assert low - 1e-12 <= p <= high + 1e-12
    for bound in (low, high):  # the bounds are the proportions from which p is 1.96 deviations away
        assert (p - bound) ** 2 * n == pytest.approx(1.959963984540054**2 * bound * (1 - bound), abs=1e-9)


def test_wilsons_interval_is_the_published_one() -> None:
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)  # Newcombe (1998), Table I


def test_a_head_for_another_set_is_refused() -> None:
    with pytest.raises(InputError, match="The head does not fit"):
        evaluate(LinearHead(np.ones((3, 1)), np.ones(3)), birds([0], None, [1]))
