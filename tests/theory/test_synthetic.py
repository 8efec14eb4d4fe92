"""The synthetic experiment: closed forms, scikit-learn, and the published accuracies."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from neurontune_core.errors import InputError
from neurontune_core.theory import Experiment, Summary, run_experiment, summarize

SEEDS = 20


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return run_experiment(3)


@pytest.fixture(scope="module")
def summary() -> Summary:
    return summarize(SEEDS)


@pytest.fixture(scope="module")
def centered() -> Summary:
    return summarize(SEEDS, coding="centered")


def off(deviation: float) -> float:
    """Return three standard errors of the difference of two means over SEEDS seeds."""
    return 3 * deviation * sqrt(2 / SEEDS)


def test_newton_finds_scikit_learns_logistic_regression(experiment: Experiment) -> None:
    data = experiment.training
    fitted = LogisticRegression(C=1e9, tol=1e-10, max_iter=1000).fit(data.embeddings, data.labels)
    weight = experiment.before.weight
    np.testing.assert_allclose(weight[1] - weight[0], fitted.coef_[0], rtol=1e-3, atol=1e-3)
    bias = experiment.before.bias
    assert bias[1] - bias[0] == pytest.approx(fitted.intercept_[0], abs=1e-3)


def test_each_group_is_as_accurate_as_the_normal_distribution_says(experiment: Experiment) -> None:
    head = experiment.before
    weight, bias = head.weight[1] - head.weight[0], head.bias[1] - head.bias[0]
    deviation = sqrt(weight**2 @ [0.6, 0.1, 0.1])  # the variances that A.1 prints
    for where in ("training", "test"):
        parts = experiment.evaluations()["before", where].groups
        for part, (label, attribute) in zip(parts, [(-1, 0), (-1, 1), (1, 0), (1, 1)], strict=True):
            expected = norm.cdf(label * (weight @ [label, attribute, 0] + bias) / deviation)
            assert part.name == f"y = {label:+d}, a = {attribute}".replace("-", "−")
            assert part.accuracy == pytest.approx(expected, abs=4 * sqrt(expected * (1 - expected) / part.n))


def test_the_data_are_those_that_a_1_prints(experiment: Experiment) -> None:
    for data, agreement in ((experiment.training, 0.95), (experiment.identification, 0.95), (experiment.test, 0.1)):
        labels, attributes = np.divmod(data.groups, 2)
        np.testing.assert_array_equal(labels, data.labels)
        assert data.num_samples == 5000
        assert (labels == attributes).mean() == pytest.approx(agreement, abs=0.03)
        residuals = data.embeddings - np.stack([2 * labels - 1, attributes, np.zeros(5000)], axis=1)
        np.testing.assert_allclose(residuals.mean(axis=0), 0, atol=0.05)
        np.testing.assert_allclose(residuals.var(axis=0), [0.6, 0.1, 0.1], rtol=0.1)


def test_the_spared_neurons_are_those_whose_medians_say_so(experiment: Experiment) -> None:
    each = experiment.identification
    right = (each.embeddings @ experiment.before.weight.T + experiment.before.bias).argmax(axis=1) == each.labels
    picked = np.zeros(3, dtype=bool)
    for label in (0, 1):
        wrong_ones, right_ones = (np.abs(each.embeddings[(each.labels == label) & part]) for part in (~right, right))
        picked |= np.median(wrong_ones, axis=0) > np.median(right_ones, axis=0)
    np.testing.assert_array_equal(experiment.after.weight[1] != 0, ~picked)


def test_twenty_seeds_agree_with_the_known_figures(summary: Summary) -> None:
    known = {  # measured over 20 seeds; the paper has 95.4 / 66.2 for one, before, in training
        ("before", "training"): (95.5, 0.4, 62.5, 3.8),
        ("before", "test"): (67.4, 1.2, 63.3, 1.5),
        ("after", "training"): (90.2, 0.4, 88.0, 2.1),
        ("after", "test"): (90.0, 0.4, 88.8, 1.2),
    }
    assert abs(66.2 - 100 * summary.worst_group_accuracy["before", "training"].mean) < 2 * 3.8
    for key, (average, spread, worst, spread_of_worst) in known.items():
        assert 100 * summary.accuracy[key].mean == pytest.approx(average, abs=off(spread)), key
        assert 100 * summary.worst_group_accuracy[key].mean == pytest.approx(worst, abs=off(spread_of_worst)), key


def test_after_masking_the_core_neuron_decides_alone(summary: Summary) -> None:
    best = norm.cdf(1 / sqrt(0.6))
    assert round(100 * best, 1) == 90.2
    for where in ("training", "test"):
        assert summary.accuracy["after", where].mean == pytest.approx(best, abs=4 * 0.0042 / sqrt(SEEDS))


def test_absolute_scores_spare_the_core_neuron_and_signed_ones_never_do(summary: Summary) -> None:
    assert (summary.picked["core"], summary.picked["spurious"]) == (0, 1)
    assert summary.picked["noise"] == pytest.approx(0.75, abs=0.29)  # chance: 1 − 2⁻², three standard errors
    assert summary.picked_signed["core"] == 1


@pytest.mark.parametrize("agreement", [0.95, 0.5])
def test_on_the_papers_data_the_spurious_neuron_is_found_however_often_the_shortcut_holds(agreement: float) -> None:
    several = summarize(5, agreement)
    assert (several.picked["core"], several.picked["spurious"]) == (0, 1)
    assert several.worst_group_accuracy["after", "test"].mean == pytest.approx(0.89, abs=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_found_on_the_training_set_itself_too(seed: int) -> None:
    run = run_experiment(seed)
    vectors, labels = np.abs(run.training.embeddings), run.training.labels
    right = run.before.predict(run.training.embeddings) == labels
    gaps = [
        np.median(vectors[(labels == label) & ~right], axis=0) - np.median(vectors[(labels == label) & right], axis=0)
        for label in (0, 1)
    ]
    core, spurious, _ = (np.array(gaps) > 0).any(axis=0)
    assert (core, spurious) == (False, True)


def test_moving_zero_changes_the_selection_but_not_the_model(summary: Summary, centered: Summary) -> None:
    for where in ("training", "test"):
        assert summary.accuracy["before", where] == centered.accuracy["before", where]
    assert centered.picked["spurious"] == 0
    assert (
        centered.worst_group_accuracy["after", "test"].mean < 0.65 < summary.worst_group_accuracy["after", "test"].mean
    )
    assert summarize(5, 0.5, "centered").picked["spurious"] == 1
    moved, plain = run_experiment(2, coding="centered"), run_experiment(2)
    np.testing.assert_allclose(moved.test.embeddings[:, 1], 2 * plain.test.embeddings[:, 1] - 1, atol=1e-5)
    assert moved.test.group_names[1] == "y = −1, a = +1"


def test_the_same_seed_gives_the_same_experiment() -> None:
    np.testing.assert_array_equal(run_experiment(1).after.weight, run_experiment(1).after.weight)
    assert (run_experiment(1).before.weight != run_experiment(2).before.weight).any()


def test_a_share_out_of_range_and_no_seed_are_sentences() -> None:
    with pytest.raises(InputError, match=r"between 0 and 1, but got 1\.2"):
        run_experiment(0, 1.2)
    with pytest.raises(InputError, match='no coding "sideways"; use one of paper, centered'):
        run_experiment(0, coding="sideways")
    with pytest.raises(InputError, match="at least 1 seed"):
        summarize(0)
