"""The orders of `identify`, held against numpy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurontune_core import EmbeddingSet, LinearHead
from tests.support.cli import M, N, ask, call, complaint


def test_identify_orders_by_the_class_with_most_mistakes_or_as_the_paper_and_the_biased_stay(folder: Path) -> None:
    samples, head = EmbeddingSet.load(folder / "val"), LinearHead.load(folder / "head.safetensors")
    vectors = np.abs(np.asarray(samples.embeddings))
    wrong = (vectors @ head.weight.T + head.bias).argmax(axis=1) != samples.labels
    own = [samples.labels == label for label in (0, 1)]
    delta = [np.median(vectors[wrong & each], axis=0) - np.median(vectors[~wrong & each], axis=0) for each in own]
    counts = [int((wrong & each).sum()) for each in own]
    assert min(counts) >= 5
    most = int(np.argmax(counts))
    base = ["identify", "--identification", folder / "val", "--head", folder / "head.safetensors"]
    by_class, paper = ask(*base), ask(*base, "--order", "paper")
    assert (by_class["order"], by_class["order_class"]) == ("class", ("land", "water")[most])
    assert by_class["scores"] == pytest.approx(delta[most].tolist(), abs=1e-6)
    ends, score = by_class["lower_ends"], by_class["scores"]
    assert by_class["ranking"] == sorted(range(M), key=lambda neuron: (score[neuron] <= 0, -ends[neuron]))
    assert all(low <= score for low, score in zip(ends, by_class["scores"], strict=True))
    largest = np.max(delta, axis=0)
    assert paper["ranking"] == sorted(range(M), key=lambda neuron: -largest[neuron])
    assert (paper["order_class"], paper["lower_ends"], paper["response"]) == (None, None, None)
    assert paper["biased"] == by_class["biased"]
    text = call(*base).output
    assert f"which has most misclassified samples ({counts[most]})" in text
    first = next(line for line in text.splitlines() if line.startswith("1 ")).split()
    assert int(first[1]) == by_class["ranking"][0]
    assert "has no pairs" in complaint(*base, "--order", "response")


def test_identify_orders_by_what_responds_to_the_attribute_of_pairs(folder: Path) -> None:
    samples = EmbeddingSet.load(folder / "val")
    assert samples.groups is not None
    rows = [np.flatnonzero(samples.groups == group)[:15] for group in range(4)]
    pairs = np.full(N, None, dtype=object)
    for label in (0, 1):
        for without, with_it, number in zip(rows[2 * label], rows[2 * label + 1], range(15), strict=True):
            pairs[without] = pairs[with_it] = f"{label} {number}"
    replace(samples, pairs=pairs).save(folder / "paired")
    answer = ask("identify", "--identification", folder / "paired", "--head", folder / "head.safetensors",
                 "--order", "response")  # fmt: skip
    vectors = np.asarray(samples.embeddings, dtype=float)
    with_it, without = np.concatenate([rows[1], rows[3]]), np.concatenate([rows[0], rows[2]])
    change = (vectors[with_it] - vectors[without]).mean(axis=0) / vectors.std(axis=0)
    assert answer["response"]["change"] == pytest.approx(change.tolist(), abs=1e-6)
    assert (answer["response"]["attribute"], answer["response"]["uses_group_labels"]) == ("water", True)
    assert answer["ranking"] == sorted(range(M), key=lambda neuron: -abs(change[neuron]))
    assert answer["ranking"][0] == 1
