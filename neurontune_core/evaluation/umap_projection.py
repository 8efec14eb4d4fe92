"""A map of the embeddings by UMAP, made in a job's process and kept on disk by the vectors' fingerprint."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.evaluation.projection import principal_axes

FEWEST = 10  # samples that neighbours can be spoken of
_DIMENSIONS = 50  # principal axes that neighbours are sought on
_FITTED_ON = 100_000  # beyond it samples are placed among those that were fitted: less memory, though slower a sample
_NEIGHBOURS = 15
_BLOCK = 20_000  # of more than 10,000 UMAP places in 30 steps instead of 100


def umap_map(
    embeddings: np.ndarray,
    report: Callable[..., object] = lambda **_: None,
    *,
    seed: int = 0,
    fitted_on: int = _FITTED_ON,
) -> np.ndarray:
    """[N, 2] float32, neighbours beside neighbours (McInnes et al., 2018), on the 50 largest principal axes.

    Args:
        embeddings: [N, M].
        report: called as ``report(done=, total=, message=)``; what it raises stops the work.
        seed: the same one gives the same map on the same machine.
        fitted_on: samples, drawn at random, that the map is fitted on; the others are placed among them.

    Raises:
        InputError: with fewer than 10 samples.
    """
    count = len(embeddings)
    if count < FEWEST:
        raise InputError(
            f"A map by neighbours needs at least {FEWEST} samples, and there are {count}; use the principal axes."
        )
    report(done=0, total=count, message="principal axes")
    axes = principal_axes(embeddings, min(_DIMENSIONS, *embeddings.shape), seed)
    fitted = np.sort(np.random.default_rng(seed).permutation(count)[:fitted_on])
    report(done=0, total=count, message="looking for neighbours")
    from umap import UMAP

    steps = _Steps()
    steps.tell = lambda done, total: report(done=done, total=total, message="drawing, step by step")
    progress = {"file": steps, "bar_format": "{n_fmt}/{total_fmt}", "disable": False}
    reducer = UMAP(n_neighbors=min(_NEIGHBOURS, len(fitted) - 1), random_state=seed, n_jobs=1, tqdm_kwds=progress)
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
    """[N, 2] of a kept map; None when there is none, or it is of other samples or damaged."""
    try:
        placed = np.load(file, allow_pickle=False)
    except (OSError, ValueError):
        return None
    return placed if placed.shape == (samples, 2) and np.isfinite(placed).all() else None


class _Steps:
    """A stream that UMAP's progress bar writes "12/200" to, which is told on."""

    tell: Callable[[int, int], object]

    def write(self, text: str) -> None:
        if found := re.search(r"(\d+)/([1-9]\d*)", text):
            self.tell(int(found[1]), int(found[2]))

    def flush(self) -> None:
        """Nothing is held back."""
