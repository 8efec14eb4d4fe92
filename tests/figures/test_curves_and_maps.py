"""Figures of λ, of epochs, of studies, of methods and of the samples' map: every point where its number says."""

from __future__ import annotations

import numpy as np
import pytest

from neurontune_core.baselines.registry import METHODS
from neurontune_core.evaluation.accuracy import Evaluation, Proportion
from neurontune_core.evaluation.mask_curve import MaskCurve
from neurontune_core.experiments.ablation_run import VariantResult
from neurontune_core.experiments.cost import CostCurve
from neurontune_core.experiments.methods import MethodSummary, SeedRun
from neurontune_core.experiments.studies import StudyResult
from neurontune_core.figures.epochs import training_curves
from neurontune_core.figures.heads import MOST_BARS, group_bars
from neurontune_core.figures.methods import tradeoff
from neurontune_core.figures.neurons import mask_effect
from neurontune_core.figures.sample_map import sample_map
from neurontune_core.figures.studies import study_figure
from neurontune_core.training.history import TrainEpoch, TrainHistory


def study(key: str, *parts: object) -> StudyResult:
    return StudyResult(key, parts, 1, 1, {}, {}, 0.0)  # type: ignore[arg-type]


def test_the_effect_of_the_mask_starts_with_what_holds_at_zero() -> None:
    thresholds = np.array([-0.4, -0.1, 0.2, 0.5], dtype=np.float32)
    accuracy, worst = np.array([0.5, 0.6, 0.7, 0.8]), np.array([0.1, 0.2, 0.3, 0.4])
    figure = mask_effect(MaskCurve(thresholds, np.array([9, 7, 4, 0]), accuracy, worst, None), 0.2, 0.5)
    average, worst_class = figure.data
    assert list(average.x) == pytest.approx([0, 0.2, 0.5])  # each value holds up to the next threshold
    assert list(average.y) == pytest.approx([60, 70, 80])
    assert list(worst_class.y) == pytest.approx([20, 30, 40])
    assert list(average.customdata) == [7, 4, 0]
    assert figure.layout.shapes[0].x0 == 0.2


def test_of_too_many_groups_the_lowest_are_drawn() -> None:
    count = MOST_BARS + 6
    order = np.random.default_rng(0).permutation(count)
    groups = tuple(Proportion(f"group {place}", int(right), 100) for place, right in enumerate(order))
    everything = Proportion("all", int(order.sum()), 100 * count)
    shown = group_bars({"ERM": Evaluation(everything, groups[:2], groups)}).data[0]
    assert list(shown.y) == pytest.approx(list(range(MOST_BARS)))  # 0 % to 23 %, the lowest first
    assert shown.x[0].startswith(f"group {int(np.flatnonzero(order == 0)[0])}<br>")


def test_the_loss_is_drawn_as_it_is_accuracies_in_per_cent_and_the_best_epoch_is_marked() -> None:
    epochs = tuple(TrainEpoch(n, 2.0 / n, 0.1, 0.5 + n / 10, 0.4 + n / 10, None) for n in (1, 2, 3))
    loss, accuracy = training_curves(TrainHistory(epochs, 2, 5))
    assert list(loss.data[0].y) == pytest.approx([2, 1, 2 / 3])
    assert [trace.name for trace in accuracy.data] == ["average", "worst class"]  # without groups no worst group
    assert [list(trace.y) for trace in accuracy.data] == [pytest.approx([60, 70, 80]), pytest.approx([50, 60, 70])]
    for figure in (loss, accuracy):
        assert figure.layout.shapes[0].x0 == figure.layout.shapes[0].x1 == 2
        assert figure.layout.xaxis.range[1] > 5
    assert not training_curves(TrainHistory(epochs[:1], None, 5))[0].layout.shapes


def test_a_map_over_two_settings_has_the_first_down_and_the_second_across() -> None:
    parts = [
        VariantResult({"λ": threshold, "mask value": value}, {"worst class": (threshold + value / 100,)})
        for threshold in (0.1, 0.2)
        for value in (0.0, 0.5, 1.0)
    ]
    (trace,) = study_figure(study("surface", *parts)).data
    assert (list(trace.y), list(trace.x)) == (["0.1", "0.2"], ["0", "0.5", "1"])
    np.testing.assert_allclose(trace.z, [[10, 10.5, 11], [20, 20.5, 21]])


def test_the_cost_is_relative_to_the_smallest_size() -> None:
    curve = CostCurve("neurons", (512, 1024, 4096), (0.5, 1.5, 6.0), 1.2)
    (trace,) = study_figure(study("cost", curve)).data
    assert list(trace.x) == [1, 2, 8]
    assert list(trace.y) == pytest.approx([1, 3, 12])


def summary(key: str, average: int, worst: int) -> MethodSummary:
    """Return a method with so many per cent on average and in the first of two classes."""
    parts = Proportion("cat", worst, 100), Proportion("dog", 2 * average - worst, 100)
    evaluation = Evaluation(Proportion("all", 2 * average, 200), parts, ())
    return MethodSummary(METHODS[key], METHODS[key].settings(), (SeedRun(0, evaluation, 0.1),))


def test_the_front_runs_from_left_to_right_through_what_no_method_beats() -> None:
    methods = [summary("erm", 80, 70), summary("dfr", 70, 69), summary("afr", 90, 40), summary("neurontune", 75, 72)]
    front, *points = tradeoff(methods).data
    assert [(x, y) for x, y in zip(front.x, front.y, strict=True)] == [(75, 72), (80, 70), (90, 40)]
    placed = {name: (x, y) for each in points for name, x, y in zip(each.customdata, each.x, each.y, strict=True)}
    assert placed == {"ERM": (80, 70), "DFR": (70, 69), "AFR": (90, 40), "NeuronTune": (75, 72)}


def test_the_map_draws_right_and_wrong_samples_apart_and_counts_all_of_them() -> None:
    rng = np.random.default_rng(0)
    places, right = rng.normal(size=(50, 2)), rng.random(50) < 0.7
    names = [f"sample {row}" for row in range(50)]
    correct, wrong = sample_map(places, right, names, ("", "")).data
    for trace, rows in ((correct, np.flatnonzero(right)), (wrong, np.flatnonzero(~right))):
        np.testing.assert_allclose(np.column_stack([trace.x, trace.y]), places[rows], rtol=1e-6)
        assert list(trace.text) == [names[row] for row in rows]
    assert (correct.name, wrong.name) == (f"correct ({right.sum()})", f"misclassified ({(~right).sum()})")
    few = sample_map(places, right, names, ("", ""), most=20).data
    assert sum(len(trace.x) for trace in few) == 20
    assert [trace.name for trace in few] == [correct.name, wrong.name]  # the counts are of all samples
