"""What an attribute alone does to each neuron, measured on pairs of samples that differ in the attribute alone."""

from __future__ import annotations

import numpy as np

from neurontune_core.errors import InputError

_ROWS_PER_BLOCK = 4096  # of embeddings that are held in double precision at once


def paired_change(embeddings: np.ndarray, without: np.ndarray, with_attribute: np.ndarray) -> np.ndarray:
    """Compute how far the attribute alone moves each neuron, in standard deviations of the neuron.

    The mean over the pairs of (activation with - activation without), divided by the standard deviation of the neuron
    over all samples. It measures what a neuron responds to. Pairs rest on group labels, so it is no input of scores,
    masks, retraining or advice.

    Args:
        embeddings: [N, M] activations.
        without, with_attribute: [P] rows of the members of each pair (`evaluation.pairs.find_pairs`).

    Returns:
        [M] float64: 0.5 says that the attribute raises the activation by half a standard deviation, a negative number
        that it lowers it. 0 for a neuron that is the same on every sample.

    Raises:
        InputError: without pairs, or when the two members' rows are not as many.

    >>> tag, face = np.array([0.0, 1.0, 0.0, 1.0]), np.array([3.0, 3.0, 5.0, 5.0])
    >>> paired_change(np.stack([tag, face], axis=1), np.array([0, 2]), np.array([1, 3])).tolist()
    [2.0, 0.0]
    """
    without, with_attribute = np.asarray(without), np.asarray(with_attribute)
    if without.shape != with_attribute.shape or not len(without):
        raise InputError(
            f"Expected the two rows of at least one pair, but got {len(without)} rows without the attribute and "
            f"{len(with_attribute)} with it."
        )
    change = np.zeros(embeddings.shape[1])
    for start in range(0, len(without), _ROWS_PER_BLOCK):
        block = slice(start, start + _ROWS_PER_BLOCK)
        change += embeddings[with_attribute[block]].astype(np.float64).sum(axis=0)
        change -= embeddings[without[block]].astype(np.float64).sum(axis=0)
    deviation = neuron_deviation(embeddings)
    moves = deviation > 0
    return np.divide(change / len(without), deviation, out=np.zeros_like(change), where=moves)


def neuron_deviation(embeddings: np.ndarray) -> np.ndarray:
    """Return [M] float64 standard deviations of neurons over the samples, in blocks rather than in one copy.

    Args:
        embeddings: [N, M] activations.

    >>> neuron_deviation(np.array([[0.0, 3.0], [2.0, 3.0]])).tolist()
    [1.0, 0.0]
    """
    blocks = [slice(start, start + _ROWS_PER_BLOCK) for start in range(0, len(embeddings), _ROWS_PER_BLOCK)]
    mean = sum(embeddings[block].sum(axis=0, dtype=np.float64) for block in blocks) / len(embeddings)
    squares = sum(np.square(embeddings[block] - mean).sum(axis=0) for block in blocks)
    return np.sqrt(squares / len(embeddings))
