"""Advice on disk: what comes back, and that a partial mask is counted as a mask."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurontune_core import LinearHead, TuneConfig
from neurontune_core.advise import Advice, advise
from neurontune_core.advise.storage import load_advice, save_advice
from tests.support.shortcut import shortcut_problem

CONFIG = TuneConfig(epochs=4, batches=10, rounds="once", mask_value=0.5)  # every epoch of a run has the same mask


@pytest.fixture(scope="module")
def advice() -> Advice:
    problem = shortcut_problem(0)
    made = advise(problem.head, problem.identification, problem.tuning, CONFIG)
    return replace(made, chosen="neurontune")


def test_a_partial_mask_counts_the_neurons_that_every_run_masked(advice: Advice, tmp_path: Path) -> None:
    masks = [member.biased for member in advice.candidate.members]
    expected = np.flatnonzero(masks[0] & masks[1])
    assert 0 < len(expected) < advice.head.num_neurons
    assert advice.head.weight.any(axis=0).all(), "no column is zero, so the weights alone do not tell"
    assert np.flatnonzero(advice.candidate.masked).tolist() == expected.tolist()
    save_advice(advice, tmp_path)
    loaded = load_advice(tmp_path)
    assert loaded is not None
    assert loaded.masked == tuple(expected.tolist())


def test_heads_without_a_mask_count_no_neuron_even_where_their_weights_are_zero(advice: Advice) -> None:
    erm = advice.candidates["erm"]
    silent = replace(erm, head=LinearHead(np.zeros_like(erm.head.weight), erm.head.bias))
    assert not silent.masked.any()
    assert not advice.candidates["masking_off"].masked.any()


def test_the_saved_advice_is_what_the_sentences_say_and_the_head_is_the_advised_one(
    advice: Advice, tmp_path: Path
) -> None:
    save_advice(advice, tmp_path)
    loaded = load_advice(tmp_path)
    assert loaded is not None
    assert loaded.heads[loaded.chosen] == loaded.method
    assert loaded.sentence.startswith(f"On your data: {loaded.what}, because {loaded.reasons[0]}")
    for (accuracy, low, high), candidate in zip(loaded.worst_class, advice.candidates.values(), strict=True):
        assert accuracy == candidate.evaluation.worst_class_accuracy
        assert low <= candidate.evaluation.worst_class.interval[0] + 0.005  # it is wider where the parts differ
        assert accuracy <= high
    np.testing.assert_array_equal(LinearHead.load(tmp_path / "advised.safetensors").weight, advice.head.weight)


def test_a_folder_without_advice_or_with_a_damaged_one_has_none(tmp_path: Path) -> None:
    assert load_advice(tmp_path) is None
    for damage in ("nothing", "[]", '{"title": 1}'):
        (tmp_path / "advice.json").write_text(damage)
        assert load_advice(tmp_path) is None
