"""Every method on a planted shortcut: ERM fails, and what is meant to cure it comes near the best rule there is."""

from __future__ import annotations

import functools

import pytest

from neurontune_core import TuneConfig, evaluate
from neurontune_core.baselines.registry import METHODS
from tests.support.shortcut import ROBUST_WORST_GROUP, Problem, shortcut_problem

# Ten neurons are few for λ = 0, which takes half of those that are noise.
NEURONTUNE = TuneConfig(threshold=0.5, select="worst_class_accuracy")

CURES = {
    "neurontune": NEURONTUNE,
    "neurontune_halves": NEURONTUNE,
    "dfr": None,
    "dfr_train": None,
    "afr": None,
    "self": None,
    "bpa": None,
    "george": None,
    "group_dro": None,
    "lff": None,
    "lwbc": None,
    "xrm": None,
}
# ERM in its forms; class balance, which the shortcut survives because the classes are balanced already; and masks by
# class, which leave each side of the shortcut to the other class.
NO_CURES = {
    "erm": (None, 0.01),
    "last_layer_erm": (None, 0.5),
    "ssl_erm": (None, 0.87),
    "variable_selection": (None, 0.9),
    "masking_off": (NEURONTUNE, 0.82),
    "masks_by_class": (NEURONTUNE, 0.82),
}


@functools.cache
def problem(seed: int) -> Problem:
    return shortcut_problem(seed)


def worst_group(key: str, settings: object, seed: int) -> float:
    planted = problem(seed)
    result = METHODS[key].run(planted.head, planted.identification, planted.tuning, settings)
    accuracy = evaluate(result.head, planted.test).worst_group_accuracy
    assert accuracy is not None
    return accuracy


def test_every_method_is_set_the_problem() -> None:
    assert {*CURES, *NO_CURES} == set(METHODS)


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("key", CURES)
def test_a_cure_comes_near_the_best_rule_that_ignores_the_shortcut(key: str, seed: int) -> None:
    accuracy = worst_group(key, CURES[key], seed)
    assert ROBUST_WORST_GROUP - 0.09 < accuracy < ROBUST_WORST_GROUP + 0.01


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("key", NO_CURES)
def test_erm_and_its_kin_do_not(key: str, seed: int) -> None:
    settings, highest = NO_CURES[key]
    assert worst_group(key, settings, seed) < highest


def test_only_the_methods_that_say_so_use_groups() -> None:
    assert {key for key, method in METHODS.items() if method.uses_groups} == {"dfr", "dfr_train", "group_dro"}
