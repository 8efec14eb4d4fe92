"""A head that makes mistakes, and the sets to identify and to tune on."""

from __future__ import annotations

import numpy as np
import pytest

from neurontune_core import EmbeddingSet, LinearHead
from tests.support.tuning import noisy


@pytest.fixture
def data() -> tuple[LinearHead, EmbeddingSet, EmbeddingSet]:
    rng = np.random.default_rng(3)
    return LinearHead(rng.normal(size=(3, 11)) * 0.3, rng.normal(size=3) * 0.1), noisy(1), noisy(2)
