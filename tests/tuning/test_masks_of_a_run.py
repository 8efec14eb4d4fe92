"""Which neurons a run masks in each epoch: rounds, a largest share, masks by class, a person's verdicts."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from neurontune_core.head import LinearHead
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.neurontune import neurontune
from tests.support.tuning import QUICK, noisy, slow_scores


def masks_of(data, config: TuneConfig, **options) -> list[np.ndarray]:
    """Return the mask of every epoch: of runs that end after it."""
    return [
        neurontune(*data, replace(config, epochs=number, select="last"), **options).biased
        for number in range(1, config.epochs + 1)
    ]


def test_rounds_recompute_accumulate_or_keep_the_first(data) -> None:
    config = replace(QUICK, epochs=5, learning_rate=0.1, threshold=0.6, mask_value=0.5)
    _, identification, _ = data
    recomputed = masks_of(data, config)
    assert len({mask.tobytes() for mask in recomputed}) > 1
    once = masks_of(data, replace(config, rounds="once"))
    assert all(np.array_equal(mask, recomputed[0]) for mask in once)
    accumulated = masks_of(data, replace(config, rounds="accumulate"))
    assert all((~before | after).all() for before, after in pairwise(accumulated))
    expected = accumulated[0].copy()
    for number in range(1, 5):
        previous = neurontune(*data, replace(config, rounds="accumulate", epochs=number, select="last")).head
        expected |= (slow_scores(previous, identification) > config.threshold).any(axis=0)
        np.testing.assert_array_equal(accumulated[number], expected)


def test_at_most_the_given_share_is_masked_the_highest_scores_first(data) -> None:
    config = replace(QUICK, threshold=0.0, max_masked_fraction=0.3)
    head, identification, _ = data
    strength = slow_scores(head, identification).max(axis=0)
    assert (strength > 0).sum() > 4
    first = neurontune(*data, replace(config, epochs=1))  # 3 of 11
    assert set(np.flatnonzero(first.biased)) == set(np.argsort(-strength)[:3])
    for rounds in ("recompute", "accumulate", "once"):
        result = neurontune(*data, replace(config, epochs=6, learning_rate=0.1, rounds=rounds))
        assert max(record.num_biased for record in result.history) <= 3


def test_a_share_of_whole_neurons_is_not_lost_to_rounding() -> None:
    tuning, identification = noisy(1, neurons=100), noisy(2, neurons=100)
    head = LinearHead(np.random.default_rng(0).normal(size=(3, 100)), np.zeros(3))
    result = neurontune(head, identification, tuning, replace(QUICK, epochs=1, max_masked_fraction=0.29))
    assert result.biased.sum() == 29  # 0.29 * 100 is 28.999… in floating point


def test_masks_by_class_silence_a_neuron_only_for_the_classes_that_it_misleads(data) -> None:
    head, identification, _ = data
    result = neurontune(*data, replace(QUICK, epochs=1, mask_scope="per_class", weight_decay=0.0))
    chosen = slow_scores(head, identification) > QUICK.threshold
    assert (chosen.any(axis=0) & ~chosen.all(axis=0)).any()
    np.testing.assert_array_equal(result.head.weight == 0, chosen)
    np.testing.assert_array_equal(result.biased, chosen.any(axis=0))
    union = neurontune(*data, replace(QUICK, epochs=1))
    assert not union.head.weight[:, chosen.any(axis=0)].any()
    limited = neurontune(*data, replace(QUICK, epochs=1, mask_scope="per_class", max_masked_fraction=0.2))
    strongest = np.argsort(-slow_scores(head, identification).max(axis=0))[:2]
    keep = np.zeros(11, bool)
    keep[strongest] = True
    np.testing.assert_array_equal(limited.head.weight == 0, chosen & keep)


@pytest.mark.parametrize("mask_scope", ["union", "per_class"])
def test_a_persons_verdicts_overrule_every_score(data, mask_scope: str) -> None:
    config = replace(QUICK, mask_scope=mask_scope, select="last", rounds="recompute")
    plain = masks_of(data, config)[0]
    never = np.zeros(11, bool)
    never[np.flatnonzero(plain)[:2]] = True
    always = np.zeros(11, bool)
    always[np.flatnonzero(~plain)[:1]] = True
    assert always.any()
    for biased in masks_of(data, config, always=always, never=never):
        assert biased[always].all()
        assert not biased[never].any()
    np.testing.assert_array_equal(masks_of(data, config, always=always, never=never)[0], (plain | always) & ~never)
    both = masks_of(data, replace(config, max_masked_fraction=0.0), always=always)[0]
    np.testing.assert_array_equal(both, always)  # a person may mask more than the limit
    head = neurontune(*data, replace(config, max_masked_fraction=0.0), always=always).head
    np.testing.assert_array_equal((head.weight == 0).all(axis=0), always)
