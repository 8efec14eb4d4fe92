"""The robust rule: which neurons are stable, which epochs are averaged, and when another head is kept instead."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead
from neurontune_core.identification.scorer import SpuriousnessScorer
from neurontune_core.tuning import robust
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.neurontune import neurontune
from neurontune_core.tuning.presets import PRESETS, preset
from neurontune_core.tuning.sweep import neurontune_sweep
from tests.support.tuning import QUICK, noisy

ROBUST = replace(QUICK, select="robust", stability=1.0, threshold=0.0, epochs=8)


@pytest.fixture
def data() -> tuple[LinearHead, EmbeddingSet, EmbeddingSet]:
    rng = np.random.default_rng(3)
    return LinearHead(rng.normal(size=(3, 11)) * 0.3, rng.normal(size=3) * 0.1), noisy(1, 300), noisy(2)


def drawn(neurons: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return vectors, labels and predictions of one class and a half, whose misclassified samples fire more or less."""
    rng = np.random.default_rng(5)
    labels = np.repeat([0, 1], [160, 40])
    predictions = np.where(rng.random(200) < 0.2, 1 - labels, labels)
    vectors = rng.normal(size=(200, neurons)) + 1.5
    vectors[predictions != labels] += np.linspace(-1.5, 1.5, neurons)
    return vectors.astype(np.float32), labels, predictions


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("sort", [True, False])
@pytest.mark.parametrize("magnitude", [True, False])
def test_a_lower_bound_is_the_difference_of_two_values_further_apart_in_rank(
    dtype: type, sort: bool, magnitude: bool
) -> None:
    vectors, labels, predictions = drawn()
    vectors = vectors.astype(dtype)
    bounds = SpuriousnessScorer(vectors, labels, 2, magnitude=magnitude, sort=sort).lower_bounds(predictions, 2.0)
    values = np.abs(vectors) if magnitude else vectors
    for label in (0, 1):
        bad, good = (
            np.sort(values[(labels == label) & part], axis=0).astype(np.float64)
            for part in (predictions != labels, predictions == labels)
        )
        ranks = np.sqrt(len(bad) * len(good) / (len(bad) + len(good)))  # two errors of half of this
        low, high = int(np.floor((len(bad) - 1) / 2 - ranks)), int(np.ceil((len(good) - 1) / 2 + ranks))
        np.testing.assert_allclose(bounds[label], bad[low] - good[high], rtol=1e-3, atol=1e-3)


def test_a_positive_bound_at_two_errors_means_a_positive_score_in_nearly_every_bootstrap() -> None:
    vectors, labels, predictions = drawn(neurons=300)
    bound = SpuriousnessScorer(vectors, labels, 2).lower_bounds(predictions, 2.0)[0]
    rng = np.random.default_rng(0)
    own = np.abs(vectors[labels == 0])
    wrong = (predictions != labels)[labels == 0]
    bad, good = own[wrong], own[~wrong]
    resampled = np.array(
        [
            np.median(bad[rng.integers(0, len(bad), len(bad))], axis=0)
            - np.median(good[rng.integers(0, len(good), len(good))], axis=0)
            for _ in range(300)
        ]
    )
    share = (resampled > 0).mean(axis=0)
    assert share[bound > 0].min() > 0.9
    assert (bound > 0)[share == 1.0].mean() > 0.8
    assert 20 < (bound > 0).sum() < (share > 0.5).sum()


def test_too_few_misclassified_samples_make_no_neuron_stable() -> None:
    vectors, labels, _ = drawn()
    predictions = labels.copy()
    predictions[:3] = 1
    vectors[:3] += 100
    bounds = SpuriousnessScorer(vectors, labels, 2).lower_bounds(predictions, 2.0)
    assert np.isneginf(bounds).all()


def test_the_mean_has_no_ranks_and_is_refused(data) -> None:
    with pytest.raises(InputError, match="stability"):
        neurontune(*data, replace(ROBUST, statistic="mean"))


def test_stability_masks_those_of_the_biased_neurons_whose_bound_exceeds_the_threshold(data) -> None:
    head, identification, _ = data
    scorer = SpuriousnessScorer(identification.embeddings, identification.labels, 3)
    predictions = head.predict(identification.embeddings)
    biased = scorer(predictions).delta > 0.1
    expected = (biased & (scorer.lower_bounds(predictions, 0.5) > 0.1)).any(axis=0)
    assert 0 < expected.sum() < biased.any(axis=0).sum()
    result = neurontune(*data, replace(QUICK, epochs=1, threshold=0.1, stability=0.5))
    np.testing.assert_array_equal(result.biased, expected)


