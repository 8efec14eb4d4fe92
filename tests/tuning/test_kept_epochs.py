"""Which epochs of a run are kept and averaged, and how they are counted and stopped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurontune_core.errors import InputError
from neurontune_core.tuning.neurontune import neurontune
from neurontune_core.tuning.result import EpochRecord
from tests.support.tuning import QUICK, same_run


def test_select_keeps_the_epoch_it_says_ties_the_earliest(data) -> None:
    config = replace(QUICK, epochs=12, batches=3)
    for select in ("sfit", "worst_class_accuracy"):
        result = neurontune(*data, replace(config, select=select))
        values = [getattr(record, select) for record in result.history]
        assert result.epoch == 1 + values.index(max(values))
    assert neurontune(*data, replace(config, select="last")).epoch == 12
    # Nothing moves at this learning rate, so every epoch ties.
    for select, epoch in (("sfit", 1), ("worst_class_accuracy", 1), ("last", 12)):
        tied = neurontune(*data, replace(config, learning_rate=1e-12, select=select, masking=False))
        assert len({(record.sfit, record.worst_class_accuracy) for record in tied.history}) == 1
        assert tied.epoch == epoch


@pytest.mark.parametrize("select", ["sfit", "worst_class_accuracy", "last"])
def test_averaging_takes_the_mean_of_the_best_epochs_masked_heads(data, select: str) -> None:
    config = replace(QUICK, epochs=6, learning_rate=0.05, select=select)
    heads = [neurontune(*data, replace(config, epochs=number, select="last")).head for number in range(1, 7)]
    history = neurontune(*data, config).history
    if select == "last":
        order = [5, 4, 3, 2, 1, 0]
    else:
        order = sorted(range(6), key=lambda place: (-getattr(history[place], select), place))
    for count in (1, 3, 6, 50):
        result = neurontune(*data, replace(config, average_epochs=count))
        chosen = [heads[place] for place in order[:count]]
        np.testing.assert_allclose(result.head.weight, np.mean([h.weight for h in chosen], axis=0), atol=1e-6)
        np.testing.assert_allclose(result.head.bias, np.mean([h.bias for h in chosen], axis=0), atol=1e-6)
        assert result.epoch == order[0] + 1


@pytest.mark.parametrize("mask_value", [0.0, 0.5])
@pytest.mark.parametrize("select", ["worst_class_accuracy", "last"])
def test_masked_throughout_are_the_neurons_masked_in_every_averaged_epoch(data, mask_value: float, select: str) -> None:
    config = replace(QUICK, epochs=6, learning_rate=0.05, select=select, mask_value=mask_value)
    masks = [neurontune(*data, replace(config, epochs=number, select="last")).biased for number in range(1, 7)]
    history = neurontune(*data, config).history
    order = [5, 4, 3, 2, 1, 0]
    if select != "last":
        order = sorted(range(6), key=lambda place: (-history[place].worst_class_accuracy, place))
    for count in (1, 3, 6):
        result = neurontune(*data, replace(config, average_epochs=count))
        np.testing.assert_array_equal(result.biased, np.all([masks[place] for place in order[:count]], axis=0))
        if mask_value == 0:
            np.testing.assert_array_equal(result.masked_throughout, ~result.head.weight.any(axis=0))
    assert len({mask.tobytes() for mask in masks}) > 1


def test_epochs_are_counted_and_reported_one_by_one(data) -> None:
    seen: list[EpochRecord] = []
    result = neurontune(*data, replace(QUICK, epochs=7), on_epoch=seen.append)
    assert [record.epoch for record in seen] == [1, 2, 3, 4, 5, 6, 7]
    assert tuple(seen) == result.history
    assert not result.stopped
    assert result.seconds > 0


def test_should_stop_ends_the_run_with_the_best_epoch_so_far(data) -> None:
    seen: list[EpochRecord] = []
    result = neurontune(*data, replace(QUICK, epochs=50), on_epoch=seen.append, should_stop=lambda: len(seen) == 3)
    assert result.stopped
    assert len(result.history) == 3
    assert same_run(result, neurontune(*data, replace(QUICK, epochs=3)))
    with pytest.raises(InputError, match="Tuning was stopped before its first epoch ended"):
        neurontune(*data, QUICK, should_stop=lambda: True)
