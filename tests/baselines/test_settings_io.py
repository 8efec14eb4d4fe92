"""Settings as people write them."""

from __future__ import annotations

import pytest

from neurontune_core import InputError
from neurontune_core.baselines.base import Method
from neurontune_core.baselines.registry import METHODS
from neurontune_core.baselines.settings_io import changeable_fields, changed_settings, format_value, parse_settings


@pytest.mark.parametrize("entry", METHODS.values(), ids=METHODS)
def test_every_default_can_be_written_out_and_read_back(entry: Method) -> None:
    text = {each.name: format_value(each.default) for each in changeable_fields(entry)}
    assert parse_settings(entry, text) == entry.settings()
    assert changed_settings(parse_settings(entry, text)) == {}


def test_text_becomes_numbers_grids_switches_and_choices() -> None:
    dfr = parse_settings(METHODS["dfr"], {"strengths": "1, 0.5", "refits": "3"})
    assert (dfr.strengths, dfr.refits) == ((1.0, 0.5), 3)
    tuned = parse_settings(METHODS["neurontune"], {"magnitude": "off", "select": "last", "learning_rate": "1e-4"})
    assert (tuned.magnitude, tuned.select, tuned.learning_rate) == (False, "last", 1e-4)
    assert changed_settings(tuned) == {"magnitude": False, "select": "last", "learning_rate": 1e-4}
    assert parse_settings(METHODS["dfr"], changed_settings(dfr)) == dfr


@pytest.mark.parametrize(
    ("key", "values", "sentence"),
    [
        ("dfr", {"refit": "3"}, 'DFR has no setting "refit"'),
        ("dfr", {"refits": "1.5"}, 'the setting refits has the value "1.5"'),
        ("dfr", {"refits": "inf"}, 'the setting refits has the value "inf"'),
        ("dfr", {"strengths": "1; 2"}, 'the setting strengths has the value "1; 2"'),
        ("dfr", {"strengths": ""}, "the grid is empty"),
        ("neurontune", {"magnitude": "perhaps"}, 'the setting magnitude has the value "perhaps"'),
        ("neurontune", {"select": "best"}, "Expected select to be one of"),
        ("neurontune", {"mask_value": "2"}, "Expected mask_value between 0 and 1"),
        ("neurontune", {"masking": "off"}, 'no setting "masking" that can be changed'),
        ("masking_off", {"mask_value": "0.5"}, 'no setting "mask_value" that can be changed'),
        ("afr", {"seed": "1"}, 'no setting "seed"'),
    ],
)
def test_what_cannot_be_read_is_named(key: str, values: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        parse_settings(METHODS[key], values)
