"""Spuriousness scores: the fast scorer beside plain numpy, and what must hold for any activations."""

from __future__ import annotations

import tempfile
from collections import namedtuple
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurontune_core.errors import InputError
from neurontune_core.identification import scorer as scorer_module
from neurontune_core.identification.scorer import SpuriousnessScorer, spuriousness_scores
from neurontune_core.identification.scores import FEW_MISTAKES, NoMistakes, SpuriousnessScores, chance_share


def slow_medians(
    embeddings: np.ndarray, labels: np.ndarray, predictions: np.ndarray, num_classes: int, magnitude: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Compute [C, M] medians of the wrong and of the right samples, one number at a time; NaN without samples."""
    values = embeddings.astype(np.float32)
    values = np.abs(values) if magnitude else values
    wrong = np.full((num_classes, values.shape[1]), np.nan, dtype=np.float32)
    right = wrong.copy()
    for label in range(num_classes):
        for neuron in range(values.shape[1]):
            bad = [v[neuron] for v, y, p in zip(values, labels, predictions, strict=True) if y == label and p != y]
            good = [v[neuron] for v, y, p in zip(values, labels, predictions, strict=True) if y == label and p == y]
            if bad:
                wrong[label, neuron] = np.median(np.array(bad, dtype=np.float32))
            if good:
                right[label, neuron] = np.median(np.array(good, dtype=np.float32))
    return wrong, right


def relu_like(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return np.maximum(rng.normal(size=shape), 0).astype(np.float32)


def assert_is_eq_5(scores: SpuriousnessScores, wrong: np.ndarray, right: np.ndarray) -> None:
    np.testing.assert_array_equal(scores.median_incorrect, wrong)
    np.testing.assert_array_equal(scores.median_correct, right)
    delta = np.where(np.isnan(wrong) | np.isnan(right), np.float32(0), wrong - right)
    np.testing.assert_array_equal(scores.delta, delta)
    assert scores.sfit == pytest.approx(sum(abs(float(d)) for d in delta.flat), rel=1e-12, abs=1e-12)


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Draw few samples over few values: ties, zeros, empty classes, and odd and even counts come by themselves."""
    samples, neurons, classes = draw(st.integers(1, 60)), draw(st.integers(1, 5)), draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kind = draw(st.sampled_from(["ties", "relu", "signed", "half", "tiny"]))
    embeddings = {
        "ties": lambda: rng.integers(-2, 3, (samples, neurons)).astype(np.float32),
        "relu": lambda: relu_like(rng, (samples, neurons)),
        "signed": lambda: rng.normal(size=(samples, neurons)).astype(np.float32),
        "half": lambda: rng.normal(size=(samples, neurons)).astype(np.float16),
        "tiny": lambda: (rng.normal(size=(samples, neurons)) * 1e-40).astype(np.float32),
    }[kind]()
    labels, predictions = rng.integers(0, classes, samples), rng.integers(0, classes, samples)
    predictions[0] = (labels[0] + 1) % classes
    return embeddings, labels, predictions, classes


@settings(max_examples=150, deadline=None)
@given(problems(), st.booleans())
def test_scores_are_numpys_medians_bit_for_bit(problem, magnitude: bool) -> None:
    embeddings, labels, predictions, classes = problem
    scores = spuriousness_scores(embeddings, labels, predictions, classes, magnitude=magnitude)
    assert_is_eq_5(scores, *slow_medians(embeddings, labels, predictions, classes, magnitude))


@settings(max_examples=50, deadline=None)
@given(problems(), st.booleans())
def test_a_scorer_that_sorted_once_answers_every_time_as_numpys_medians(problem, magnitude: bool) -> None:
    embeddings, labels, predictions, classes = problem
    scorer = SpuriousnessScorer(embeddings, labels, classes, magnitude=magnitude)
    scorer((labels + 1) % classes)
    assert_is_eq_5(scorer(predictions), *slow_medians(embeddings, labels, predictions, classes, magnitude))


def test_scores_are_exact_on_more_samples_than_one_block_and_more_neurons_than_one_block() -> None:
    rng = np.random.default_rng(1)
    embeddings, labels = relu_like(rng, (1001, 130)), rng.integers(0, 3, 1001)
    scorer = SpuriousnessScorer(embeddings, labels, 3)
    for error_rate in (0.02, 0.1, 0.5, 0.9):
        predictions = np.where(rng.random(1001) < error_rate, (labels + 1) % 3, labels)
        scores = scorer(predictions)
        for label in range(3):
            for part, outcome in (
                (scores.median_incorrect, predictions != labels),
                (scores.median_correct, predictions == labels),
            ):
                expected = np.median(np.abs(embeddings[(labels == label) & outcome]), axis=0)
                np.testing.assert_array_equal(part[label], expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("samples", [1 << 16, (1 << 16) + 1])
def test_scores_are_exact_where_the_sample_index_outgrows_16_bits(samples: int, dtype: type) -> None:
    rng = np.random.default_rng(2)
    embeddings = (rng.permutation(samples) % 60_000).astype(dtype)[:, None]
    predictions = np.ones(samples, dtype=np.int64)
    predictions[-1] = 0  # the median of the hits is the last sample, whose index is the first to overflow
    scores = SpuriousnessScorer(embeddings, np.zeros(samples, dtype=np.int64), 1)(predictions)
    assert scores.median_incorrect[0, 0] == np.median(embeddings[predictions == 1].astype(np.float32))
    assert scores.median_correct[0, 0] == np.median(embeddings[predictions == 0].astype(np.float32))


Usage = namedtuple("Usage", "free")


@pytest.mark.parametrize("free", [0, 1 << 40])
@settings(max_examples=50, deadline=None)
@given(problem=problems(), magnitude=st.booleans())
def test_a_set_too_large_to_keep_sorted_in_memory_scores_the_same_bit_for_bit(
    free: int, problem, magnitude: bool
) -> None:
    embeddings, labels, predictions, classes = problem
    kept = SpuriousnessScorer(embeddings, labels, classes, magnitude=magnitude)(predictions)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scorer_module, "_MOST_ORDER_BYTES", 0)
        patch.setattr(scorer_module, "_VALUES_PER_BLOCK", 2 * len(labels))  # two neurons at a time
        patch.setattr(scorer_module.shutil, "disk_usage", lambda _: Usage(free))
        again = SpuriousnessScorer(embeddings, labels, classes, magnitude=magnitude)(predictions)
    for name in ("delta", "median_incorrect", "median_correct"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(again, name))
    assert kept.sfit == again.sfit


def test_what_is_kept_beyond_memory_goes_with_the_scorer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    temporary_file = tempfile.TemporaryFile

    def opening() -> object:
        opened.append(temporary_file(dir=tmp_path))
        return opened[-1]

    monkeypatch.setattr(scorer_module, "_MOST_ORDER_BYTES", 0)
    monkeypatch.setattr(tempfile, "TemporaryFile", opening)
    rng = np.random.default_rng(0)
    scorer = SpuriousnessScorer(rng.normal(size=(60, 4)), rng.integers(0, 2, 60), 2)
    assert [file.closed for file in opened] == [True, True]
    del scorer
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("magnitude", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("samples", [96, 97, 5000, 5001])
@pytest.mark.parametrize("compiled", [True, False])  # the first screen is painted before the loops are loaded
def test_one_call_selects_numpys_medians_from_many_samples_of_any_shape(
    samples: int, dtype: type, magnitude: bool, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scorer_module, "loops_pay", lambda _: compiled)
    rng = np.random.default_rng(samples)
    normal, few = rng.normal(size=samples), rng.integers(-2, 3, samples)
    half = np.arange(samples) < samples // 2  # the two middle values of all are far apart
    tiny = np.where(rng.random(samples) < 0.5, 1e-7, -1e-7)  # subnormal in float16
    columns = [
        normal,
        np.maximum(normal, 0),
        few,
        np.full(samples, -0.3),
        np.where(half, -900, 900),
        np.where(half, 1, 3),
    ]
    columns += [tiny, np.exp(4 * normal), normal * (rng.random(samples) < 0.1), np.zeros(samples), 100 + normal / 100]
    embeddings = np.clip(np.stack(columns, axis=1), -6e4, 6e4).astype(dtype)
    predictions = np.where(rng.random(samples) < 0.3, 1, 0)
    scores = spuriousness_scores(embeddings, np.zeros(samples, np.int64), predictions, 2, magnitude=magnitude)
    values = embeddings.astype(np.float32)
    values = np.abs(values) if magnitude else values
    np.testing.assert_array_equal(scores.median_correct[0], np.median(values[predictions == 0], axis=0))
    np.testing.assert_array_equal(scores.median_incorrect[0], np.median(values[predictions == 1], axis=0))


@pytest.mark.parametrize(("sort", "compiled"), [(True, True), (False, True), (False, False)])
@settings(max_examples=60, deadline=None)
@given(problem=problems(), quantile=st.floats(0.01, 0.99))
def test_quantiles_are_numpys(sort: bool, compiled: bool, problem, quantile: float) -> None:
    embeddings, labels, predictions, classes = problem
    with mock.patch.object(scorer_module, "loops_pay", return_value=compiled):
        scorer = SpuriousnessScorer(embeddings, labels, classes, statistic="quantile", quantile=quantile, sort=sort)
        scores = scorer(predictions)
    for label in range(classes):
        for part, outcome in (
            (scores.median_incorrect, predictions != labels),
            (scores.median_correct, predictions == labels),
        ):
            chosen = np.abs(embeddings[(labels == label) & outcome].astype(np.float64))
            if len(chosen):
                expected = np.quantile(chosen, quantile, axis=0)
                np.testing.assert_allclose(part[label], expected, rtol=1e-5, atol=1e-5)
            else:
                assert np.isnan(part[label]).all()


def test_the_quantile_setting_is_used_by_the_quantile_alone() -> None:
    rng = np.random.default_rng(3)
    embeddings, labels = relu_like(rng, (80, 6)), rng.integers(0, 2, 80)
    predictions = np.where(rng.random(80) < 0.3, 1 - labels, labels)
    median = SpuriousnessScorer(embeddings, labels, 2)(predictions)
    ignored = SpuriousnessScorer(embeddings, labels, 2, statistic="median", quantile=0.9)(predictions)
    high = SpuriousnessScorer(embeddings, labels, 2, statistic="quantile", quantile=0.9)(predictions)
    np.testing.assert_array_equal(ignored.delta, median.delta)
    assert np.abs(high.delta - median.delta).max() > 0.1


def test_the_mean_statistic_is_the_mean() -> None:
    rng = np.random.default_rng(4)
    embeddings, labels = rng.normal(size=(90, 70)).astype(np.float32), rng.integers(0, 2, 90)
    predictions = np.where(rng.random(90) < 0.3, 1 - labels, labels)
    scores = SpuriousnessScorer(embeddings, labels, 2, statistic="mean")(predictions)
    for label in range(2):
        wrong = np.abs(embeddings[(labels == label) & (predictions != labels)].astype(np.float64))
        right = np.abs(embeddings[(labels == label) & (predictions == labels)].astype(np.float64))
        np.testing.assert_allclose(scores.delta[label], wrong.mean(axis=0) - right.mean(axis=0), atol=1e-6)


def test_an_even_count_takes_the_mean_of_its_two_middle_values() -> None:
    embeddings = np.array([[1.0], [4.0], [0.0], [2.0]], dtype=np.float32)
    scores = spuriousness_scores(embeddings, np.zeros(4, int), np.array([1, 1, 0, 0]), 1)
    assert (scores.median_incorrect[0, 0], scores.median_correct[0, 0]) == (2.5, 1.0)  # torch.median: 1 and 0


def test_one_misclassified_sample_is_its_own_median() -> None:
    scores = spuriousness_scores(np.array([[3.0, -1.0]], np.float32), np.array([0]), np.array([1]), 2)
    np.testing.assert_array_equal(scores.median_incorrect[0], [3.0, 1.0])
    np.testing.assert_array_equal(scores.delta, np.zeros((2, 2)))
    assert not scores.biased(-1.0).any()  # no class has both mistakes and hits


def problem_of(seed: int, samples: int = 120, neurons: int = 9, classes: int = 3):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, samples)
    predictions = np.where(rng.random(samples) < 0.35, rng.integers(0, classes, samples), labels)
    return rng.normal(size=(samples, neurons)).astype(np.float32), labels, predictions


@pytest.mark.parametrize("seed", range(5))
def test_scaling_the_embeddings_scales_the_scores_and_selects_the_same(seed: int) -> None:
    embeddings, labels, predictions = problem_of(seed)
    scores = spuriousness_scores(embeddings, labels, predictions, 3)
    for factor in (0.25, 8.0):  # powers of two are exact in floating point
        scaled = spuriousness_scores(embeddings * np.float32(factor), labels, predictions, 3)
        np.testing.assert_array_equal(scaled.delta, scores.delta * np.float32(factor))
        np.testing.assert_array_equal(scaled.biased(), scores.biased())


@pytest.mark.parametrize("seed", range(5))
def test_permuting_samples_neurons_or_classes_permutes_the_answer(seed: int) -> None:
    embeddings, labels, predictions = problem_of(seed)
    scores = spuriousness_scores(embeddings, labels, predictions, 3)
    rng = np.random.default_rng(seed + 100)
    rows, columns, renamed = rng.permutation(len(labels)), rng.permutation(9), rng.permutation(3)
    by_rows = spuriousness_scores(embeddings[rows], labels[rows], predictions[rows], 3)
    np.testing.assert_array_equal(by_rows.delta, scores.delta)
    by_columns = spuriousness_scores(embeddings[:, columns], labels, predictions, 3)
    np.testing.assert_array_equal(by_columns.delta, scores.delta[:, columns])
    np.testing.assert_array_equal(by_columns.biased(), scores.biased()[columns])
    by_class = spuriousness_scores(embeddings, renamed[labels], renamed[predictions], 3)
    np.testing.assert_array_equal(by_class.delta[renamed], scores.delta)
    np.testing.assert_array_equal(by_class.biased(), scores.biased())


def test_flipping_a_neurons_sign_changes_nothing_by_magnitude_and_something_without() -> None:
    embeddings, labels, predictions = problem_of(7)
    embeddings += 1  # medians far from zero, so that the sign matters
    flipped = embeddings * np.where(np.arange(9) % 2, -1, 1).astype(np.float32)
    for magnitude, same in ((True, True), (False, False)):
        before = spuriousness_scores(embeddings, labels, predictions, 3, magnitude=magnitude)
        after = spuriousness_scores(flipped, labels, predictions, 3, magnitude=magnitude)
        assert np.array_equal(before.delta, after.delta) is same
        assert np.array_equal(before.biased(), after.biased()) is same


def test_any_wrong_class_counts_as_a_mistake() -> None:
    embeddings, labels, predictions = problem_of(8)
    other = np.where(predictions == labels, labels, (labels + 1) % 3)
    another = np.where(predictions == labels, labels, (labels + 2) % 3)
    np.testing.assert_array_equal(
        spuriousness_scores(embeddings, labels, other, 3).delta,
        spuriousness_scores(embeddings, labels, another, 3).delta,
    )


def test_the_threshold_is_strict_and_the_classes_are_united() -> None:
    # Class 0: delta = (2, 0, -1); class 1: delta = (0, 0, 3).
    wrong = np.array([[2, 1, 0], [1, 1, 4]], np.float32)
    right = np.array([[0, 1, 1], [1, 1, 1]], np.float32)
    embeddings = np.concatenate([wrong, right])
    scores = spuriousness_scores(embeddings, np.array([0, 1, 0, 1]), np.array([1, 0, 0, 1]), 2)
    np.testing.assert_array_equal(scores.delta, [[2, 0, -1], [0, 0, 3]])
    np.testing.assert_array_equal(scores.neuron_scores, [2, 0, 3])
    assert scores.biased(0.0).tolist() == [True, False, True]
    assert scores.biased(2.0).tolist() == [False, False, True]
    assert scores.biased(3.0).tolist() == [False, False, False]
    assert scores.biased(-0.5).tolist() == [True, True, True]
    assert scores.biased_by_class(0.0).tolist() == [[True, False, False], [False, False, True]]
    assert scores.sfit == 6.0


def test_sfit_does_not_depend_on_the_threshold() -> None:
    embeddings, labels, predictions = problem_of(9)
    scores = spuriousness_scores(embeddings, labels, predictions, 3)
    before = scores.sfit
    for threshold in (-1.0, 0.0, 0.3, 10.0):
        scores.biased(threshold)
    assert scores.sfit == before == pytest.approx(np.abs(scores.delta.astype(np.float64)).sum())


def test_a_neuron_silent_in_over_half_of_both_sets_scores_zero_and_is_counted() -> None:
    silent = np.array([0, 0, 9, 0, 0, 9])
    loud = np.array([1, 2, 3, 4, 5, 6])
    embeddings = np.stack([silent, loud], axis=1).astype(np.float32)
    scores = spuriousness_scores(embeddings, np.zeros(6, int), np.array([1, 1, 1, 0, 0, 0]), 1)
    assert scores.num_silent == 1
    assert scores.delta.tolist() == [[0, -3]]
    assert not scores.biased()[0]


def test_a_neuron_that_is_silent_on_one_class_alone_is_not_counted() -> None:
    embeddings = np.array([[0, 0], [0, 0], [0, 0], [1, 0], [5, 0], [2, 0]], dtype=np.float32)
    labels, predictions = np.array([0, 0, 0, 1, 1, 1]), np.array([1, 0, 0, 0, 1, 1])
    scores = spuriousness_scores(embeddings, labels, predictions, 2)
    assert scores.delta.tolist() == [[0, 0], [-2.5, 0]]
    assert scores.num_silent == 1  # the second neuron; the first fires on the other class


def test_a_class_without_mistakes_scores_zero_is_never_selected_and_warns() -> None:
    embeddings, labels, predictions = problem_of(10, samples=300)
    predictions[labels == 1] = 1
    scorer = SpuriousnessScorer(embeddings, labels, 3, class_names=("cat", "dog", "cow"))
    scores = scorer(predictions)
    assert not scores.delta[1].any()
    assert np.isnan(scores.median_incorrect[1]).all()
    assert not scores.biased_by_class(-100.0)[1].any()
    assert scores.warnings == ('Class "dog" has no misclassified samples; its scores are 0.',)
    # neuron_scores must not take the 0 of an unscored class for a score
    np.testing.assert_array_equal(scores.neuron_scores, scores.delta[[0, 2]].max(axis=0))


def test_warnings_name_classes_without_hits_without_samples_and_with_few_mistakes() -> None:
    rng = np.random.default_rng(11)
    labels = np.repeat([0, 1, 2], [20, 10, 20])
    predictions = labels.copy()
    predictions[:4] = 1
    predictions[20:30] = 0
    predictions[30:35] = 0
    scores = SpuriousnessScorer(relu_like(rng, (50, 3)), labels, 4, class_names=("a", "b", "c", "d"))(predictions)
    assert scores.warnings == (
        'Class "a" has only 4 misclassified samples; its scores may be chance.',
        'Class "b" has no correctly classified samples; its scores are 0.',
        'Class "d" has no samples in the identification set; its scores are 0.',
    )
    assert scores.num_incorrect.tolist() == [4, 10, FEW_MISTAKES, 0]
    assert scores.num_correct.tolist() == [16, 0, 15, 0]


def test_chance_selects_the_share_that_noise_selects() -> None:
    rng = np.random.default_rng(12)
    for classes, expected in ((2, 0.75), (3, 0.875)):
        embeddings, labels = rng.normal(size=(600, 4000)).astype(np.float32), rng.integers(0, classes, 600)
        predictions = np.where(rng.random(600) < 0.3, (labels + 1) % classes, labels)
        share = spuriousness_scores(embeddings, labels, predictions, classes).biased().mean()
        assert chance_share(classes) == expected
        assert share == pytest.approx(expected, abs=0.03)


def test_a_head_without_mistakes_is_refused_in_words() -> None:
    labels = np.array([0, 1])
    with pytest.raises(NoMistakes, match="makes no mistake on the identification set, so no neuron can be called"):
        spuriousness_scores(np.ones((2, 3), np.float32), labels, labels, 2)
    assert issubclass(NoMistakes, InputError)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"labels": np.zeros(3, int)}, "Expected 4 labels, one per embedding, but got 3"),
        ({"statistic": "mode"}, 'Expected statistic to be "median", "mean" or "quantile", but got "mode"'),
        ({"statistic": "quantile", "quantile": 1.0}, "Expected a quantile between 0 and 1, but got 1.0"),
        ({"statistic": "quantile", "quantile": float("nan")}, "Expected a quantile between 0 and 1, but got nan"),
    ],
)
def test_bad_arguments_are_refused(change: dict, sentence: str) -> None:
    arguments = {"embeddings": np.ones((4, 2), np.float32), "labels": np.zeros(4, int), "num_classes": 2} | change
    with pytest.raises(InputError, match=sentence):
        SpuriousnessScorer(**arguments)


def test_predictions_of_another_length_are_refused() -> None:
    scorer = SpuriousnessScorer(np.ones((4, 2), np.float32), np.zeros(4, int), 2)
    with pytest.raises(InputError, match=r"Expected 4 predictions, but got shape \[5\]"):
        scorer(np.zeros(5, int))
