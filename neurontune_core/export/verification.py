"""What every exported file is held to: read back, and the same."""

from __future__ import annotations

import numpy as np

TOLERANCE = 1e-5  # of logits after a reload; for a second implementation, of the largest logit where that is above 1


class VerificationError(RuntimeError):
    """A file that was read back differs from what was written; nothing is exported."""


def require(right: bool, name: str, what: str) -> None:
    """Raise where a file is not right.

    Args:
        right: whether it is.
        name: of the file.
        what: is wrong with it, as a clause.

    Raises:
        VerificationError: naming the file.

    >>> require(False, "mask.json", "is empty")
    Traceback (most recent call last):
    neurontune_core.export.verification.VerificationError: mask.json was read back, and is empty; nothing was exported.
    """
    if not right:
        raise VerificationError(f"{name} was read back, and {what}; nothing was exported.")


def largest_difference(a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest absolute difference of two arrays of one shape.

    >>> largest_difference(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    2.0
    """
    return float(np.abs(a - b).max())
