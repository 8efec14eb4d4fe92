"""Spread: the deviation of a sample, and how it is printed."""

from __future__ import annotations

import statistics

import pytest

from neurontune_core.statistics import Spread, mcnemar, wilson_interval


def test_the_spread_is_the_mean_and_the_deviation_of_a_sample() -> None:
    values = [0.70, 0.78, 0.74, 0.90]
    assert Spread.of(values).mean == pytest.approx(statistics.mean(values))
    assert Spread.of(values).sd == pytest.approx(statistics.stdev(values))


def test_one_value_has_no_deviation_and_none_is_printed() -> None:
    assert Spread.of([0.745]) == Spread(0.745, 0.0)
    assert Spread(0.7449, 0.0).percent() == "74.5"
    assert Spread(0.7449, 0.0).percent(with_zero=True) == "74.5 ± 0.0"
    assert Spread(0.7449, 0.0111).percent() == "74.5 ± 1.1"


def test_nothing_measured_says_nothing() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert mcnemar(0, 0) == 1.0
