"""How sure heads are of one sample."""

from __future__ import annotations

import numpy as np
import torch

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.evaluation.probabilities import class_probabilities


def test_probabilities_are_torchs_softmax_and_the_own_class_is_always_there() -> None:
    rng = np.random.default_rng(0)
    names = tuple(f"class {label}" for label in range(20))
    heads = {name: LinearHead(rng.normal(size=(20, 6)), rng.normal(size=20)) for name in ("before", "after")}
    samples = EmbeddingSet(rng.normal(size=(50, 6)).astype(np.float32), rng.integers(0, 20, 50), names)
    for row in range(50):
        probabilities = class_probabilities(heads, samples, row, most=3)
        vector = torch.from_numpy(samples.embeddings[row])
        expected = {
            name: torch.softmax(torch.tensor(head.weight) @ vector + torch.tensor(head.bias), 0)
            for name, head in heads.items()
        }
        listed = [names.index(name) for name, _ in probabilities]
        assert samples.labels[row] in listed
        assert 3 <= len(listed) <= 4
        for label, (_, under) in zip(listed, probabilities, strict=True):
            for name, share in under.items():
                np.testing.assert_allclose(share, float(expected[name][label]), rtol=1e-5)
        assert int(expected["before"].argmax()) in listed
        after = [under["after"] for _, under in probabilities]
        assert after == sorted(after, reverse=True)
