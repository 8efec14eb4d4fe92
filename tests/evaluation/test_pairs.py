"""Pairs of samples, and what the attribute does to predictions, beside plain loops."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from scipy.stats import binomtest

from neurontune_core import EmbeddingSet
from neurontune_core.evaluation.pairs import (
    ALONE,
    OTHER_CLASS,
    SAME_ATTRIBUTE,
    SEVERAL,
    PairedPredictions,
    find_pairs,
)

CLASSES = ("happy", "sad", "angry")
NAMES = tuple(f"{label}, {tag}" for label in CLASSES for tag in ("no tag", "tag"))


def samples_of(rows: list[tuple[int, int, str | None]]) -> EmbeddingSet:
    """Return a set with the label, attribute and pair of each row."""
    labels, attributes, pairs = zip(*rows, strict=True)
    groups = np.array(labels) * 2 + np.array(attributes)
    return EmbeddingSet(np.ones((len(rows), 1)), np.array(labels), CLASSES, groups, NAMES, pairs=pairs)


def many(pairs: int, seed: int) -> tuple[EmbeddingSet, np.ndarray]:
    """Return shuffled pairs among samples that have none, and random predictions."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, pairs).tolist()
    rows: list[tuple[int, int, str | None]] = [
        (label, tag, f"pair {number}") for number, label in enumerate(labels) for tag in (0, 1)
    ]
    rows += [(0, 1, None)] * 20
    shuffled = [rows[place] for place in rng.permutation(len(rows))]
    return samples_of(shuffled), rng.integers(0, 3, len(rows))


