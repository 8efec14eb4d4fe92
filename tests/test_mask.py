"""The mask: a user's verdicts over the scores, and the file that keeps it."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from neurontune_core.advise.crossfit import CrossFitter
from neurontune_core.errors import InputError
from neurontune_core.evaluation.mask_curve import MaskCurves
from neurontune_core.files import read_json, write_json
from neurontune_core.head import LinearHead
from neurontune_core.mask import Mask, check_verdicts, with_verdicts
from neurontune_core.tuning.mask_rule import MaskRule
from neurontune_core.tuning.neurontune import neurontune
from tests.support.tuning import QUICK, noisy

HEAD = LinearHead(np.random.default_rng(3).normal(size=(3, 11)) * 0.3, np.zeros(3))
BAD_VERDICTS = {
    "one for all": [True],
    "too many": np.ones(12, bool),
    "neuron numbers": np.arange(11),
    "a matrix": np.ones((3, 11), bool),
    "a single value": True,
    "words": ["spurious"] * 11,
}


def test_a_neuron_is_masked_when_it_is_biased_or_judged_spurious_and_not_judged_core() -> None:
    rows = np.array(list(product([False, True], repeat=3)))
    expected = [(biased or spurious) and not core for biased, spurious, core in rows.tolist()]
    assert with_verdicts(*rows.T).tolist() == expected
    by_class = np.stack([rows[:, 0], ~rows[:, 0]])
    both = with_verdicts(by_class, rows[:, 1], rows[:, 2])
    assert both[0].tolist() == expected
    assert both[1].tolist() == [(not biased or spurious) and not core for biased, spurious, core in rows.tolist()]


def test_without_verdicts_the_scores_decide_alone() -> None:
    biased = np.array([True, False])
    assert with_verdicts(biased).tolist() == [True, False]
    assert with_verdicts(biased, never=[True, True]).tolist() == [False, False]
    assert with_verdicts(biased, always=[False, True]).tolist() == [True, True]


@pytest.mark.parametrize("name", ["always", "never"])
@pytest.mark.parametrize("bad", BAD_VERDICTS.values(), ids=list(BAD_VERDICTS))
def test_verdicts_that_are_not_a_boolean_for_each_neuron_are_refused_wherever_they_are_taken(name: str, bad) -> None:
    data = noisy(1)
    sentence = rf"^Expected {name} to be 11 booleans, one per neuron, but got"
    for take in (
        lambda: check_verdicts(name, bad, 11),
        lambda: with_verdicts(np.zeros(11, bool), **{name: bad}),
        lambda: MaskRule(QUICK, HEAD.weight.shape, **{"always": None, "never": None} | {name: bad}),
        lambda: neurontune(HEAD, data, data, QUICK, **{name: bad}),
        lambda: MaskCurves(HEAD, data, np.zeros(11, np.float32), **{name: bad}),
        lambda: CrossFitter(HEAD, data, data, QUICK, **{name: bad}),
    ):
        with pytest.raises(InputError, match=sentence):
            take()


@pytest.mark.parametrize("neuron", [-1, 4])
def test_a_mask_file_that_names_a_neuron_which_does_not_exist_is_refused(tmp_path: Path, neuron: int) -> None:
    file = tmp_path / "mask.json"
    Mask(np.array([True, False, False, True]), 0.5, 0.0).save(file)
    assert Mask.load(file).biased.tolist() == [True, False, False, True]
    write_json(file, read_json(file) | {"biased": [0, neuron]})
    with pytest.raises(InputError, match=r"names a neuron outside 0\.\.3"):
        Mask.load(file)
