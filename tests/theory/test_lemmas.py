"""Lemmas 2 and 3, Proposition 4.1, Eq. 51 and the proof of Lemma 1: beside samples, scipy and plain least squares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from neurontune_core.errors import InputError
from neurontune_core.theory import DataModel, Weights, exact, printed, remove_neurons
from neurontune_core.theory.data_model import CORE, INPUTS
from neurontune_core.theory.loss import bound, gradient_descent, least_loss, terms
from neurontune_core.theory.majority import exact_majority, measured_majority, printed_majority
from neurontune_core.theory.neuron_scores import random_first_layers
from neurontune_core.theory.principle import principle
from neurontune_core.theory.report_lemmas import retraining as retraining_answer
from neurontune_core.theory.retraining import (
    exact_retraining,
    measured_retraining,
    printed_retraining,
    reweighted,
)

MODELS = [DataModel(0.95), DataModel(0.7, 0.5, 1.0), DataModel(0.85, 2.0, 0.3)]


def drawn(model: DataModel, samples: int = 400_000) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw βᵀx_core, γᵀx_spu, y and a of Section 4.1."""
    rng = np.random.default_rng(5)
    core = rng.normal(size=samples)
    answers = core + model.eta_core * rng.normal(size=samples)
    agrees = rng.random(samples) < model.p
    shortcut = np.where(agrees, answers, -answers) + model.eta_spu * rng.normal(size=samples)
    return core, shortcut, answers, agrees


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("weights", [(0.3, 0.7), (1.0, 0.0), (0.9, -0.4)])
def test_the_terms_of_eq_51_add_up_to_the_loss_of_a_sample(model: DataModel, weights: tuple[float, float]) -> None:
    core, shortcut, answers, agrees = drawn(model)
    loss = (weights[0] * core + weights[1] * shortcut - answers) ** 2 / 2
    parts = terms(model, Weights(*weights))
    assert parts.total == pytest.approx(loss.mean(), abs=4 * loss.std() / np.sqrt(len(loss)))
    # ψ1 and ψ2 are what the core feature leaves of the answer, on the samples with a = 1 and a = 0.
    for part, rows, sign in ((parts.agreeing, agrees, 1), (parts.misled, ~agrees, -1)):
        left = (weights[0] * core - (1 - sign * weights[1]) * core) ** 2 / 2
        each = np.where(rows, left, 0)
        assert part == pytest.approx(each.mean(), abs=4 * each.std() / np.sqrt(len(each)) + 1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_the_proof_minimizes_a_bound_that_is_not_reached(model: DataModel) -> None:
    lowest = minimize(lambda z: bound(model, z[0]), [0.1]).x[0]
    assert lowest == pytest.approx(printed(model).spurious, abs=1e-4)
    best = minimize(lambda pair: terms(model, Weights(*pair)).total, [0.1, 0.1]).x
    assert tuple(best) == pytest.approx(exact(model), abs=1e-4)
    gap = terms(model, printed(model)).total - bound(model, lowest)
    assert gap > 0.003
    assert terms(model, printed(model)).total > terms(model, exact(model)).total + 5e-4
    assert least_loss(model, exact(model).spurious) == pytest.approx(terms(model, exact(model)).total)
    for end in (0.5, 1.0):  # where one of the two terms has no samples, or the shortcut no weight
        whole = replace(model, p=end)
        assert terms(whole, printed(whole)).total == pytest.approx(bound(whole, printed(whole).spurious))


@pytest.mark.parametrize("model", MODELS)
def test_gradient_descent_ends_at_the_exact_weights(model: DataModel) -> None:
    path = gradient_descent(model, seed=3)
    assert tuple(path.weights[-1]) == pytest.approx(exact(model), abs=0.02)
    assert np.abs(path.weights[0]).max() < 0.15
    other = gradient_descent(model, seed=4)
    assert (path.weights[5] != other.weights[5]).all()
    assert path.steps[0] == 0


@pytest.mark.parametrize("model", [DataModel(0.8), DataModel(0.9, 2.0, 1.0), DataModel(0.6, 1.0, 0.5)])
def test_lemma_2_exact_is_what_a_sample_counts(model: DataModel) -> None:
    rng = np.random.default_rng(2)
    weights = model.classification_optimum()
    noise = rng.normal(size=(400_000, 2)) * [model.eta_core, model.eta_spu]
    agrees = rng.random(400_000) < model.p
    output = weights[0] * (1 - noise[:, 0]) + weights[CORE] * (np.where(agrees, 1, -1) + noise[:, 1])  # of y = 1
    right = output > 0
    shares = exact_majority(model)
    assert shares.agreeing == pytest.approx(agrees[right].mean(), abs=0.004)
    assert shares.misled == pytest.approx((~agrees)[~right].mean(), abs=0.01)
    assert shares.mistakes == pytest.approx((~right).mean(), abs=0.003)
    assert measured_majority(model) == pytest.approx(shares, abs=0.01)


def test_lemma_2_as_printed_has_its_own_formulas() -> None:
    model = DataModel(0.9, 0.5, 0.2)
    z = 0.8 * 0.25 / 0.29
    sigma_1 = np.sqrt(0.25 + 0.25 * z**2 + 0.04 * z**2)
    sigma_0 = np.sqrt((1 - 2 * z) ** 2 * 0.25 + 0.25 * z**2 + 0.04 * z**2)
    right = 0.9 * norm.cdf(1 / sigma_1), 0.1 * norm.cdf((1 - 2 * z) / sigma_0)
    wrong = 0.9 * norm.cdf(-1 / sigma_1), 0.1 * norm.cdf(-(1 - 2 * z) / sigma_0)
    expected = (right[0] / sum(right), wrong[1] / sum(wrong), sum(wrong))
    assert printed_majority(model) == pytest.approx(expected)


def test_the_second_claim_of_lemma_2_is_not_what_its_formulas_give() -> None:
    usual = DataModel(0.95)
    assert exact_majority(usual).misled > 0.99 > 0.5 > printed_majority(usual).misled
    assert printed_majority(DataModel(0.95, 0.2, 0.05)).misled > 0.5  # with little noise of the core feature it is
    assert exact_majority(DataModel(0.9, 2.0, 1.0)).misled < 0.5  # a noisy shortcut: most mistakes are its noise


def test_turning_signs_swaps_the_selection_and_not_the_function() -> None:
    shown = principle(DataModel(0.9), 60, seed=2)
    assert shown.largest_change < 1e-12
    np.testing.assert_array_equal(shown.selected, shown.turned > 0)
    assert shown.carried.sum() == pytest.approx(DataModel(0.9).classification_optimum()[CORE])
    assert shown.carried[shown.selected].sum() > 0.1 < shown.carried[~shown.selected].sum()


@pytest.mark.parametrize("agreement", [0.5, 0.7, 0.95])
def test_retraining_a_networks_last_layer_gives_the_exact_weights(agreement: float) -> None:
    model = DataModel(0.95, 1.0, 0.3)
    expected = exact_retraining(model, agreement)
    assert measured_retraining(model, agreement) == pytest.approx(expected, abs=0.03)
    slope = (2 * agreement - 1) / 1.09
    assert printed_retraining(model, agreement).spurious == pytest.approx(slope)


def test_counting_misled_samples_more_often_does_change_the_shortcuts_weight() -> None:
    model = DataModel(0.9)
    assert reweighted(model, 9.0) == pytest.approx(0.5)
    assert measured_retraining(model, 0.9, 9.0) == pytest.approx((1, 0), abs=0.04)
    assert measured_retraining(model, 0.9, 3.0) == pytest.approx(exact_retraining(model, 0.75), abs=0.04)
    with pytest.raises(InputError, match="weight of the misled samples between 0 and p / \\(1 − p\\)"):
        retraining_answer(model, 0.9, 20.0)


@pytest.mark.parametrize("retrain", [False, True])
def test_under_the_premise_of_theorem_4_3_no_network_tells_the_two_features_apart(retrain: bool) -> None:
    model, networks, neurons = DataModel(0.9, 1.0, 0.5), 3, 30
    result = remove_neurons(model, neurons, seed=3, retrain=retrain, premise=True, networks=networks)
    inputs, answers = model.classification_sample(300_000, np.random.default_rng(0))
    unbiased = np.eye(INPUTS)[0] / 2
    for place, first in enumerate(random_first_layers(networks, neurons, np.random.default_rng(3))):
        first[:, CORE] = first[:, 0]
        last = np.linalg.lstsq(inputs @ first.T, answers)[0]  # the smallest of all solutions
        keep = first[:, CORE] >= 0
        if retrain:
            last = np.linalg.lstsq(inputs @ first[keep].T, answers)[0]
            function = last @ first[keep]
        else:
            function = last[keep] @ first[keep]
        assert function[0] == pytest.approx(function[CORE])
        assert result.selected.distance[place] == pytest.approx(np.linalg.norm(function - unbiased), abs=0.03)
    assert np.all(result.selected.accuracy == pytest.approx(0.5))
    many = remove_neurons(model, 60, premise=True, retrain=retrain, networks=500)
    assert abs(many.selected_closer - 0.5) < 4 * 0.5 / np.sqrt(500)
