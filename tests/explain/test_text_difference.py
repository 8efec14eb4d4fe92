"""The difference of two texts: it gives both back, and marks what differs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurontune_core.explain.text_difference import text_difference

SENTENCES = st.lists(st.sampled_from(["a", "room", " ", "7", ".", "\n", "<b>", "é"]), max_size=12).map("".join)


@settings(max_examples=200, deadline=None)
@given(first=SENTENCES, second=SENTENCES)
def test_the_pieces_are_the_texts_and_what_is_not_marked_is_in_both(first: str, second: str) -> None:
    left, right = text_difference(first, second)
    assert "".join(text for text, _ in left) == first
    assert "".join(text for text, _ in right) == second
    same = ["".join(text for text, differs in side if not differs) for side in (left, right)]
    assert same[0] == same[1]
    assert (first == second) == (not any(differs for _, differs in (*left, *right)))


@pytest.mark.parametrize(
    ("first", "second", "marked"),
    [
        ("It is not bad.", "It is bad.", [["not "], []]),
        ("a red car", "a blue car", [["red"], ["blue"]]),
        ("", "Room 7.", [[], ["Room 7."]]),
        ("old old", "old", [[" old"], []]),
    ],
)
def test_the_words_that_differ_are_marked(first: str, second: str, marked: list[list[str]]) -> None:
    assert [[text for text, differs in side if differs] for side in text_difference(first, second)] == marked


def test_the_middle_of_what_is_long_and_the_same_is_left_out() -> None:
    long = "word " * 200
    left, right = text_difference(f"{long}here", f"{long}there")
    assert " … " in left[0][0]
    assert len(left[0][0]) < 300
    assert left[1:] == [("here", True)]
    assert right[1:] == [("there", True)]


def test_very_different_long_texts_are_marked_whole_at_once() -> None:
    first, second = ("a b " * 20_000), ("c d " * 20_000)
    left, right = text_difference(first, second)
    assert [differs for _, differs in left if _.strip()] == [True]
    assert [differs for _, differs in right if _.strip()] == [True]
