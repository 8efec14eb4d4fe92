"""The UMAP map: near stays near, and the same seed gives the same map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurontune_core import InputError
from neurontune_core.evaluation.umap_projection import read_map, umap_map


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """Draw five clouds in 60 dimensions, which no two axes separate."""
    rng = np.random.default_rng(0)
    middles = 6 * np.eye(60)[:5]
    return (middles[np.arange(240) % 5] + rng.normal(size=(240, 60))).astype(np.float32)


@pytest.mark.long
def test_clouds_stay_together_also_of_samples_placed_later_and_a_seed_repeats(vectors: np.ndarray) -> None:
    reports: list[dict[str, Any]] = []
    placed = umap_map(vectors, lambda **news: reports.append(news), fitted_on=200)
    distance = np.linalg.norm(placed[:, None] - placed[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    nearest = distance.argmin(axis=1)
    assert (nearest % 5 == np.arange(240) % 5).mean() > 0.95
    drawing = [news for news in reports if news["message"] == "drawing, step by step"]
    assert drawing[-1]["done"] == drawing[-1]["total"]
    np.testing.assert_array_equal(umap_map(vectors, fitted_on=200), placed)


def test_a_saved_map_is_read_for_its_own_samples_and_only_whole(tmp_path: Path) -> None:
    file, places = tmp_path / "map.npy", np.arange(20, dtype=np.float32).reshape(10, 2)
    assert read_map(file, 10) is None
    np.save(file, places)
    np.testing.assert_array_equal(read_map(file, 10), places)
    assert read_map(file, 9) is None
    for damage in (np.nan, np.inf):
        damaged = places.copy()
        damaged[3, 1] = damage
        np.save(file, damaged)
        assert read_map(file, 10) is None
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    assert read_map(file, 1) is None
    file.write_bytes(b"no array")
    assert read_map(file, 10) is None


def test_too_few_samples_are_refused_in_words(vectors: np.ndarray) -> None:
    with pytest.raises(InputError, match="needs at least 10 samples, and there are 9"):
        umap_map(vectors[:9])
