"""Projection of the embeddings onto their principal axes."""

from __future__ import annotations

import numpy as np

from neurontune_core.kernels.half import as_float32

_FITTED_ON = 20_000  # samples that the axes are fitted on
_ROWS_PER_BLOCK = 2_048  # projected at a time


def principal_axes(embeddings: np.ndarray, dimensions: int = 2, seed: int = 0) -> np.ndarray:
    """Project the samples onto the axes of largest variance (PCA).

    The axes are fitted on at most 20,000 samples. The sign of an axis is such that its largest loading is positive, so
    that a map does not flip from one machine to another.

    Args:
        embeddings: [N, M].
        dimensions: axes; those beyond N or M are 0.
        seed: which samples the axes are fitted on.

    Returns:
        [N, dimensions] float32.

    >>> principal_axes(np.array([[0.0, 1.0], [4.0, 1.0]])).tolist()
    [[-2.0, 0.0], [2.0, 0.0]]
    """
    from sklearn.decomposition import PCA

    rows = np.random.default_rng(seed).permutation(len(embeddings))[:_FITTED_ON]
    sample = as_float32(embeddings[np.sort(rows)])
    projected = np.zeros((len(embeddings), dimensions), dtype=np.float32)
    if len(sample) < 2:
        return projected
    count = min(dimensions, *sample.shape)
    pca = PCA(count, random_state=seed, copy=False).fit(sample)  # the sample is a copy already
    signs = np.sign(pca.components_[np.arange(count), np.abs(pca.components_).argmax(axis=1)])
    for start in range(0, len(embeddings), _ROWS_PER_BLOCK):
        block = as_float32(embeddings[start : start + _ROWS_PER_BLOCK])
        projected[start : start + _ROWS_PER_BLOCK, :count] = pca.transform(block) * signs
    return projected
