"""Settings: every class refuses values of another type, out of range or unknown, in one sentence."""

from __future__ import annotations

import json
from dataclasses import Field, asdict, dataclass, fields

import numpy as np
import pytest

from neurontune_core.baselines.registry import METHODS
from neurontune_core.errors import InputError
from neurontune_core.settings import Settings, setting
from neurontune_core.training.config import TrainConfig
from neurontune_core.tuning.config import TuneConfig

CLASSES = sorted({TuneConfig, TrainConfig, *(entry.settings for entry in METHODS.values())}, key=lambda of: of.__name__)
NUMBERS = [
    (of, each)
    for of in CLASSES
    for each in fields(of)
    if each.metadata.get("range") and not each.metadata["choices"] and not isinstance(each.default, bool)
]


def named(case: tuple[type, Field]) -> str:
    return f"{case[0].__name__}.{case[1].name}"


def of_kind(each: Field, number: object) -> object:
    return (number,) if isinstance(each.default, tuple) else number


@pytest.mark.parametrize("of", CLASSES)
def test_every_class_of_settings_is_checked_by_the_same_rules(of: type) -> None:
    assert issubclass(of, Settings)


@pytest.mark.parametrize("case", NUMBERS, ids=named)
def test_every_number_is_refused_outside_its_range_and_taken_at_its_ends(case) -> None:
    of, each = case
    low, high = each.metadata["range"]
    whole = isinstance(np.ravel(each.default)[0], np.integer)
    for end in (int(low), int(high)) if whole else (low, high):
        assert getattr(of(**{each.name: of_kind(each, end)}), each.name) == of_kind(each, end)
    for value in (low - abs(low) - 1, high + abs(high) + 1, float("nan"), float("inf")):
        with pytest.raises(InputError, match=rf"^Expected {each.name} between .* but got"):
            of(**{each.name: of_kind(each, value)})


@pytest.mark.parametrize("case", NUMBERS, ids=named)
def test_every_number_refuses_what_is_no_number(case) -> None:
    of, each = case
    for value in ("3", None, True, [], np.arange(2), 1j):
        with pytest.raises(InputError, match=rf"^Expected .*{each.name}.*\.$"):
            of(**{each.name: of_kind(each, value)})


@pytest.mark.parametrize(
    "case", [case for case in NUMBERS if isinstance(np.ravel(case[1].default)[0], np.integer)], ids=named
)
def test_every_whole_number_refuses_a_fraction(case) -> None:
    of, each = case
    for value in (2.5, 2.0, np.float64(3)):
        with pytest.raises(InputError, match=rf"^Expected {each.name} to be a whole number, but got"):
            of(**{each.name: of_kind(each, value)})


@pytest.mark.parametrize(
    ("of", "name"), [(of, each.name) for of in CLASSES for each in fields(of) if isinstance(each.default, bool)]
)
def test_a_switch_is_true_or_false(of: type, name: str) -> None:
    for value in (1, 0, "on", None):
        with pytest.raises(InputError, match=rf"^Expected {name} to be True or False, but got"):
            of(**{name: value})
    assert getattr(of(**{name: np.bool_(True)}), name) is True


def test_numbers_of_numpy_are_pythons_so_that_settings_can_be_written_and_compared() -> None:
    config = TuneConfig(epochs=np.int64(3), threshold=np.float32(0.5), seed=np.uint8(7))
    assert config == TuneConfig(epochs=3, threshold=0.5, seed=7)
    assert json.loads(json.dumps(asdict(config)))["epochs"] == 3


@dataclass(frozen=True)
class _Grids(Settings):
    rates: tuple[float, ...] = setting((0.1, 0.2), "rates", high=1)


def test_a_grid_takes_a_list_and_refuses_a_single_number_and_nothing_at_all() -> None:
    assert _Grids(rates=[1, 0.5]).rates == (1.0, 0.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^Expected rates to be a grid of values, but got 0\.5"):
        _Grids(rates=0.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^Expected at least one value for rates"):
        _Grids(rates=())
