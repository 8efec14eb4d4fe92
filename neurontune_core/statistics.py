"""Statistics of counts and of repeated runs: intervals, tests, corrections, spread. Light: it imports no scipy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_Z = 1.959963984540054  # the 97.5 % point of the normal distribution: intervals of 95 %


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over seeds, folds or draws: what is printed as "74.5 ± 1.1".

    The deviation is that of a sample (ddof 1, divided by n - 1): the seeds are a few of many possible ones. Of a single
    value it is 0, and no "±" is printed.

    Attributes:
        mean: the arithmetic mean.
        sd: the sample standard deviation; 0 for one value.

    >>> spread = Spread.of([0.70, 0.74, 0.78])
    >>> spread.percent()
    '74.0 ± 4.0'
    """

    mean: float
    sd: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Compute the spread of at least one value."""
        return cls(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0)

    def percent(self, *, with_zero: bool = False) -> str:
        """Return "74.5 ± 1.1" for shares of 1; a deviation of 0 is only printed ``with_zero``."""
        return f"{100 * self.mean:.1f}" + (f" ± {100 * self.sd:.1f}" if self.sd or with_zero else "")


def wilson_interval(correct: int, n: int) -> tuple[float, float]:
    """Compute the 95 % Wilson score interval of a proportion (Wilson, 1927).

    Args:
        correct: successes.
        n: trials.

    Returns:
        low and high, in 0..1; (0, 1) without trials.

    >>> [round(end, 3) for end in wilson_interval(8, 10)]
    [0.49, 0.943]
    """
    if n == 0:
        return 0.0, 1.0
    p, z2 = correct / n, _Z * _Z
    center = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * np.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, float(center - half)), min(1.0, float(center + half))


def mcnemar(fixed: int, broken: int) -> float:
    """Compute the exact two-sided p-value that so lopsided a split of the changed samples is chance (McNemar, 1947).

    If neither head were better, each changed sample would be fixed or broken with even odds: the binomial tail of the
    smaller count, doubled, and 1 at most.

    Args:
        fixed: samples that only the second head gets right.
        broken: samples that only the first head gets right.

    >>> round(mcnemar(9, 1), 4)
    0.0215
    """
    n = fixed + broken
    log_all = math.lgamma(n + 1) - n * math.log(2)
    tail = math.fsum(
        math.exp(log_all - math.lgamma(k + 1) - math.lgamma(n - k + 1)) for k in range(min(fixed, broken) + 1)
    )
    return min(1.0, 2 * tail)


def benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    """Adjust p-values for how many there are (Benjamini and Hochberg, 1995).

    Calling those at most α discoveries keeps the expected share of false ones at α, for independent and for positively
    dependent tests (Benjamini and Yekutieli, 2001); where all is noise, that is the chance of any discovery at all.

    Args:
        p_values: of any shape; NaN is no test.

    Returns:
        the adjusted p-values in the same shape; NaN stays NaN.

    >>> benjamini_hochberg(np.array([0.01, 0.04, np.nan, 0.02])).round(3).tolist()
    [0.03, 0.04, nan, 0.03]
    """
    adjusted = np.full(p_values.shape, np.nan)
    tests = np.isfinite(p_values)
    flat = p_values[tests]
    order = np.argsort(flat)
    scaled = flat[order] * len(flat) / np.arange(1, len(flat) + 1)
    flat[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    adjusted[tests] = flat
    return adjusted


def student_t(freedom: int) -> float:
    """Compute the 97.5 % point of Student's t, by its expansion around the normal one (Hill, 1970).

    Args:
        freedom: degrees of freedom; below 4 the expansion is too small, so the exact values stand for those.

    >>> [round(student_t(freedom), 2) for freedom in (1, 2, 3, 6, 30)]
    [12.71, 4.3, 3.18, 2.45, 2.04]
    """
    exact = {0: math.inf, 1: 12.7062, 2: 4.3027, 3: 3.1824}
    if freedom in exact:
        return exact[freedom]
    z, n = _Z, freedom
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )
