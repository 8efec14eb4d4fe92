"""The worst class to expect on unseen samples: how often its interval holds, also where samples belong together."""

from __future__ import annotations

import numpy as np
import pytest

from neurontune_core.evaluation.unseen import expected_worst_class
from neurontune_core.evaluation.worst_class import worst_class_lead
from neurontune_core.statistics import student_t, wilson_interval


def test_without_units_the_worst_class_has_its_wilson_interval() -> None:
    labels = np.repeat([0, 1], [400, 300])
    correct = np.concatenate([np.arange(400) % 10 < 9, np.arange(300) % 10 < 6])
    expected = expected_worst_class(correct, labels)
    assert expected.accuracy == pytest.approx(0.6)
    assert expected[1:] == pytest.approx(wilson_interval(180, 300), abs=2e-3)


@pytest.mark.parametrize(("units", "size"), [(8, 30), (40, 5), (150, 2)])
def test_the_interval_holds_for_new_units_in_about_19_of_20_draws(units: int, size: int) -> None:
    rng = np.random.default_rng(2)
    held = naive = 0
    for _ in range(400):
        # every unit has an accuracy of its own, with the mean 0.8
        own = rng.beta(0.8 * 1.5, 0.2 * 1.5, size=units)
        correct = rng.random((units, size)) < own[:, None]
        numbers = np.repeat(np.arange(units), size)
        labels = np.zeros(units * size, dtype=int)
        low, high = expected_worst_class(correct.ravel(), labels, numbers)[1:]
        held += low <= 0.8 <= high
        low, high = expected_worst_class(correct.ravel(), labels)[1:]
        naive += low <= 0.8 <= high
    assert 0.92 <= held / 400 <= 1.0
    assert naive < held


def test_a_handful_of_units_that_are_all_right_promises_little() -> None:
    low = expected_worst_class(np.ones(200, dtype=bool), np.zeros(200, dtype=int), np.arange(200) % 7).low
    assert low < 0.8
    assert expected_worst_class(np.ones(200, dtype=bool), np.zeros(200, dtype=int)).low > 0.97


def test_one_unit_promises_nothing() -> None:
    assert expected_worst_class(np.ones(9, dtype=bool), np.zeros(9, dtype=int), np.zeros(9, dtype=int)) == (
        1.0,
        0.0,
        1.0,
    )


def test_a_lead_is_less_certain_where_samples_belong_together() -> None:
    rng = np.random.default_rng(3)
    labels, units = np.zeros(300, dtype=int), np.repeat(np.arange(100), 3)
    ahead, behind = np.ones(300, dtype=bool), np.repeat(rng.random(100) < 0.8, 3)
    lead, error = worst_class_lead(ahead, behind, labels)
    assert worst_class_lead(ahead, behind, labels, units)[0] == lead
    assert worst_class_lead(ahead, behind, labels, units)[1] == pytest.approx(error * 3**0.5, rel=0.02)


def test_the_quantiles_of_student_are_those_of_the_tables() -> None:
    stats = pytest.importorskip("scipy.stats")
    for freedom in range(1, 40):
        assert student_t(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=0.006)
