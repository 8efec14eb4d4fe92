"""How sure a score is: p-values beside enumeration and closed forms, the false-discovery claim, intervals, verdicts."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from neurontune_core.errors import InputError
from neurontune_core.identification import intervals
from neurontune_core.identification.confidence import COULD_BE_CHANCE, LEVEL, NOT_BIASED, SURE, TOO_FEW, Confidence
from neurontune_core.identification.intervals import SortedMiddle
from neurontune_core.identification.scorer import spuriousness_scores
from neurontune_core.identification.scores import FEW_MISTAKES, SpuriousnessScores, chance_share
from neurontune_core.statistics import benjamini_hochberg


def judge(
    embeddings: np.ndarray, labels: np.ndarray, predictions: np.ndarray, classes: int = 2, magnitude: bool = True
) -> tuple[SpuriousnessScores, Confidence]:
    scores = spuriousness_scores(embeddings, labels, predictions, classes, magnitude=magnitude)
    return scores, Confidence(embeddings, labels, predictions, scores, magnitude=magnitude)


def one_class(embeddings: np.ndarray, mistakes: int, magnitude: bool = True) -> tuple[SpuriousnessScores, Confidence]:
    """Judge one class whose first samples are misclassified."""
    labels = np.zeros(len(embeddings), dtype=np.int64)
    return judge(embeddings, labels, (np.arange(len(embeddings)) < mistakes).astype(int), 1, magnitude)


def relu_like(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Draw neurons that differ in how often they are silent, some of them nearly always."""
    return np.maximum(rng.normal(size=shape) + rng.normal(0, 0.7, shape[1]), 0).astype(np.float32)


