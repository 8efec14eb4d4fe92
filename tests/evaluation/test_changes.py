"""What two heads get differently, counted by hand and by slow loops, and McNemar's test beside scipy's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.changes import OUTCOMES, ChangeCounts, Changes, changes, confusion, most_confused
from neurontune_core.head import LinearHead
from neurontune_core.statistics import mcnemar

POSITIVE = LinearHead(np.array([[-1.0], [1.0]]), np.zeros(2))  # predicts class 1 where the activation is positive
NEGATIVE = LinearHead(np.array([[1.0], [-1.0]]), np.zeros(2))


def birds(labels: list[int], groups: list[int] | None, score: list[float]) -> EmbeddingSet:
    return EmbeddingSet(
        np.array(score, np.float32)[:, None],
        np.array(labels),
        ("land", "water"),
        None if groups is None else np.array(groups),
        ("land on land", "land on water", "water on land", "water on water"),
    )


def drawn(seed: int, samples: int, classes: int = 3) -> Changes:
    """Draw predictions without any head; groups cross the classes."""
    rng = np.random.default_rng(seed)
    data = EmbeddingSet(
        np.ones((samples, 1)),
        rng.integers(0, classes, samples),
        tuple(map(str, range(classes))),
        rng.integers(0, 4, samples),
        tuple("wxyz"),
    )
    return Changes(data, rng.integers(0, classes, samples), rng.integers(0, classes, samples))


def test_changes_lists_what_is_repaired_and_what_is_broken() -> None:
    data = birds([0, 0, 1, 1, 1], None, [-1, 1, 1, -1, 0])
    result = changes(POSITIVE, NEGATIVE, data)
    assert result.fixed.tolist() == [1, 3]
    assert result.broken.tolist() == [0, 2]
    assert result.rows("kept_wrong").tolist() == [4]  # a tie goes to class 0
    same = changes(POSITIVE, POSITIVE, data)
    assert len(same.fixed) == len(same.broken) == 0
    assert same.rows("kept_right").tolist() == [0, 2]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_rows_and_counts_by_class_and_group_are_those_of_a_slow_loop(seed: int, samples: int) -> None:
    result = drawn(seed, samples)
    data = result.embedding_set
    assert data.groups is not None
    listed: dict[tuple[str, int, int], list[int]] = {}
    for row in range(samples):
        was, now = result.before[row] == data.labels[row], result.after[row] == data.labels[row]
        outcome = ("kept_right" if now else "broken") if was else ("fixed" if now else "kept_wrong")
        listed.setdefault((outcome, int(data.labels[row]), int(data.groups[row])), []).append(row)
    for outcome in OUTCOMES:
        for label in (None, 0, 1, 2):
            for group in (None, 0, 1, 2, 3):
                expected = sorted(
                    row
                    for (what, y, g), rows in listed.items()
                    if what == outcome and label in (None, y) and group in (None, g)
                    for row in rows
                )
                assert result.rows(outcome, label=label, group=group).tolist() == expected
                assert getattr(result.counts(label=label, group=group), outcome) == len(expected)
                if label is None and group is not None:
                    assert getattr(result.by_group()[group], outcome) == len(expected)
                if label is not None and group is None:
                    assert getattr(result.by_class()[label], outcome) == len(expected)
    assert [part.name for part in result.by_group()] == list("wxyz")
    assert sum(part.n for part in result.by_class()) == result.counts().n == samples


def test_a_set_without_groups_has_no_table_by_group() -> None:
    result = changes(POSITIVE, NEGATIVE, birds([0, 1], None, [1, 1]))
    assert result.by_group() == ()
    assert [part.name for part in result.by_class()] == ["land", "water"]
    assert len(result.rows("fixed", group=0)) == 0


def test_the_confusion_of_a_group_counts_what_its_samples_are_called() -> None:
    data = birds([0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 2, 2, 3, 3], [-1, 1, 1, 1, 1, -1, -1])
    predictions = POSITIVE.predict(data.embeddings)
    assert confusion(predictions, data).tolist() == [[1, 2], [2, 2]]
    assert [confusion(predictions, data, group).tolist() for group in range(4)] == [
        [[1, 1], [0, 0]],
        [[0, 1], [0, 0]],
        [[0, 0], [0, 2]],
        [[0, 0], [2, 0]],
    ]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 300), st.integers(0, 300))
@example(41, 3)
@example(0, 0)
@example(5, 5)
def test_mcnemars_p_is_the_binomial_tests(fixed: int, broken: int) -> None:
    expected = stats.binomtest(fixed, fixed + broken).pvalue if fixed + broken else 1.0
    assert mcnemar(fixed, broken) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(fixed, broken) <= 1


def test_mcnemars_p_holds_for_many_samples() -> None:
    for fixed, broken in ((10_300, 9_700), (50_200, 49_800)):
        assert mcnemar(fixed, broken) == pytest.approx(stats.binomtest(fixed, fixed + broken).pvalue, rel=1e-6)


@pytest.mark.parametrize(
    ("fixed", "broken", "sentence"),
    [
        (41, 3, "41 corrected, 3 newly wrong: too unequal to be chance (p < 0.001)"),
        (5, 3, "5 corrected, 3 newly wrong: could be chance (p = 0.727)"),
        (1, 9, "1 corrected, 9 newly wrong: too unequal to be chance (p = 0.021)"),
        (0, 5, "0 corrected, 5 newly wrong: could be chance (p = 0.062)"),
        (0, 0, "0 corrected, 0 newly wrong: nothing changed"),
    ],
)
def test_the_test_is_put_in_words(fixed: int, broken: int, sentence: str) -> None:
    assert ChangeCounts("all", 7, fixed, broken, 50).in_words() == sentence


def test_a_head_for_another_set_is_refused() -> None:
    data = birds([0, 1], None, [1, 1])
    with pytest.raises(InputError, match="The head does not fit"):
        changes(POSITIVE, LinearHead(np.ones((3, 1)), np.ones(3)), data)
    with pytest.raises(InputError, match="The head does not fit"):
        changes(POSITIVE, NEGATIVE, replace(data, embeddings=np.ones((2, 2), np.float32)))


def test_the_most_confused_pairs_are_the_largest_cells_off_the_diagonal() -> None:
    rng = np.random.default_rng(0)
    names = tuple("abcdefgh")
    samples = EmbeddingSet(rng.normal(size=(900, 2)), rng.integers(0, 8, 900), names)
    predictions = rng.integers(0, 8, 900)
    cells = sorted(
        (
            ((samples.labels == own) & (predictions == other)).sum()
            for own in range(8)
            for other in range(8)
            if own != other
        ),
        reverse=True,
    )
    pairs = most_confused(predictions, samples, most=10)
    assert [count for *_, count in pairs] == cells[:10]
    for own, other, count in pairs:
        cell = (samples.labels == names.index(own)) & (predictions == names.index(other))
        assert cell.sum() == count
    assert most_confused(samples.labels, samples) == []
