"""The methods beside slow, independent versions on a planted shortcut: as good in the worst group, within noise."""

from __future__ import annotations

import functools
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from neurontune_core import TuneConfig, evaluate
from neurontune_core.baselines.registry import METHODS
from tests.support.peers import PEERS, run_peer
from tests.support.shortcut import Problem, shortcut_problem

SMALL: dict[str, dict[str, Any]] = {
    "neurontune": {"epochs": 6, "batches": 40},
    "masking_off": {"epochs": 6, "batches": 40},
    "group_dro": {"epochs": 4, "batches": 50},
    "afr": {"steps": 100, "gammas": (4.0, 20.0)},
    "dfr": {"refits": 4},
    "lff": {"epochs": 2, "batches": 150, "learning_rate": 0.05},
    "xrm": {"twin_steps": 300, "steps": 400},
}


@functools.cache
def problem() -> Problem:
    """Return a part of the planted shortcut."""
    whole = shortcut_problem(0)
    rng = np.random.default_rng(0)
    return whole._replace(
        identification=whole.identification.take(np.sort(rng.permutation(1000)[:400])),
        tuning=whole.tuning.take(np.sort(rng.permutation(4000)[:800])),
    )


@pytest.mark.parametrize("key", PEERS)
def test_a_method_is_as_good_as_its_slow_version(key: str) -> None:
    planted, entry = problem(), METHODS[key]
    settings = entry.settings(**SMALL[key])
    has_seed = any(field.name == "seed" for field in fields(settings))
    worst: dict[bool, list[float]] = {False: [], True: []}
    for seed in range(3 if has_seed else 1):
        own = replace(settings, seed=seed) if has_seed else settings
        if isinstance(own, TuneConfig):
            own = replace(own, masking=key == "neurontune")
        sets = planted.head, planted.identification, planted.tuning
        for slow, head in ((False, entry.run(*sets, own).head), (True, run_peer(key, *sets, own, seed))):
            result = evaluate(head, planted.test).worst_group_accuracy
            assert result is not None
            worst[slow].append(result)
    spread = np.std(worst[False]) + np.std(worst[True])
    assert np.mean(worst[False]) == pytest.approx(np.mean(worst[True]), abs=0.02 + 2 * spread)
    assert spread < 0.1
