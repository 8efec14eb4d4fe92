"""Positions of a selection in a URL."""

from __future__ import annotations

import base64
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurontune_core.session.index_ranges import format_ranges, pack_int32, parse_ranges, positions_of


@given(st.sets(st.integers(0, 300)), st.integers(0, 400))
def test_what_is_written_is_read_back_as_far_as_the_list_goes(places: set[int], count: int) -> None:
    assert parse_ranges(format_ranges(places), count) == sorted(place for place in places if place < count)


def test_neighbors_are_written_as_ranges() -> None:
    assert format_ranges([12, 0, 1, 2, 5, 6]) == "0-2,5-6,12"
    assert format_ranges(range(10_000)) == "0-9999"
    assert format_ranges([]) == ""


@pytest.mark.parametrize(
    ("text", "places"),
    [("", []), ("x", []), ("1,x,3", [1, 3]), ("-2", []), ("3-1", []), ("0-99999999999", []), ("2-999999999", [2, 3])],
)
def test_what_makes_no_sense_in_a_url_is_left_out(text: str, places: list[int]) -> None:
    assert parse_ranges(text, 4) == places


def test_numbers_are_packed_as_little_endian_int32() -> None:
    numbers = [0, 1, 70_000, 2**31 - 1]
    assert list(struct.unpack("<4i", base64.b64decode(pack_int32(numbers)))) == numbers
    assert pack_int32([]) == ""


def test_chosen_rows_become_their_positions() -> None:
    assert positions_of([9, 4, 5], np.array([7, 5, 9])) == [1, 2]
    assert positions_of([], [1, 2]) == []
