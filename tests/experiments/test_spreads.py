"""What is left out of a mean, and which of several timings counts."""

from __future__ import annotations

import pytest

from neurontune_core.baselines.registry import METHODS
from neurontune_core.evaluation.accuracy import Evaluation, Proportion
from neurontune_core.experiments import cost
from neurontune_core.experiments.methods import MethodSummary, SeedRun


def run(seed: int, right: int, *, groups: bool) -> SeedRun:
    parts = Proportion("cat", right, 10), Proportion("dog", 10, 10)
    evaluation = Evaluation(Proportion("all", right + 10, 20), parts, parts if groups else ())
    return SeedRun(seed, evaluation, 0.5)


def test_a_measure_that_one_run_lacks_has_no_mean_over_the_others() -> None:
    entry = METHODS["neurontune"]
    whole = MethodSummary(entry, entry.settings(), (run(0, 6, groups=True), run(1, 8, groups=True)))
    assert whole.worst_group_accuracy is not None
    assert whole.worst_group_accuracy.mean == pytest.approx(0.7)
    mixed = MethodSummary(entry, entry.settings(), (run(0, 6, groups=True), run(1, 8, groups=False)))
    assert mixed.worst_group_accuracy is None
    assert mixed.worst == mixed.worst_class_accuracy
    assert mixed.worst is not None
    assert mixed.worst.mean == pytest.approx(0.7)


def test_of_several_runs_of_one_size_the_fastest_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def timed(point: tuple[int, int, int, int], repeats: int, tick: object) -> list[float]:
        return [3.0 * point[2], 1.0 * point[2], 2.0 * point[2]]  # in proportion to the neurons, on a busy machine

    monkeypatch.setattr(cost, "_runs", timed)
    (curve,) = cost.measure_cost(("neurons",))
    assert curve.sizes == (512, 1024, 2048, 4096)
    assert curve.seconds == (512.0, 1024.0, 2048.0, 4096.0)
    assert curve.exponent == pytest.approx(1)
