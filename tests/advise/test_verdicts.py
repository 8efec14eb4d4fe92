"""Verdicts bind every candidate of the adviser, and retraining without a mask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurontune_core import InputError, TuneConfig, neurontune
from neurontune_core.advise import advise
from neurontune_core.advise.reweight import reweighted
from tests.support.projects import CORE, NEURONS, SHORTCUT, planted_head, planted_set

SHORT = TuneConfig(epochs=3, batches=5)
SPURIOUS = np.arange(NEURONS) == NEURONS - 1
SPARED = np.arange(NEURONS) == SHORTCUT


@pytest.mark.parametrize("validation", [0.5, 0.95])
@pytest.mark.parametrize("mask_value", [0.0, 0.5])
def test_no_candidate_escapes_a_verdict(validation: float, mask_value: float) -> None:
    sets = planted_set("val", validation), planted_set("train", 0.95)
    advice = advise(planted_head(), *sets, replace(SHORT, mask_value=mask_value), always=SPURIOUS, never=SPARED)
    assert {"erm", "masking_off"} < set(advice.candidates)
    for candidate in advice.candidates.values():
        assert candidate.masked[NEURONS - 1]
        assert not candidate.masked[SHORTCUT]
        if mask_value == 0:
            assert not candidate.head.weight[:, NEURONS - 1].any()
        assert candidate.head.weight[:, SHORTCUT].any()


def test_the_trained_head_among_the_candidates_has_the_judged_neuron_scaled() -> None:
    sets = planted_set("val", 0.5), planted_set("train", 0.95)
    always = np.arange(NEURONS) == SHORTCUT
    advice = advise(planted_head(), *sets, replace(SHORT, mask_value=0.25), always=always)
    expected = planted_head().weight.copy()
    expected[:, SHORTCUT] *= 0.25
    np.testing.assert_array_equal(advice.candidates["erm"].head.weight, expected)


def test_without_a_mask_only_the_judged_neurons_are_masked() -> None:
    sets = planted_set("val", 0.5), planted_set("train", 0.95)
    off = neurontune(planted_head(), *sets, replace(SHORT, masking=False), always=SPURIOUS, never=SPARED)
    assert np.flatnonzero(off.biased).tolist() == [NEURONS - 1]
    assert not off.head.weight[:, NEURONS - 1].any()
    by_core = neurontune(planted_head(), *sets, replace(SHORT, masking=False), always=SPURIOUS, never=SPURIOUS)
    assert not by_core.biased.any()
    with pytest.raises(InputError, match="would be masked"):
        neurontune(planted_head(), *sets, replace(SHORT, masking=False), always=np.ones(NEURONS, dtype=bool))


def test_a_reweighted_head_does_without_a_neuron_that_is_multiplied_by_0() -> None:
    sets = [planted_set("train", 0.95), planted_set("val", 0.5)]
    factors = np.where(np.arange(NEURONS) == SHORTCUT, np.float32(0), np.float32(1))
    head, hard = reweighted(sets, factors=factors)
    assert not head.weight[:, SHORTCUT].any()
    assert head.weight[:, CORE].any()
    assert hard == reweighted(sets)[1]  # what is hard is measured on all neurons
