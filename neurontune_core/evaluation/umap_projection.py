"""A map of the embeddings by UMAP."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.evaluation.projection import principal_axes

FEWEST = 10  # samples that have neighbors
_DIMENSIONS = 50  # principal axes on which neighbors are searched
_FITTED_ON = 100_000  # further samples are placed among the fitted ones: less memory, though slower per sample
_NEIGHBORS = 15
_BLOCK = 20_000  # samples placed at once; above 10,000 UMAP takes 30 steps instead of 100


def umap_map(
    embeddings: np.ndarray,
    report: Callable[..., object] = lambda **_: None,
    *,
    seed: int = 0,
    fitted_on: int = _FITTED_ON,
) -> np.ndarray:
    """Place the samples on a plane, neighbors beside neighbors (McInnes et al., 2018), from 50 principal axes.

    Args:
        embeddings: [N, M].
        report: called as ``report(done=, total=, message=)``; what it raises stops the work.
        seed: the same seed gives the same map on the same machine.
        fitted_on: samples, drawn at random, that the map is fitted on; the others are placed among them.

    Returns:
        [N, 2] float32.

    Raises:
        InputError: with fewer than 10 samples.
    """
    count = len(embeddings)
    if count < FEWEST:
        raise InputError(
            f"A map by neighbors needs at least {FEWEST} samples, and there are {count}; use the principal axes."
        )
    report(done=0, total=count, message="principal axes")
    axes = principal_axes(embeddings, min(_DIMENSIONS, *embeddings.shape), seed)
    fitted = np.sort(np.random.default_rng(seed).permutation(count)[:fitted_on])
    report(done=0, total=count, message="searching for neighbors")
    from umap import UMAP

    steps = _Steps()
    steps.tell = lambda done, total: report(done=done, total=total, message="drawing, step by step")
    progress = {"file": steps, "bar_format": "{n_fmt}/{total_fmt}", "disable": False}
    reducer = UMAP(n_neighbors=min(_NEIGHBORS, len(fitted) - 1), random_state=seed, n_jobs=1, tqdm_kwds=progress)
    placed = np.empty((count, 2), dtype=np.float32)
    placed[fitted] = reducer.fit_transform(axes[fitted])
    rest = np.setdiff1d(np.arange(count), fitted)
    for start in range(0, len(rest), _BLOCK):
        rows = rest[start : start + _BLOCK]
        before = len(fitted) + start

        def tell(done: int, total: int, before: int = before, size: int = len(rows)) -> None:
            report(done=before + size * done // total, total=count, message="placing the others")

        tell(0, 1)
        steps.tell = tell
        placed[rows] = reducer.transform(axes[rows])
    return placed


def read_map(file: Path, samples: int) -> np.ndarray | None:
    """Read a saved map, [N, 2]; None when there is none, or when it is of other samples or damaged."""
    try:
        placed = np.load(file, allow_pickle=False)
    except (OSError, ValueError):
        return None
    return placed if placed.shape == (samples, 2) and np.isfinite(placed).all() else None


class _Steps:
    """A stream to which UMAP's progress bar writes "12/200"; it passes the numbers on."""

    tell: Callable[[int, int], object]

    def write(self, text: str) -> None:
        if match := re.search(r"(\d+)/([1-9]\d*)", text):
            self.tell(int(match[1]), int(match[2]))

    def flush(self) -> None:
        """Keep nothing back."""