def test_a_held_mask_is_kept_for_half_of_the_epochs_and_recomputed_after_them(data) -> None:
    config = replace(QUICK, epochs=8, rounds="held", learning_rate=0.05, threshold=0.3)
    counts = [record.num_biased for record in neurontune(*data, config).history]
    once = neurontune(*data, replace(config, rounds="once", epochs=4, select="last"))
    assert set(counts[:4]) == {int(once.biased.sum())}
    scorer = SpuriousnessScorer(data[1].embeddings, data[1].labels, 3)
    fifth = scorer(once.head.predict(data[1].embeddings)).biased(config.threshold)
    assert counts[4] == fifth.sum() != counts[3]


def test_the_head_averages_the_later_half_of_the_held_epochs(data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robust, "_CLEAR_LEAD", 2.0)  # no challenger wins
    monkeypatch.setattr(robust, "_CLEAR_ERRORS", 1e9)
    result = neurontune(*data, ROBUST)
    assert (result.loop, result.averaged, result.epoch) == ("stable", (4, 3), 4)
    alone = replace(ROBUST, rounds="once", select="last", epochs=4, average_epochs=2)
    expected = neurontune(*data, alone)
    assert result.biased.any()
    np.testing.assert_array_equal(result.head.weight, expected.head.weight)
    np.testing.assert_array_equal(result.biased, expected.biased)
    assert len(result.history) == 8
    assert (result.head.provenance["loop"], result.head.provenance["select"]) == ("stable", "robust")


