"""A cue in the retraining: what is masked in every epoch, under every rule of epochs and masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurontune_core import TuneConfig, neurontune
from neurontune_core.mask import CueMask
from neurontune_core.tuning.mask_rule import NothingLeft
from tests.support.projects import NEURONS, SHORTCUT, planted_head, planted_set

EFFECTS = np.zeros(NEURONS, dtype=np.float32)
EFFECTS[SHORTCUT], EFFECTS[5] = -2.0, 0.4
QUICK: dict[str, Any] = {"epochs": 4, "batches": 5, "threshold": 0.1}


def tuned(source: str = "cue", effect: float = 0.3, **settings: Any):  # type: ignore[no-untyped-def]
    cue = CueMask("tag", EFFECTS, effect, source)  # type: ignore[arg-type]
    config = TuneConfig(**QUICK | settings)
    return neurontune(planted_head(), planted_set("val", 0.5), planted_set("train", 0.95), config, cue=cue)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"select": "robust", "stability": 2.0},
        {"select": "worst_class_accuracy", "average_epochs": 3},
        {"rounds": "accumulate"},
        {"rounds": "once"},
        {"mask_scope": "per_class"},
        {"max_masked_fraction": 0.1},
        {"normalize": "standardize"},
    ],
)
def test_by_the_cue_alone_exactly_its_neurons_are_masked(settings: dict[str, Any]) -> None:
    result = tuned(**settings)
    assert np.flatnonzero(result.biased).tolist() == [SHORTCUT, 5]
    assert np.flatnonzero((result.head.weight == 0).all(axis=0)).tolist() == [SHORTCUT, 5]
    assert {record.num_biased for record in result.history} == {2}
    assert result.head.provenance["cue"] == "tag"


def test_by_both_the_biased_neurons_of_the_epoch_are_masked_too() -> None:
    result = tuned("both", effect=1.0, threshold=0.02)
    expected = (result.scores.delta > 0.02).any(axis=0)
    expected[SHORTCUT] = True
    np.testing.assert_array_equal(result.biased, expected)
    assert result.biased.sum() > 1


def test_without_masking_the_cue_is_not_masked() -> None:
    result = tuned(masking=False)
    assert not result.biased.any()
    assert "cue" not in result.head.provenance


def test_a_factor_weakens_the_cue_and_verdicts_come_after_it() -> None:
    never = np.arange(NEURONS) == 5
    cue = CueMask("tag", EFFECTS, 0.3)
    result = neurontune(
        planted_head(), planted_set("val", 0.5), planted_set("train", 0.95), TuneConfig(**QUICK, mask_value=0.5),
        cue=cue, never=never,
    )  # fmt: skip
    assert np.flatnonzero(result.biased).tolist() == [SHORTCUT]


def test_a_cue_that_moves_every_neuron_leaves_nothing() -> None:
    cue = CueMask("tag", np.ones(NEURONS, dtype=np.float32), 0.3)
    with pytest.raises(NothingLeft, match="Every one of the 12 neurons"):
        neurontune(planted_head(), planted_set("val", 0.5), planted_set("train", 0.95), TuneConfig(**QUICK), cue=cue)
