"""Principal axes beside numpy's singular value decomposition."""

from __future__ import annotations

import numpy as np
import pytest

from neurontune_core.evaluation.projection import principal_axes


def test_principal_axes_are_those_of_the_singular_value_decomposition() -> None:
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(200, 6)) * [5, 3, 1, 1, 1, 1] + 2).astype(np.float32)
    placed = principal_axes(vectors)
    centered = vectors - vectors.mean(axis=0)
    _, _, axes = np.linalg.svd(centered, full_matrices=False)
    for place in range(2):
        expected = centered @ axes[place]
        assert abs(np.corrcoef(placed[:, place], expected)[0, 1]) == pytest.approx(1, abs=1e-4)
        assert placed[:, place].var() == pytest.approx(expected.var(), rel=1e-3)


def test_an_axis_points_to_where_its_largest_loading_is_positive() -> None:
    rng = np.random.default_rng(1)
    spread = rng.normal(size=200)
    for signs in ([1, -0.4], [-1, 0.4], [1, 0.4], [-1, -0.4]):
        vectors = (spread[:, None] * signs + 0.01 * rng.normal(size=(200, 2))).astype(np.float32)
        placed = principal_axes(vectors)[:, 0]  # along the first neuron, whichever way the second goes
        assert np.corrcoef(placed, vectors[:, 0])[0, 1] > 0.999


@pytest.mark.parametrize("shape", [(2, 5), (5, 1), (1, 1)])
def test_the_map_has_two_axes_however_small_the_set(shape: tuple[int, int]) -> None:
    placed = principal_axes(np.arange(np.prod(shape), dtype=np.float32).reshape(shape))
    assert placed.shape == (shape[0], 2)
    assert np.isfinite(placed).all()
