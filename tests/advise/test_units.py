"""Samples that belong together: the adviser tears none of them apart, and promises what new ones keep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurontune_core import EmbeddingSet, LinearHead, TuneConfig, evaluate
from neurontune_core.advise import Advice, advise
from neurontune_core.advise.crossfit import FOLDS, CrossFitter
from neurontune_core.advise.sentences import reasons, remarks
from tests.advise.test_rule import erm

SHORT = TuneConfig(epochs=8, batches=40)
NEURONS, LEAN = 80, 3.0


def people(people_each: int, pictures: int, seed: int, split: str) -> EmbeddingSet:
    """Draw pictures of people: each has looks of its own, strong and not of the class, and a little of the class."""
    rng = np.random.default_rng(seed)
    count = 2 * people_each
    labels = np.arange(count) % 2
    looks = LEAN * rng.normal(size=(count, NEURONS))
    looks[:, 0] = 1.2 * (2 * labels - 1) + rng.normal(size=count)
    vectors = np.repeat(looks, pictures, axis=0) + 0.7 * rng.normal(size=(count * pictures, NEURONS))
    names = [f"{split} {person}" for person in np.repeat(np.arange(count), pictures)]
    return EmbeddingSet(vectors, np.repeat(labels, pictures), ("calm", "angry"), split=split, units=names)


@pytest.fixture(scope="module")
def sets() -> tuple[LinearHead, EmbeddingSet, EmbeddingSet, EmbeddingSet]:
    train = people(200, 2, 1, "train")
    return erm(train), people(8, 25, 2, "val"), train, people(400, 1, 3, "test")


@pytest.fixture(scope="module")
def told_apart(sets: tuple[LinearHead, EmbeddingSet, EmbeddingSet, EmbeddingSet]) -> Advice:
    return advise(*sets[:3], SHORT)


@pytest.fixture(scope="module")
def unknown(sets: tuple[LinearHead, EmbeddingSet, EmbeddingSet, EmbeddingSet]) -> Advice:
    head, val, train, _ = sets
    return advise(head, replace(val, units=None), replace(train, units=None), SHORT)


def test_no_fold_tears_a_unit_apart_and_every_fold_has_both_classes(sets: tuple) -> None:
    head, val, train, _ = sets
    fold = CrossFitter(head, val, train, SHORT).fold
    for name in set(val.units):
        assert len(set(fold[val.units == name])) == 1
    for number in range(FOLDS):
        assert set(val.labels[fold == number]) == {0, 1}


def test_with_units_the_promise_is_kept_by_new_people_and_without_it_is_not(
    sets: tuple, told_apart: Advice, unknown: Advice
) -> None:
    key = "masking_off_held_out"
    new = evaluate(unknown.candidates[key].head, sets[3]).worst_class_accuracy
    assert unknown.candidates[key].worst_class_on_unseen.low > new + 0.1  # pictures of the same person are known
    known = told_apart.candidates.get(key) or told_apart.candidate
    promised = known.worst_class_on_unseen
    assert promised.low <= evaluate(known.head, sets[3]).worst_class_accuracy <= promised.high


def test_it_is_said_how_many_units_there_are(told_apart: Advice, unknown: Advice) -> None:
    assert any("400 samples of val are 16 units" in remark for remark in remarks(told_apart))
    assert not any("look like" in remark for remark in remarks(told_apart))
    seen = [remark for remark in remarks(unknown) if "look like about" in remark]
    assert len(seen) == 1
    assert "The 400 samples of val look like about 16 distinct ones" in seen[0]


def test_a_class_on_three_units_is_too_little_to_say(sets: tuple) -> None:
    head, val, train, _ = sets
    few = val.take(np.isin(val.units, [f"val {person}" for person in (0, 1, 2, 3, 4, 5)]))
    assert few.num_samples == 150
    advice = advise(head, few, train, SHORT)
    assert advice.case == "too_few"
    assert "or units of samples that belong together" in reasons(advice)[0]
    assert advise(head, replace(few, units=None), replace(train, units=None), SHORT).case != "too_few"
