"""What the figures draw, read back from their data."""

from __future__ import annotations

import re

import numpy as np
import pytest

from neurontune_core.evaluation.accuracy import Evaluation, Proportion
from neurontune_core.figures.base import NO_MASKING
from neurontune_core.figures.distributions import outcome_distributions
from neurontune_core.figures.epochs import learning_curves, learning_strips
from neurontune_core.figures.heads import candidate_intervals, group_bars
from neurontune_core.figures.neurons import ranked_scores
from neurontune_core.identification.distributions import BINS, Distribution
from neurontune_core.identification.ranking import Ranking
from neurontune_core.tuning.result import EpochRecord


def test_ranked_scores_are_parted_at_the_threshold() -> None:
    scores = np.array([0.1, 0.5, -0.2, 0.3, 0.3], dtype=np.float32)
    order = np.array([1, 3, 4, 0, 2])
    figure = ranked_scores(Ranking("paper", None, order, scores, scores, np.zeros(5, bool)), 0.3, chosen=0)
    biased, rest, marker = figure.data
    assert list(biased.y) == pytest.approx([0.5, 0, 0, 0, 0])
    assert list(rest.y) == pytest.approx([0, 0.3, 0.3, 0.1, -0.2])
    assert list(biased.x) == list(rest.x) == [1, 2, 3, 4, 5]
    assert list(biased.customdata) == list(order)
    assert (marker.x[0], marker.y[0]) == (4, pytest.approx(0.1))
    assert figure.layout.shapes[0].y0 == 0.3


def test_scores_that_rest_on_few_mistakes_are_a_line_without_an_area() -> None:
    scores = np.array([0.9, 0.5, 0.2], dtype=np.float32)
    few = np.array([True, False, False])
    solid, below, hollow = ranked_scores(Ranking("paper", None, np.arange(3), scores, scores, few), 0.3).data
    assert (solid.fill, below.fill, hollow.fill) == ("tozeroy", "tozeroy", None)
    assert list(solid.y) == pytest.approx([0, 0.5, 0])
    assert hollow.y[0] == pytest.approx(0.9)
    assert np.isnan(hollow.y[1:]).all()
    assert hollow.name == "fewer than 5 misclassified"


def test_by_intervals_the_lower_ends_are_areas_and_the_scores_a_line() -> None:
    low, scores = np.array([0.1, 0.4, -0.3], dtype=np.float32), np.array([0.6, 0.5, 0.2], dtype=np.float32)
    ranking = Ranking("class", 0, np.array([1, 0, 2]), low, scores, np.zeros(3, bool), by_interval=True)
    above, below, line, marker = ranked_scores(ranking, 0.2, chosen=0).data
    assert list(above.y) == pytest.approx([0.4, 0, 0])
    assert list(below.y) == pytest.approx([0, 0.1, -0.3])
    assert list(line.y) == pytest.approx([0.5, 0.6, 0.2])
    assert marker.y[0] == pytest.approx(0.1)
    assert not ranked_scores(ranking, 0.2, unit="moved by tag, SD").layout.shapes  # no λ on another axis


def test_each_class_has_a_chart_with_its_own_outcomes_counts_and_medians() -> None:
    edges, few, many = np.linspace(0, 2, BINS + 1), np.zeros(BINS), np.full(BINS, 1 / BINS)
    few[3] = 1.0
    classes = [
        ("<b>", Distribution(edges, few, np.zeros(BINS), 7, 0, 0.1, float("nan"))),
        ("dog", Distribution(edges, many, few, 1_200, 3, 0.9, 0.3)),
    ]
    figure = outcome_distributions(classes, chosen=1)
    assert [(trace.name, trace.xaxis) for trace in figure.data] == [
        ("correct", "x"), ("misclassified", "x"), ("correct", "x2"), ("misclassified", "x2"),
    ]  # fmt: skip
    for trace, share in zip(figure.data, (few, np.zeros(BINS), many, few), strict=True):
        assert trace.line.shape == "hv"  # so each value holds from its edge to the next
        np.testing.assert_allclose(trace.x, edges, rtol=1e-6)
        np.testing.assert_allclose(trace.y, [*(100 * share), 0], rtol=1e-6)
    assert [(shape.x0, shape.xref) for shape in figure.layout.shapes] == [(0.1, "x"), (0.9, "x2"), (0.3, "x2")]
    first, second = (re.sub("<b style[^>]*>(.)</b>", r"\1", each.text) for each in figure.layout.annotations)
    assert first.startswith("&lt;b&gt;<br>")
    assert second.startswith("<b>dog</b><br>")
    assert ("✓ 7 correct" in first, "✗ 0 misclassified" in first) == (True, True)
    assert ("✓ 1,200 correct" in second, "✗ 3 misclassified" in second) == (True, True)
    left, right = figure.layout.xaxis.domain, figure.layout.xaxis2.domain
    assert 0 == left[0] < left[1] < right[0] < right[1] <= 1
    assert figure.layout.yaxis2.matches == "y"  # else a class with few samples would look like one with many


