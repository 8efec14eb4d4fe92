"""Samples that belong together: how they are numbered and dealt, and as how many independent samples they count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.units import deal_units, design_effect, effective_count, unit_numbers, units_by_class


def make_set(units: list[str | None] | None, labels: list[int], pairs: list[str | None] | None = None) -> EmbeddingSet:
    vectors = np.random.default_rng(0).normal(size=(len(labels), 3))
    return EmbeddingSet(vectors, labels, ("healthy", "ill"), units=units, pairs=pairs, split="val")


def test_units_and_pairs_join_what_either_of_them_joins() -> None:
    units = ["ann", None, "bob", "ann", None, None]
    pairs = [None, "p1", "p1", None, "p2", None]
    assert make_set(units, [0, 1] * 3, pairs).unit_numbers.tolist() == [0, 1, 1, 0, 2, 3]
    assert make_set(None, [0, 1] * 3, pairs).unit_numbers.tolist() == [0, 1, 1, 2, 3, 4]


def test_a_set_whose_samples_are_all_alone_has_no_units() -> None:
    assert make_set(["a", "b", "c", None], [0, 1, 0, 1]).unit_numbers is None
    assert make_set(None, [0, 1, 0, 1]).unit_numbers is None
    assert make_set(["", float("nan"), None, ""], [0, 1, 0, 1]).units is None


def test_units_are_kept_on_disk_and_taken_along(tmp_path: Path) -> None:
    original = make_set(["ann", "ann", None, "bob"], [0, 1, 0, 1])
    original.save(tmp_path)
    assert pd.read_parquet(tmp_path / "samples.parquet")["unit"].tolist()[:2] == ["ann", "ann"]
    assert EmbeddingSet.load(tmp_path).units.tolist() == ["ann", "ann", None, "bob"]
    assert original.take(np.array([3, 0])).units.tolist() == ["bob", "ann"]
    replace(original, units=None).save(tmp_path)
    assert EmbeddingSet.load(tmp_path).units is None
    with pytest.raises(InputError, match="Expected 4 units, one per embedding, but got 1"):
        replace(original, units=["ann"])


@pytest.mark.parametrize("seed", range(5))
def test_no_half_tears_a_unit_or_a_pair_apart_and_both_have_about_as_many_of_each_class(seed: int) -> None:
    rng = np.random.default_rng(seed)
    patient = rng.integers(0, 30, 300)
    labels = (patient % 3 == 0).astype(int)
    pairs = [f"p{row // 2}" if row < 40 else None for row in range(300)]
    labels[:40:2] = labels[1:40:2]
    whole = make_set([f"patient {number}" for number in patient], labels.tolist(), pairs)
    halves = whole.halves(seed)
    assert sum(half.num_samples for half in halves) == 300
    assert not set(halves[0].sample_ids) & set(halves[1].sample_ids)
    assert not set(halves[0].units) & set(halves[1].units)
    assert not (set(halves[0].pairs) & set(halves[1].pairs)) - {None}
    alone = make_set([f"patient {number}" for number in patient], (patient % 3 == 0).astype(int).tolist())
    counts = [np.bincount(half.labels, minlength=2) for half in alone.halves(seed)]
    assert np.all(np.abs(counts[0] - counts[1]) <= 0.15 * (counts[0] + counts[1]))


def test_a_class_that_stands_on_one_unit_cannot_be_halved() -> None:
    alone = make_set(["a", "a", "b", "c"], [0, 0, 1, 1])
    with pytest.raises(InputError, match='hold class "healthy", so the set cannot be halved'):
        alone.halves()


def test_parts_have_a_share_of_a_rare_class_too() -> None:
    labels = np.repeat([0, 1], [360, 24])
    units = np.concatenate([np.repeat(np.arange(60), 6), 60 + np.repeat(np.arange(12), 2)])
    part = deal_units(labels, units, 4, np.random.default_rng(3))
    assert all(len(set(part[units == unit])) == 1 for unit in range(72))
    assert [int((labels[part == number] == 1).sum()) for number in range(4)] == [6] * 4
    assert [int((labels[part == number] == 0).sum()) for number in range(4)] == [90] * 4


def test_units_are_counted_by_class() -> None:
    assert units_by_class(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 2]), 3).tolist() == [2, 2, 0]
    assert units_by_class(np.array([0, 0, 1]), None, 2).tolist() == [2, 1]


def test_copies_multiply_the_variance_of_a_mean_by_their_number() -> None:
    rng = np.random.default_rng(0)
    once = rng.normal(size=(500, 40))
    assert design_effect(np.repeat(once, 4, axis=0), np.repeat(np.arange(500), 4)).mean() == pytest.approx(4, rel=0.02)
    apart = design_effect(rng.normal(size=(2000, 400)), np.repeat(np.arange(500), 4))
    assert apart.mean() == pytest.approx(1, abs=0.05)


def test_the_effective_count_lies_between_units_and_samples() -> None:
    rng = np.random.default_rng(1)
    units = np.repeat(np.arange(100), 5)
    assert effective_count(rng.normal(size=500), None) == 500
    assert effective_count(np.repeat(rng.normal(size=100), 5), units) == pytest.approx(100, rel=0.02)
    assert 350 < effective_count(rng.normal(size=500), units) < 500
    few = np.repeat(np.arange(7), 30)
    assert 7 < effective_count(np.ones(210), few) < 20  # alike or not, seven units are not 210 samples


def test_numbers_are_given_by_first_occurrence() -> None:
    assert unit_numbers(np.array(["b", "a", "b"], dtype=object)).tolist() == [0, 1, 0]
