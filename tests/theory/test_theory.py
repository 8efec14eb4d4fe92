"""Lemma 1, Theorems 4.2 and 4.3: the formulas against samples drawn here, and the figures known of them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from neurontune_core.errors import InputError
from neurontune_core.theory import (
    CLAIMS,
    INPUTS,
    DataModel,
    exact,
    least_squares,
    lemma_curves,
    neuron_scores,
    printed,
    remove_neurons,
)
from neurontune_core.theory.data_model import CORE
from neurontune_core.theory.neuron_scores import random_first_layers


def unit(rng: np.random.Generator, length: int) -> np.ndarray:
    vector = rng.normal(size=length)
    return vector / np.linalg.norm(vector)


def misled(rng: np.random.Generator, samples: int, eta_core: float, eta_spu: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw inputs [N, 10] and labels ±1 of Section 4.1 where the shortcut always says the opposite."""
    labels = rng.choice([-1.0, 1.0], samples)
    inputs = rng.normal(size=(samples, INPUTS)) * ([eta_core] + (CORE - 1) * [1.0] + CORE * [eta_spu])
    inputs[:, 0] += labels
    inputs[:, CORE] -= labels
    return inputs, labels


@pytest.mark.parametrize(("p", "eta_core", "eta_spu"), [(0.95, 1.0, 0.1), (0.7, 0.5, 1.0), (0.6, 2.0, 0.3)])
def test_the_exact_form_is_what_scikit_learn_fits_whatever_the_directions(
    p: float, eta_core: float, eta_spu: float
) -> None:
    rng = np.random.default_rng(0)
    beta, gamma, samples = unit(rng, 3), unit(rng, 4), 400_000
    core = rng.normal(size=(samples, 3))
    answers = core @ beta + eta_core * rng.normal(size=samples)
    signs = np.where(rng.random(samples) < p, 1, -1)
    shortcut = (signs * answers)[:, None] * gamma + eta_spu * rng.normal(size=(samples, 4))
    fitted = LinearRegression().fit(np.hstack([core, shortcut]), answers).coef_
    assert (beta @ fitted[:3], gamma @ fitted[3:]) == pytest.approx(exact(DataModel(p, eta_core, eta_spu)), abs=0.015)
    assert np.linalg.norm(fitted[:3] - (beta @ fitted[:3]) * beta) < 0.015


def test_lemma_1_has_the_known_figures() -> None:
    model = DataModel(p=0.95, eta_core=1.0, eta_spu=0.1)
    assert printed(model) == pytest.approx((0.109, 0.891), abs=5e-4)
    assert exact(model) == pytest.approx((0.325, 0.750), abs=5e-4)
    assert least_squares(model, 400_000) == pytest.approx((0.325, 0.750), abs=0.015)


@pytest.mark.parametrize("eta_core", [0.3, 1.0, 3.0])
def test_the_printed_form_is_right_at_both_ends_only(eta_core: float) -> None:
    for p in (0.5, 1.0):
        assert printed(DataModel(p, eta_core)) == pytest.approx(exact(DataModel(p, eta_core)))
    assert printed(DataModel(0.75, eta_core)).spurious > exact(DataModel(0.75, eta_core)).spurious + 0.02


def test_fits_lie_on_the_exact_curve() -> None:
    curves = lemma_curves(1.0, 0.1)
    on_curve = np.array([exact(DataModel(p)) for p in curves.fitted_p])
    np.testing.assert_allclose(curves.fitted, on_curve, atol=0.04)  # four standard errors of the worst point
    assert (curves.p[[0, -1]] == (0.5, 1.0)).all()


def test_the_network_of_theorem_4_2_is_the_least_squares_model_of_the_classes() -> None:
    model = DataModel(0.8, 0.7, 0.4)
    inputs, answers = model.classification_sample(400_000, np.random.default_rng(1))
    assert set(answers) == {-1.0, 1.0}
    fitted = LinearRegression(fit_intercept=False).fit(inputs, answers).coef_
    np.testing.assert_allclose(model.classification_optimum(), fitted, atol=0.01)


@pytest.mark.parametrize("p", [0.95, 0.97])
def test_where_mistakes_are_misled_samples_the_score_is_the_shortcuts_weight(p: float) -> None:
    result = neuron_scores(DataModel(p), 60, samples=100_000)
    for label in (0, 1):
        line = result.line(label)
        assert line.correlation >= 0.997
        assert 0.985 <= line.slope <= 1.015
    assert result.selected_signed >= 0.95  # the sign turns with the label; left are neurons of hardly any weight
    assert (result.signed[:, np.abs(result.predicted[0]) > 0.05] > 0).any(axis=0).all()
    assert result.selected_absolute < 0.75


