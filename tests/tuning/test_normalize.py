"""Scaling of neurons, and that a head can be carried through it and back."""

from __future__ import annotations

import numpy as np
import pytest

from neurontune_core.head import LinearHead
from neurontune_core.tuning import normalize
from neurontune_core.tuning.normalize import Normalizer


@pytest.fixture
def embeddings() -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(size=(500, 6)) * [1, 5, 0.01, 100, 1, 2] + [0, 3, 1, 0, -7, 0]).astype(np.float32)


def test_standardize_gives_mean_zero_and_deviation_one(embeddings: np.ndarray) -> None:
    out = Normalizer.fit(embeddings, "standardize").apply(embeddings).astype(np.float64)
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(out.std(axis=0), 1, rtol=1e-4)


def test_l2_gives_root_mean_square_one_and_moves_nothing(embeddings: np.ndarray) -> None:
    normalizer = Normalizer.fit(embeddings, "l2")
    out = normalizer.apply(embeddings).astype(np.float64)
    np.testing.assert_allclose(np.sqrt((out**2).mean(axis=0)), 1, rtol=1e-5)
    np.testing.assert_array_equal(normalizer.shift, 0)


def test_none_hands_back_the_very_same_array_and_head(embeddings: np.ndarray) -> None:
    normalizer = Normalizer.fit(embeddings, "none")
    head = LinearHead(np.ones((2, 6)), np.zeros(2))
    assert normalizer.apply(embeddings) is embeddings
    assert normalizer.fold(head) is head
    assert normalizer.unfold(head) is head


@pytest.mark.parametrize("how", ["standardize", "l2"])
def test_folding_and_unfolding_change_no_logit(embeddings: np.ndarray, how: str) -> None:
    rng = np.random.default_rng(1)
    normalizer = Normalizer.fit(embeddings, how)
    head = LinearHead(rng.normal(size=(3, 6)), rng.normal(size=3))
    raw = head.logits(embeddings)
    scale = np.abs(raw).max()
    unfolded = normalizer.unfold(head)
    np.testing.assert_allclose(unfolded.logits(normalizer.apply(embeddings)), raw, atol=1e-5 * scale)
    np.testing.assert_allclose(normalizer.fold(unfolded).weight, head.weight, rtol=1e-5)
    np.testing.assert_allclose(normalizer.fold(unfolded).bias, head.bias, atol=1e-3)
    folded = normalizer.fold(head)
    inside = head.logits(normalizer.apply(embeddings))
    np.testing.assert_allclose(folded.logits(embeddings), inside, atol=1e-4 * np.abs(inside).max())


@pytest.mark.parametrize("how", ["standardize", "l2"])
@pytest.mark.parametrize("value", [0.0, 0.1, 1000.3, -3e-5])
def test_a_neuron_that_never_changes_keeps_scale_one_and_a_finite_head(how: str, value: float) -> None:
    embeddings = np.full((1000, 2), value, dtype=np.float32)
    embeddings[:, 1] = np.arange(1000)
    normalizer = Normalizer.fit(embeddings, how)
    if how == "standardize" or value == 0:
        assert normalizer.scale[0] == 1
    else:
        assert normalizer.scale[0] == pytest.approx(abs(value))
    assert np.isfinite(normalizer.apply(embeddings)).all()
    head = normalizer.fold(normalizer.unfold(LinearHead(np.ones((2, 2)), np.zeros(2))))
    np.testing.assert_allclose(head.weight, 1, rtol=1e-6)


@pytest.mark.parametrize("how", ["standardize", "l2"])
def test_half_precision_in_many_blocks_fits_as_single_precision_in_one(embeddings: np.ndarray, how: str) -> None:
    half = embeddings.astype(np.float16)
    expected = Normalizer.fit(half.astype(np.float32), how)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normalize, "_ROWS_PER_BLOCK", 7)
        fitted = Normalizer.fit(half, how)
    np.testing.assert_allclose(fitted.scale, expected.scale, rtol=1e-6)
    np.testing.assert_allclose(fitted.shift, expected.shift, rtol=1e-6)
    assert fitted.apply(half).dtype == np.float32