def test_bars_show_groups_when_there_are_any_and_skip_empty_ones() -> None:
    everything = Proportion("all", 6, 8)
    classes = (Proportion("cat", 3, 4), Proportion("dog", 3, 4))
    groups = (Proportion("cat, in", 3, 3), Proportion("cat, out", 0, 1), Proportion("dog, in", 0, 0))
    shown = group_bars({"Trained": Evaluation(everything, classes, groups)}).data[0]
    assert list(shown.y) == [100, 0]
    assert shown.error_y.array[0] == pytest.approx(0)
    assert shown.error_y.arrayminus[1] == pytest.approx(0)
    assert list(group_bars({"Trained": Evaluation(everything, classes, ())}).data[0].y) == [75, 75]


def test_curves_are_in_per_cent_and_mark_the_kept_epoch() -> None:
    records = [EpochRecord(n, 0.1, 5.0 + n, 0.9, 0.8, None, 3) for n in (1, 2, 3)]
    figure = learning_curves({"NeuronTune": records}, "worst_class_accuracy", "worst class", 2)
    assert list(figure.data[0].y) == [80, 80, 80]
    assert figure.layout.shapes[0].x0 == 2
    assert list(learning_curves({"NeuronTune": records}, "sfit", "SFit", None).data[0].y) == [6, 7, 8]
    assert list(learning_curves({"NeuronTune": records}, "loss", "loss", None).data[0].y) == [0.1, 0.1, 0.1]


def test_strips_share_the_epochs_and_none_lies_over_another() -> None:
    records = [EpochRecord(n, 0.1, 5.0 + n, 0.9, 0.8, 0.7, 3) for n in (1, 2, 3)]
    measures = (("worst_group_accuracy", "worst group, %"), ("sfit", "SFit"))
    figure = learning_strips({"NeuronTune": records, NO_MASKING: records[:1]}, measures, 2, epochs=9)
    assert [list(trace.y) for trace in figure.data] == [[70] * 3, [70], [6, 7, 8], [6]]
    assert [trace.yaxis for trace in figure.data] == ["y", "y", "y2", "y2"]
    upper, lower = figure.layout.yaxis.domain, figure.layout.yaxis2.domain
    assert 0 <= lower[0] < lower[1] < upper[0] < upper[1] <= 1
    assert figure.layout.xaxis.range[1] > 9
    assert figure.layout.shapes[0].x0 == 2


def test_the_advised_candidate_is_marked_and_intervals_are_in_per_cent() -> None:
    figure = candidate_intervals(["your head", "off, on <b>val</b>"], [(0.5, 0.4, 0.7), (0.9, 0.8, 0.95)], chosen=1)
    (trace,) = figure.data
    assert list(trace.x) == pytest.approx([50, 90])
    assert list(trace.error_x.array) == pytest.approx([20, 5])
    assert list(trace.error_x.arrayminus) == pytest.approx([10, 10])
    assert figure.layout.yaxis.ticktext == ("your head", "off, on &lt;b&gt;val&lt;/b&gt;, advised")
    assert list(trace.marker.symbol) == ["circle", "diamond"]


def test_markup_in_class_names_is_written_out_in_charts() -> None:
    name = "<b>gull</b>"
    parts = (Proportion(name, 3, 4), Proportion("finch", 2, 4))
    figure = group_bars({"Trained": Evaluation(Proportion("all", 5, 8), parts, ())})
    assert "&lt;b&gt;gull&lt;/b&gt;<br>n = 4" in figure.data[0].x