@pytest.mark.parametrize(("samples", "mistakes"), [(9, 5), (10, 5), (11, 6), (12, 6), (12, 9), (11, 10)])
@pytest.mark.parametrize("ties", [False, True])
def test_p_values_are_those_of_every_way_to_deal_the_outcomes(samples: int, mistakes: int, ties: bool) -> None:
    rng = np.random.default_rng(samples * 100 + mistakes)
    values = relu_like(rng, (samples, 8))
    values = np.round(2 * values) if ties else values + rng.random(values.shape).astype(np.float32)
    values[:mistakes] += 1

    def difference(wrong: tuple[int, ...]) -> np.ndarray:
        chosen = np.isin(np.arange(samples), wrong)
        low, high = np.sort(values[chosen], axis=0), np.sort(values[~chosen], axis=0)
        return low[(mistakes - 1) // 2] - high[(samples - mistakes) // 2]

    observed = difference(tuple(range(mistakes)))
    every = np.array([difference(wrong) for wrong in combinations(range(samples), mistakes)])
    expected = np.where(observed > 0, (every >= observed).mean(axis=0), 1)
    assert np.count_nonzero(observed > 0) >= 2
    _, judged = one_class(values, mistakes)
    np.testing.assert_allclose(judged.p_values[0], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("samples", "mistakes"), [(600, 61), (2001, 1000), (20_000, 2000), (20_000, 17_001)])
def test_for_two_valued_activations_p_is_moods_median_test_deep_into_the_tail(samples: int, mistakes: int) -> None:
    # The median of the mistakes is 1 and that of the hits 0 exactly when enough of the ones fall on mistakes, whose
    # number is hypergeometric (Mood, 1950). Every neuron has its own number of ones.
    hits = samples - mistakes
    ones = (mistakes + np.linspace(0.02, 0.45, 6) * hits).astype(int)
    ones = np.concatenate([ones, (mistakes * np.linspace(0.6, 0.98, 6)).astype(int)])
    values = (np.arange(samples)[:, None] < ones).astype(np.float32)
    need = mistakes - (mistakes - 1) // 2
    left = ones - (hits - hits // 2 - 1)  # fewer ones on mistakes than this would lift the median of the hits
    expected = stats.hypergeom.sf(np.maximum(need, left) - 1, samples, ones, mistakes)
    _, judged = one_class(values, mistakes)
    np.testing.assert_allclose(judged.p_values[0], expected, rtol=1e-6, atol=2e-15)
    assert expected.min() < 1e-9


def test_p_values_agree_with_drawn_permutations() -> None:
    rng = np.random.default_rng(0)
    mistakes, drawn = 41, 4000
    values = relu_like(rng, (400, 30))
    values[:mistakes] += 0.15 * rng.random(30).astype(np.float32)
    scores, judged = one_class(values, mistakes)
    higher = np.zeros(30)
    for _ in range(drawn):  # with odd counts the statistic is delta itself
        shuffled = values[rng.permutation(400)]
        low, high = np.sort(shuffled[:mistakes], axis=0), np.sort(shuffled[mistakes:], axis=0)
        higher += low[20] - high[179] >= scores.delta[0]
    share, expected = (1 + higher) / (1 + drawn), judged.p_values[0]
    asked = scores.delta[0] > 0
    assert asked.sum() >= 10
    error = np.sqrt(expected * (1 - expected) / drawn)
    assert (np.abs(share - expected)[asked] < 4.5 * error[asked] + 2 / drawn).all()


def noise(kind: str, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    if kind == "normal":
        return rng.normal(size=shape).astype(np.float32)
    if kind == "relu":
        return relu_like(rng, shape)
    factors = rng.normal(size=(shape[0], 6)) @ rng.normal(size=(6, shape[1]))
    values = factors + 0.5 * rng.normal(size=shape)
    return (np.maximum(values, 0) if kind == "correlated relu" else values).astype(np.float32)


SEEDS = 500


@pytest.mark.long
@pytest.mark.parametrize("kind", ["normal", "relu", "correlated", "correlated relu"])
def test_on_pure_noise_nothing_is_sure_in_95_of_100_seeds(kind: str) -> None:
    rejections, selected = 0, []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        embeddings, labels = noise(kind, rng, (200, 96)), rng.integers(0, 2, 200)
        predictions = np.where(rng.random(200) < 0.25, 1 - labels, labels)
        scores, judged = judge(embeddings, labels, predictions)
        rejections += (judged.adjusted <= LEVEL).any()
        selected.append(scores.biased().mean())
    # What a procedure whose true rate is 5 % stays below in all but one of 1000 such tests.
    assert rejections <= stats.binom.ppf(0.999, SEEDS, LEVEL)
    if kind == "normal":
        assert np.mean(selected) == pytest.approx(
            chance_share(2), abs=0.01
        )  # what λ = 0 alone would have called biased


@pytest.mark.parametrize("kind", ["normal", "relu"])
def test_planted_neurons_are_found_among_noise_and_little_else(kind: str) -> None:
    detected, false = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        embeddings, labels = np.abs(noise(kind, rng, (600, 256))), rng.integers(0, 2, 600)
        wrong = rng.random(600) < 0.15
        planted = np.arange(256) < 8
        embeddings[np.ix_(wrong & (labels == 1), planted)] += 1.5
        _, judged = judge(embeddings, labels, np.where(wrong, 1 - labels, labels))
        sure = judged.verdicts_by_class() == SURE
        detected.append(sure[1, planted].mean())
        false.append((sure.sum() - sure[1, planted].sum()) / max(1, sure.sum()))
    assert np.mean(detected) > 0.9
    assert np.mean(false) < LEVEL + 0.03


def test_adjusted_p_values_are_benjamini_and_hochbergs() -> None:
    rng = np.random.default_rng(1)
    p_values = rng.random((3, 40)) ** 3
    p_values[0, 5:9] = p_values[0, 4]
    p_values[1] = np.nan
    adjusted = benjamini_hochberg(p_values)
    expected = stats.false_discovery_control(p_values[[0, 2]].ravel(), method="bh")
    np.testing.assert_allclose(adjusted[[0, 2]].ravel(), expected, rtol=1e-12)
    assert np.isnan(adjusted[1]).all()


@pytest.mark.long
@pytest.mark.parametrize(("mistakes", "hits"), [(7, 30), (8, 31), (40, 41), (101, 300)])
def test_intervals_are_those_of_samples_drawn_again(mistakes: int, hits: int) -> None:
    rng = np.random.default_rng(mistakes)
    values = relu_like(rng, (mistakes + hits, 6)) + np.float32(0.5)
    _, judged = one_class(values, mistakes)
    bounds = judged.interval(0, 20_000)
    deltas = np.empty((20_000, 6))
    for row in deltas:
        bad = values[rng.integers(0, mistakes, mistakes)]
        row[:] = np.median(bad, axis=0) - np.median(values[rng.integers(mistakes, len(values), hits)], axis=0)
    # Compared by their shares of the plain bootstrap: its law has steps, over which the values themselves may jump.
    for bound, share in zip(bounds, (LEVEL / 2, 1 - LEVEL / 2), strict=True):
        assert ((deltas < bound - 1e-6).mean(axis=0) <= share + 0.006).all()
        assert ((deltas <= bound + 1e-6).mean(axis=0) >= share - 0.006).all()


@pytest.mark.parametrize(("mistakes", "hits"), [(12, 100), (61, 300)])
def test_intervals_hold_the_true_difference_as_often_as_they_say(mistakes: int, hits: int) -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(20, 1, (mistakes + hits, 4000)).astype(np.float32)
    values[:mistakes] += 0.5
    _, judged = one_class(values, mistakes)
    low, high = judged.interval(0, 1000)
    assert ((low <= 0.5) & (high >= 0.5)).mean() == pytest.approx(1 - LEVEL, abs=0.02)


@pytest.mark.parametrize("count", [1, 2, 4, 5, 6])
def test_the_middle_of_a_resample_lies_where_all_resamples_together_have_it(count: int) -> None:
    every = np.sort(list(product(range(count), repeat=count)), axis=1)
    expected = np.zeros((count, count))
    np.add.at(expected, (every[:, (count - 1) // 2], every[:, count // 2]), 1 / len(every))
    drawn = np.zeros((count, count))
    np.add.at(drawn, SortedMiddle.of(count, 1).draw(100_000, *np.random.default_rng(9).spawn(2)), 1e-5)
    np.testing.assert_allclose(drawn, expected, atol=0.006)


def test_more_resamples_go_on_where_fewer_stopped() -> None:
    for count in (9, 10):
        middle = SortedMiddle.of(count, 1)
        few, more = ([*middle.draw(size, *np.random.default_rng(3).spawn(2))] for size in (50, 200))
        np.testing.assert_array_equal(few, [ranks[:50] for ranks in more])


def verdict_problem() -> tuple[SpuriousnessScores, Confidence]:
    """Make class 0 with 40 mistakes and 100 correct samples, class 1 with three mistakes, class 2 without any."""
    rng = np.random.default_rng(4)
    labels = np.repeat([0, 1, 2], [140, 53, 20])
    predictions = labels.copy()
    predictions[:40], predictions[140:143] = 1, 0
    embeddings = rng.uniform(1.0, 1.2, (len(labels), 5)).astype(np.float32)
    embeddings[:, 1] = np.where(predictions != labels, 3, 1) + rng.uniform(0, 0.4, len(labels))  # large on mistakes
    embeddings[labels == 1, 2] += (predictions != labels)[labels == 1]  # large on the three mistakes only
    embeddings[labels == 0, 2:4] -= 0.5 * (predictions != labels)[labels == 0, None]
    embeddings[labels == 1, 3] -= (predictions != labels)[labels == 1]
    embeddings[:, 4] = 0
    return judge(embeddings, labels, predictions, 3)


def test_verdicts_split_what_eq_6_selects() -> None:
    scores, judged = verdict_problem()
    assert judged.tested.tolist() == [True, False, False]
    assert np.isnan(judged.p_values[1:]).all()
    by_class, verdicts = judged.verdicts_by_class(), judged.verdicts()
    assert verdicts[1] == by_class[0, 1] == SURE
    assert by_class[1, 1] == TOO_FEW
    assert verdicts[2] == by_class[1, 2] == TOO_FEW
    assert verdicts[3] == verdicts[4] == NOT_BIASED
    assert (by_class[2] == NOT_BIASED).all()
    for threshold in (-2.0, 0.0, 0.01, 1.9, 5.0):
        np.testing.assert_array_equal(judged.verdicts(threshold) != NOT_BIASED, scores.biased(threshold))


def test_a_score_that_chance_does_not_explain_is_unsure_where_its_interval_holds_the_threshold() -> None:
    scores, judged = verdict_problem()
    low, high = judged.interval(0)
    score = scores.delta[0, 1]
    assert low[1] < score < high[1]
    for threshold, verdict in (
        (low[1] - 0.01, SURE),
        ((low[1] + score) / 2, COULD_BE_CHANCE),
        (score, NOT_BIASED),
    ):
        assert judged.verdicts_by_class(threshold)[0, 1] == verdict


def test_intervals_of_a_class_that_is_not_tested_are_unknown() -> None:
    _, judged = verdict_problem()
    low, high = judged.intervals(50)
    assert np.isfinite(low[0]).all()
    assert (low[0] <= high[0]).all()
    assert np.isnan(low[1:]).all()
    assert np.isnan(high[1:]).all()


@pytest.mark.parametrize("magnitude", [True, False])
def test_nothing_depends_on_the_block_size(magnitude: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    embeddings, labels = rng.normal(size=(120, 50)).astype(np.float16), rng.integers(0, 2, 120)
    predictions = np.where(rng.random(120) < 0.3, 1 - labels, labels)
    _, whole = judge(embeddings, labels, predictions, magnitude=magnitude)
    monkeypatch.setattr(intervals, "_VALUES_PER_BLOCK", 1)
    _, parts = judge(embeddings, labels, predictions, magnitude=magnitude)
    np.testing.assert_array_equal(whole.p_values, parts.p_values)
    np.testing.assert_array_equal(whole.intervals(40), parts.intervals(40))


def test_signed_activations_are_tested_as_they_are() -> None:
    rng = np.random.default_rng(6)
    values = rng.normal(size=(300, 2)).astype(np.float32)
    values[:60] -= 3
    for magnitude, expected in ((True, SURE), (False, NOT_BIASED)):
        assert one_class(values, 60, magnitude)[1].verdicts().tolist() == [expected] * 2


def test_scores_of_other_predictions_are_refused() -> None:
    rng = np.random.default_rng(7)
    values, labels = relu_like(rng, (60, 3)), rng.integers(0, 2, 60)
    scores = spuriousness_scores(values, labels, 1 - labels, 2)
    with pytest.raises(InputError, match="The scores are of other embeddings or predictions"):
        Confidence(values, labels, labels, scores)
    with pytest.raises(InputError, match="The scores are of other embeddings or predictions"):
        Confidence(values[:, :2], labels, 1 - labels, scores)
    with pytest.raises(InputError, match="Expected 60 labels and predictions, one per embedding, but got 60 and 59"):
        Confidence(values, labels, labels[1:], scores)


def test_a_class_is_tested_from_as_many_mistakes_as_the_scores_warn_below() -> None:
    for mistakes, tested in ((FEW_MISTAKES - 1, False), (FEW_MISTAKES, True)):
        values = np.random.default_rng(8).random((50, 2)).astype(np.float32)
        assert bool(one_class(values, mistakes)[1].tested[0]) is tested
