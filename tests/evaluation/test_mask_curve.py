"""The curve over all thresholds beside evaluating the masked head at each of them."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation import mask_curve as module
from neurontune_core.evaluation.accuracy import evaluate
from neurontune_core.evaluation.mask_curve import MaskCurve, MaskCurves, mask_curve
from neurontune_core.head import LinearHead


def whole_numbers(
    rng: np.random.Generator, samples: int, neurons: int, classes: int, dtype: type = np.float32
) -> tuple[LinearHead, EmbeddingSet, np.ndarray]:
    """Draw small whole numbers: float32 and float64 give the same logits, exact ties between classes included."""
    labels = rng.integers(0, classes, samples)
    head = LinearHead(rng.integers(-2, 3, (classes, neurons)), rng.integers(-1, 2, classes))
    data = EmbeddingSet(
        np.maximum(rng.integers(-2, 4, (samples, neurons)), 0).astype(dtype),
        labels,
        tuple(map(str, range(classes))),
        2 * labels + rng.integers(0, 2, samples),
        tuple(map(str, range(2 * classes))),
    )
    return head, data, (rng.integers(-4, 5, neurons) / 8).astype(np.float32)


def assert_is_the_slow_way(
    curve: MaskCurve,
    head: LinearHead,
    data: EmbeddingSet,
    scores: np.ndarray,
    mask_value: float,
    always: np.ndarray,
    never: np.ndarray,
) -> None:
    for point, threshold in enumerate(curve.thresholds):
        masked = ((scores > threshold) | always) & ~never
        slow = evaluate(head.masked(np.where(masked, mask_value, 1.0)), data)
        assert curve.num_masked[point] == masked.sum()
        assert curve.accuracy[point] == slow.accuracy
        assert curve.worst_class_accuracy[point] == slow.worst_class_accuracy
        assert (None if curve.worst_group_accuracy is None else curve.worst_group_accuracy[point]) == (
            slow.worst_group_accuracy
        )


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 40), st.integers(1, 12), st.integers(2, 4), st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 2**32)
)
def test_every_point_is_the_masked_head_evaluated(
    samples: int, neurons: int, classes: int, mask_value: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    head, data, scores = whole_numbers(rng, samples, neurons, classes)
    always, never = rng.random(neurons) < 0.2, rng.random(neurons) < 0.2
    curve = mask_curve(head, data, scores, mask_value, always=always, never=never)
    assert len(curve.thresholds) == len(set(scores.tolist())) + 1
    assert set(scores.tolist()) <= set(curve.thresholds.tolist())
    assert_is_the_slow_way(curve, head, data, scores, mask_value, always, never)
    again = MaskCurves(head, data, scores, always=always, never=never)
    for another in (0.25, mask_value):
        assert_is_the_slow_way(again(another), head, data, scores, another, always, never)


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 4), st.sampled_from([0.0, 0.25, 1.0]), st.integers(-50, 50), st.integers(0, 2**32))
def test_between_the_points_that_are_kept_the_head_says_what_the_masked_one_says(
    classes: int, mask_value: float, steps: int, seed: int
) -> None:
    threshold = steps / 64  # often a score itself
    rng = np.random.default_rng(seed)
    head, data, _ = whole_numbers(rng, 40, 60, classes)
    scores = (rng.integers(-40, 41, 60) / 64).astype(np.float32)
    always, never = rng.random(60) < 0.2, rng.random(60) < 0.2
    curves = MaskCurves(head, data, scores, always=always, never=never, points=6)
    masked = ((scores > threshold) | always) & ~never
    expected = head.masked(np.where(masked, mask_value, 1.0)).predict(data.embeddings)
    np.testing.assert_array_equal(curves.predictions(threshold, mask_value), expected)
    nothing_kept = MaskCurves(head, data, scores, always=always, never=never, most_bytes=0)
    assert nothing_kept.predictions(threshold, mask_value) is None


def test_another_mask_value_takes_no_second_pass_over_the_embeddings() -> None:
    head, data, scores = whole_numbers(np.random.default_rng(6), 50, 5, 2)
    curves = MaskCurves(head, data, scores)
    expected = mask_curve(head, data, scores, 0.5).accuracy
    data.embeddings[:] = 0
    np.testing.assert_array_equal(curves(0.5).accuracy, expected)
    assert not np.array_equal(mask_curve(head, data, scores, 0.5).accuracy, expected)


def test_more_samples_than_one_block_and_half_precision_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    head, data, scores = whole_numbers(np.random.default_rng(0), 203, 30, 3, np.float16)
    monkeypatch.setattr(module, "_VALUES_PER_BLOCK", 33 * 20)
    nobody = np.zeros(30, dtype=bool)
    for mask_value in (0.0, 0.25):
        curve = mask_curve(head, data, scores, mask_value)
        assert_is_the_slow_way(curve, head, data, scores, mask_value, nobody, nobody)
        assert len(set(curve.accuracy)) > 3


def test_without_groups_the_worst_group_is_unknown() -> None:
    head, data, scores = whole_numbers(np.random.default_rng(1), 50, 5, 2)
    assert mask_curve(head, replace(data, groups=None), scores).worst_group_accuracy is None


def test_a_fully_masked_head_keeps_ties_between_equal_biases_exact() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 400)
    data = EmbeddingSet(rng.normal(size=(400, 300)), labels, ("a", "b"))
    head = LinearHead(rng.normal(size=(2, 300)), np.zeros(2))
    curve = mask_curve(head, data, rng.normal(size=300))
    assert curve.num_masked[0] == 300
    assert curve.accuracy[0] == (labels == 0).mean()  # every logit is 0, and the first class wins
    assert curve.num_masked[-1] == 0
    assert curve.accuracy[-1] == evaluate(head, data).accuracy


def test_many_neurons_are_thinned_evenly_by_rank_and_by_threshold() -> None:
    rng = np.random.default_rng(3)
    head, data, _ = whole_numbers(rng, 60, 3000, 2)
    scores = rng.standard_cauchy(3000).clip(-50, 50).astype(np.float32)
    curve = mask_curve(head, data, scores)
    assert 150 <= len(curve.thresholds) <= module.POINTS
    assert curve.num_masked[[0, -1]].tolist() == [3000, 0]
    ranks, step = -np.diff(curve.num_masked), 100 / (module.POINTS // 2 - 1)
    assert (ranks > 0).all()
    assert ranks.max() <= 3000 / (module.POINTS // 2 - 1) + (scores == 50).sum()
    for low, high in zip(curve.thresholds, curve.thresholds[1:], strict=False):
        assert not ((scores > low + 1.001 * step) & (scores < high)).any()  # a gap is wide only where no score lies
    nobody = np.zeros(3000, dtype=bool)
    assert_is_the_slow_way(curve, head, data, scores, 0.0, nobody, nobody)


def test_memory_does_not_grow_with_the_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_VALUES_PER_BLOCK", 1 << 12)
    head, data, scores = whole_numbers(np.random.default_rng(4), 8000, 64, 2, np.float16)
    mask_curve(head, data, scores)
    tracemalloc.start()
    mask_curve(head, data, scores)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < data.embeddings.nbytes / 2  # widened to float64 at once they would take four times their size


def test_a_head_or_scores_for_another_set_are_refused() -> None:
    head, data, scores = whole_numbers(np.random.default_rng(5), 20, 5, 2)
    with pytest.raises(InputError, match="Expected 5 scores, one per neuron, but got shape \\[4\\]"):
        mask_curve(head, data, scores[:4])
    with pytest.raises(InputError, match="The head does not fit"):
        mask_curve(LinearHead(np.ones((2, 6)), np.ones(2)), data, scores)