@pytest.mark.parametrize("seed", range(3))
def test_with_mistakes_of_the_core_feature_the_line_blurs(seed: int) -> None:
    result = neuron_scores(DataModel(0.8), 100, seed)
    assert all(0.7 <= result.line(label).correlation <= 0.9 for label in (0, 1))


def test_predicted_scores_come_from_the_first_layer() -> None:
    first = random_first_layers(1, 20, np.random.default_rng(5))[0]
    result = neuron_scores(DataModel(), 20, seed=5, samples=2000)
    np.testing.assert_allclose(result.predicted, [2 * first[:, CORE], -2 * first[:, CORE]])


@pytest.mark.parametrize("p", [0.8, 0.95])
def test_the_selection_comes_no_closer_to_the_unbiased_model_than_chance(p: float) -> None:
    result = remove_neurons(DataModel(p), 100)
    assert abs(result.selected_closer - 0.5) < 4 * 0.5 / np.sqrt(2000)
    assert np.median(result.selected.distance) == pytest.approx(np.median(result.random.distance), rel=0.02)
    if p == 0.95:
        assert np.median(result.selected.distance) < result.before.distance[0]


def test_distance_and_accuracy_before_are_those_of_the_best_function() -> None:
    result = remove_neurons(DataModel(0.7, 1.0, 0.3), 20, networks=5).before
    core, spurious = np.linalg.solve([[2.0, 0.4], [0.4, 1.09]], [1.0, 0.4])
    assert result.distance == pytest.approx([np.hypot(core - 0.5, spurious)])
    inputs, labels = misled(np.random.default_rng(0), 200_000, 1.0, 0.3)
    right = np.sign(core * inputs[:, 0] + spurious * inputs[:, CORE]) == labels
    assert result.accuracy == pytest.approx([right.mean()], abs=0.005)


@pytest.mark.parametrize("retrain", [False, True])
def test_removal_is_what_numpy_makes_of_the_same_networks(retrain: bool) -> None:
    model, networks, neurons = DataModel(0.9, 1.0, 0.5), 4, 14
    result = remove_neurons(model, neurons, seed=3, retrain=retrain, networks=networks).selected
    best, unbiased = model.classification_optimum(), np.eye(INPUTS)[0] / 2
    inputs, answers = model.classification_sample(200_000, np.random.default_rng(0))
    probe, labels = misled(np.random.default_rng(1), 100_000, 1.0, 0.5)
    for place, first in enumerate(random_first_layers(networks, neurons, np.random.default_rng(3))):
        keep = first[:, CORE] >= 0
        assert keep.sum() < INPUTS
        last = np.linalg.lstsq(first.T, best)[0][keep]  # the smallest of all solutions
        if retrain:
            last = np.linalg.lstsq(inputs @ first[keep].T, answers)[0]
        function = last @ first[keep]
        assert result.distance[place] == pytest.approx(
            np.linalg.norm(function - unbiased), abs=0.03 if retrain else 1e-9
        )
        right = np.sign(probe @ function) == labels
        assert result.accuracy[place] == pytest.approx(right.mean(), abs=0.03 if retrain else 0.007)


def test_retraining_neurons_that_span_the_inputs_gives_the_biased_function_back() -> None:
    result = remove_neurons(DataModel(), 100, retrain=True, networks=50)
    assert result.spanning == 1
    np.testing.assert_allclose(result.selected.distance, result.before.distance[0])
    assert result.selected_closer == 0.5


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: DataModel(p=0.4), "Expected p between 0.5 and 1, but got 0.4."),
        (lambda: DataModel(eta_core=0), "Expected eta_core between 0.01 and 10, but got 0."),
        (lambda: neuron_scores(DataModel(), 5), "10 .* to 200 neurons, but got 5."),
        (lambda: remove_neurons(DataModel(), 201), "but got 201."),
        (lambda: neuron_scores(DataModel(p=1.0)), "no mistakes to score neurons by; lower p or raise η_core."),
    ],
)
def test_what_cannot_be_computed_is_a_sentence(call, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        call()


def test_no_claim_promises_anything() -> None:
    for claim in CLAIMS.values():
        assert "guarantee" not in f"{claim.title} {claim.shows} {claim.stops}".lower()
        assert claim.shows.count(". ") == claim.stops.count(". ") == 0  # a sentence each