@pytest.mark.parametrize("seed", range(5))
def test_counts_are_those_of_a_plain_loop(seed: int) -> None:
    samples, predictions = many(200, seed)
    pairs = find_pairs(samples)
    assert samples.pairs is not None
    assert samples.groups is not None
    by_name: dict[str, dict[int, int]] = defaultdict(dict)
    for row, name in enumerate(samples.pairs):
        if name is not None:
            by_name[name][int(samples.groups[row]) % 2] = row
    assert set(zip(pairs.without.tolist(), pairs.with_attribute.tolist(), strict=True)) == {
        (rows[0], rows[1]) for rows in by_name.values()
    }
    counts = PairedPredictions(samples, predictions, pairs).counts()
    assert [part.label for part in counts] == list(CLASSES)
    for label, part in enumerate(counts):
        own = [rows for rows in by_name.values() if samples.labels[rows[0]] == label]
        guesses = [(int(predictions[rows[0]]), int(predictions[rows[1]])) for rows in own]
        assert part.n == len(own)
        assert part.newly_wrong == sum(a == label != b for a, b in guesses)
        assert part.corrected == sum(a != label == b for a, b in guesses)
        assert part.other_mistake == sum(len({a, b, label}) == 3 for a, b in guesses)
        assert part.changed == sum(a != b for a, b in guesses)
        assert part.wrong_without == sum(a != label for a, _ in guesses)
        assert part.wrong_with == sum(b != label for _, b in guesses)
        independent = binomtest(part.newly_wrong, part.n).proportion_ci(method="wilson")
        assert part.interval(part.newly_wrong) == pytest.approx((independent.low, independent.high), abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_flips_say_what_each_attribute_alone_is_mistaken_for(seed: int) -> None:
    samples, predictions = many(200, seed)
    pairs = find_pairs(samples)
    members = list(zip(pairs.without.tolist(), pairs.with_attribute.tolist(), strict=True))
    flips = PairedPredictions(samples, predictions, pairs).flips()
    assert [flip.wrong for flip in flips] == ["tag"] * 3 + ["no tag"] * 3
    for direction in (flips[:3], flips[3:]):
        assert [flip.count for flip in direction] == sorted((flip.count for flip in direction), reverse=True)
        for flip in direction:
            label = CLASSES.index(flip.label)
            own = [(int(predictions[a]), int(predictions[b])) for a, b in members if samples.labels[a] == label]
            wrong_first = [(b, a) for a, b in own] if flip.wrong == "tag" else own
            mistakes = [wrong for wrong, _ in wrong_first if wrong != label]
            most = max(sorted(set(mistakes)), key=mistakes.count)
            assert {flip.wrong, flip.right} == {"tag", "no tag"}
            assert flip.count == sum(wrong != label == right for wrong, right in wrong_first)
            assert (flip.n, flip.mistaken_for, flip.mistaken) == (len(own), CLASSES[most], mistakes.count(most))
            assert flip.mistaken_otherwise == sum(right == most for _, right in wrong_first)


def test_the_order_begins_with_the_pairs_of_each_flip_and_ends_with_those_that_do_not_change() -> None:
    samples, predictions = many(200, 7)
    paired = PairedPredictions(samples, predictions, find_pairs(samples))
    order = paired.order()
    assert sorted(order) == list(range(200))
    start = 0
    for flip in paired.flips():
        chosen = order[start : start + flip.count]
        start += flip.count
        wrong, right = paired.pairs.with_attribute, paired.pairs.without
        if flip.wrong == "no tag":
            wrong, right = right, wrong
        assert (paired.labels[chosen] == CLASSES.index(flip.label)).all()
        assert (predictions[wrong[chosen]] != paired.labels[chosen]).all()
        assert (predictions[right[chosen]] == paired.labels[chosen]).all()
        assert (np.diff(chosen) > 0).all()
    changed = paired.changed[order]
    assert changed[: changed.sum()].all()
    of_class = paired.order(label=1)
    assert of_class.tolist() == [place for place in order if paired.labels[place] == 1]


def test_no_pair_is_misled_where_nothing_changes() -> None:
    samples, _ = many(20, 1)
    paired = PairedPredictions(samples, samples.labels, find_pairs(samples))
    assert paired.flips() == ()
    assert paired.order().tolist() == list(range(20))


def test_the_pairs_of_a_part_are_those_that_it_counts() -> None:
    samples, predictions = many(100, 0)
    paired = PairedPredictions(samples, predictions, find_pairs(samples))
    for label, part in enumerate(paired.counts()):
        chosen = paired.of_part(part)
        assert (samples.labels[paired.pairs.with_attribute[chosen]] == label).all()
        assert chosen.sum() == part.n
        assert (chosen & paired.changed).sum() == part.changed


@pytest.mark.parametrize(
    ("rows", "reason", "count"),
    [
        ([(0, 0, "x")], ALONE, 1),
        ([(0, 0, "x"), (0, 1, "x"), (0, 1, "x")], SEVERAL, 3),
        ([(0, 1, "x"), (0, 1, "x")], SAME_ATTRIBUTE, 2),
        ([(0, 0, "x"), (1, 1, "x")], OTHER_CLASS, 2),
        ([(0, 0, "x"), (1, 0, "x")], OTHER_CLASS, 2),
    ],
)
def test_what_is_no_pair_is_left_out_and_counted(rows: list, reason: str, count: int) -> None:
    pairs = find_pairs(samples_of([*rows, (1, 1, "whole"), (1, 0, "whole")]))
    assert pairs.left_out == {reason: count}
    assert (pairs.without.tolist(), pairs.with_attribute.tolist()) == ([len(rows) + 1], [len(rows)])


def test_a_set_without_pairs_or_without_groups_has_none() -> None:
    unpaired = samples_of([(0, 0, None), (0, 1, None)])
    without_groups = EmbeddingSet(np.ones((2, 1)), [0, 0], CLASSES, pairs=["x", "x"])
    for samples in (unpaired, without_groups):
        pairs = find_pairs(samples)
        assert len(pairs) == 0
        assert PairedPredictions(samples, samples.labels, pairs).counts() == ()


def test_more_than_two_attributes_are_counted_by_the_two_that_a_pair_has() -> None:
    names = ("bird, land", "bird, sea", "bird, sky")
    groups = [0, 1, 2, 0, 1, 2]
    samples = EmbeddingSet(np.ones((6, 1)), np.zeros(6, int), ("bird",), groups, names, pairs=list("aabbcc"))
    counts = PairedPredictions(samples, np.zeros(6, int), find_pairs(samples)).counts()
    assert [(part.without, part.with_attribute, part.n) for part in counts] == [
        ("land", "sea", 1),
        ("land", "sky", 1),
        ("sea", "sky", 1),
    ]


def test_groups_that_are_not_made_of_attributes_are_named_as_they_are() -> None:
    samples = EmbeddingSet(np.ones((2, 1)), [0, 0], ("bird", "cat"), [1, 0], ("day", "night", "dusk"), pairs=["x", "x"])
    pairs = find_pairs(samples)
    assert [pairs.sides[place] for place in (pairs.without_side[0], pairs.with_side[0])] == ["day", "night"]
    assert pairs.with_attribute.tolist() == [0]


def test_halves_keep_pairs_whole_and_a_pair_that_a_selection_tears_is_counted_as_alone() -> None:
    samples, _ = many(100, 3)
    whole = find_pairs(samples)
    halves = [find_pairs(half) for half in samples.halves(0)]
    assert sum(map(len, halves)) == len(whole)
    assert len(whole) > 0
    torn = samples.take(np.arange(samples.num_samples) != whole.with_attribute[0])
    assert len(find_pairs(torn)) == len(whole) - 1
    assert find_pairs(torn).left_out[ALONE] == whole.left_out.get(ALONE, 0) + 1