@pytest.mark.parametrize("count", [1, 5])
def test_the_papers_loop_is_the_papers_run_bit_for_bit(data, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    def paper(runs, *_: object) -> tuple[int, list[int]]:
        worst = runs[1].worst_class
        return 1, sorted(range(len(worst)), key=lambda place: (-worst[place], place))[:count]

    monkeypatch.setattr(robust, "choose_epochs", paper)
    result = neurontune(*data, replace(ROBUST, threshold=0.25))
    alone = replace(QUICK, epochs=8, select="worst_class_accuracy", average_epochs=count)
    expected = neurontune(*data, alone)
    np.testing.assert_array_equal(result.head.weight, expected.head.weight)
    np.testing.assert_array_equal(result.biased, expected.biased)
    assert (result.history, result.epoch, result.loop) == (expected.history, expected.epoch, "paper")
    assert result.averaged == expected.averaged


class Loop:
    """A loop whose epochs' heads get so many of 100 samples of class 0 right, always the first ones; class 1 all."""

    vectors = np.concatenate([np.arange(100), np.full(100, 1000)])[:, None].astype(np.float32)
    labels = np.repeat([0, 1], 100)

    def __init__(self, *right: int) -> None:
        self.right, self.worst_class = right, [number / 100 for number in right]

    def average(self, places: list[int]) -> LinearHead:
        border = float(np.mean([self.right[place] for place in places])) - 0.5
        return LinearHead([[0.0], [1.0]], [border, 0.0])


@pytest.mark.parametrize(
    ("stable", "paper", "expected"),
    [
        ((70, 70, 70, 70), (72, 60), (0, [1])),  # two points, a standard error of 1.4
        ((70, 70, 70, 70), (74, 60), (1, [0])),  # four points
        ((70, 70, 70, 70), (50, 69), (0, [1])),
        ((70, 70, 70, 70), (70, 70), (0, [1])),  # no lead
        ((70, 70, 90, 80), (74, 74), (0, [2])),  # a recomputed epoch of the stable loop, the best alone
        ((70, 70, 80, 80), (85, 85, 85, 85, 85, 40), (1, [0, 1, 2, 3, 4])),
        ((70, 70, 70, 70), (80, 78, 78, 78, 78), (1, [0, 1, 2, 3, 4])),  # one alone has to lead five averaged clearly
        ((70, 70, 70, 70), (84, 78, 78, 78, 78), (1, [0])),
        ((70, 70, 75, 75), (77, 77), (0, [2, 3])),  # and the paper's loop that with the stable mask
        ((90, 70, 70, 70), (74, 74), (1, [0, 1])),  # the first of the held epochs is not averaged
        ((70,), (), (0, [0])),
    ],
)
def test_another_head_is_kept_only_where_its_worst_class_is_clearly_better(stable, paper, expected) -> None:
    runs = [Loop(*stable), Loop(*paper)]
    place, kept = robust.choose_epochs(runs, Loop.vectors, Loop.labels, held=2)
    assert (place, list(kept)) == expected


def test_a_small_lead_counts_where_it_is_certain() -> None:
    vectors, labels = np.repeat(Loop.vectors, 10, axis=0), np.repeat(Loop.labels, 10)
    runs = [Loop(97, 97), Loop(99)]  # 20 of 1,000, a standard error of 0.4 points
    assert robust.choose_epochs(runs, vectors, labels, held=2) == (1, [0])
    assert robust.choose_epochs(runs, Loop.vectors, Loop.labels, held=2)[0] == 0


def test_four_points_count_where_they_are_uncertain() -> None:
    vectors, labels = Loop.vectors[::4], Loop.labels[::4]  # 25 of each class
    runs = [Loop(70, 70), Loop(74)]  # one sample more, a standard error of 3.9 points
    assert robust.choose_epochs(runs, vectors, labels, held=2) == (1, [0])


def test_verdicts_overrule_both_masks(data, monkeypatch: pytest.MonkeyPatch) -> None:
    always, never = np.zeros(11, bool), np.zeros(11, bool)
    always[[1, 4]] = never[[0, 2, 5]] = True
    for loop in (0, 1):
        monkeypatch.setattr(robust, "choose_epochs", lambda *_, loop=loop: (loop, [7, 6, 2]))
        result = neurontune(*data, ROBUST, always=always, never=never)
        assert not result.head.weight[:, always].any()
        assert result.head.weight[:, never].all()
        assert result.masked_throughout[always].all()
        assert not result.biased[never].any()


def test_the_same_seed_gives_the_same_head_and_groups_move_nothing(data) -> None:
    head, identification, tuning = data
    first = neurontune(*data, ROBUST)
    groups = np.random.default_rng(0).integers(0, 4, identification.num_samples)
    grouped = replace(identification, groups=groups, group_names=("a", "b", "c", "d"))
    for again in (neurontune(*data, ROBUST), neurontune(head, grouped, tuning, ROBUST)):
        np.testing.assert_array_equal(first.head.weight, again.head.weight)
    other = neurontune(*data, replace(ROBUST, seed=1))
    assert not np.array_equal(first.head.weight, other.head.weight)


def test_without_a_mask_the_later_half_of_the_epochs_is_averaged(data) -> None:
    result = neurontune(*data, replace(ROBUST, masking=False))
    expected = neurontune(*data, replace(ROBUST, masking=False, select="last", average_epochs=4))
    np.testing.assert_array_equal(result.head.weight, expected.head.weight)
    assert (result.averaged, result.loop, result.biased.any()) == ((8, 7, 6, 5), "", False)


def test_an_epoch_of_both_loops_is_reported_once_and_a_stopped_run_has_a_head(data) -> None:
    records = []
    neurontune(*data, ROBUST, on_epoch=records.append)
    assert [record.epoch for record in records] == list(range(1, 9))
    counts = [record.num_biased for record in records[:4]]
    assert all(a == b for a, b in pairwise(counts))  # the stable mask, held
    stopped = neurontune(*data, ROBUST, on_epoch=records.append, should_stop=lambda: len(records) >= 11)
    assert stopped.stopped
    assert len(stopped.history) == 3
    with pytest.raises(InputError, match="stopped before its first epoch"):
        neurontune(*data, ROBUST, should_stop=lambda: True)


def test_where_the_papers_mask_would_leave_nothing_the_stable_one_is_used(data) -> None:
    config = replace(ROBUST, threshold=-1e6)  # every neuron of the paper's mask
    head, identification, tuning = data
    few = identification.take(np.arange(40))
    scorer = SpuriousnessScorer(few.embeddings, few.labels, 3)
    assert np.isneginf(scorer.lower_bounds(head.predict(few.embeddings), 1e6)).all()
    result = neurontune(head, few, tuning, replace(config, stability=100.0))
    assert (result.loop, result.biased.any()) == ("stable", False)
    assert "retrained without a mask" in result.warnings[-1]
    assert not any("retrained without a mask" in warning for warning in neurontune(*data, ROBUST).warnings)


def test_a_sweep_gives_the_robust_head_too(data) -> None:
    configs = [QUICK, ROBUST, replace(ROBUST, masking=False)]
    for config, outcome in zip(configs, neurontune_sweep(*data, configs), strict=True):
        alone = neurontune(*data, config)
        assert not isinstance(outcome, InputError)
        np.testing.assert_allclose(outcome.head.weight, alone.head.weight, atol=1e-5)
        assert (outcome.loop, outcome.averaged) == (alone.loop, alone.averaged)


def test_the_presets_are_the_papers_settings_and_the_robust_ones() -> None:
    assert preset("paper") == TuneConfig()
    changed = {name for name, value in vars(preset("robust")).items() if value != getattr(TuneConfig(), name)}
    assert changed == {"select", "stability"}
    assert list(PRESETS) == ["paper", "robust"]
    with pytest.raises(InputError, match="paper, robust"):
        preset("best")
