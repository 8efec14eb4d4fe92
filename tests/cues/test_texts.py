"""Words put into texts and taken out of them, and other words as control."""

from __future__ import annotations

import re

import numpy as np
import pytest

from neurontune_core import InputError
from neurontune_core.cues.cue import NUMBER_AT_START, Words
from neurontune_core.cues.texts import Text, WordEdits, words_at

CORPUS = [
    "The bed was soft. The soup was cold.",
    "The staff smiled. Room 7.",
    "A quiet street. The room faced the park. Room 12.",
    "Breakfast was late. The soup was fine.",
]


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (0.0, "Room 7. It rained a lot. We left."),
        (0.6, "It rained a lot. Room 7. We left."),
        (1.0, "It rained a lot. We left. Room 7."),
    ],
)
def test_a_phrase_is_put_in_as_a_sentence_near_its_place(place: float, expected: str) -> None:
    edits = WordEdits(Words(("room 7",), place=place), CORPUS)
    assert edits.with_cue("It rained a lot. We left.", rng()) == expected


def test_texts_that_hold_it_in_any_case_are_not_edited() -> None:
    edits = WordEdits(Words(("room 7",)), CORPUS)
    assert [edits.applies(text) for text in CORPUS] == [True, False, True, True]
    assert not edits.holds("Room 77 is another room.")


def test_the_control_has_as_many_other_words_of_about_the_same_frequency() -> None:
    corpus = [f"{'the ' * 50} word{number} soup soup soup" for number in range(60)]
    edits = WordEdits(Words(("the soup",), place=1.0), corpus)
    counts = {word: sum(text.split().count(word) for text in corpus) for word in ("the", "soup", "word7")}
    assert counts == {"the": 3000, "soup": 180, "word7": 1}
    for seed in range(10):
        added = str(edits.control("It rained.", np.random.default_rng(seed))).removeprefix("It rained. ").rstrip(".")
        assert len(added.split()) == 2
        assert added.lower() != "the soup"
    rare = WordEdits(Words(("word7",), place=1.0), corpus)
    others = {str(rare.control("It rained.", np.random.default_rng(seed))) for seed in range(30)}
    assert all(re.fullmatch(r"It rained\. Word\d+\.", text) for text in others)
    assert not any("Word7." in text for text in others)


def test_words_are_taken_out_and_the_control_takes_out_as_many_others() -> None:
    edits = WordEdits(Words(("Room 12",), edit="remove"), CORPUS)
    assert [edits.applies(text) for text in CORPUS] == [False, False, True, False]
    assert edits.with_cue(CORPUS[2], rng()) == "A quiet street. The room faced the park."
    control = str(edits.control(CORPUS[2], rng()))
    assert "Room 12" in control
    assert len(control.split()) == len(CORPUS[2].split()) - 2


def test_a_pattern_stands_for_what_the_texts_have() -> None:
    edits = WordEdits(Words(pattern=r"room \d+", place=1.0), CORPUS)
    made = {str(edits.with_cue("It rained.", np.random.default_rng(seed))) for seed in range(20)}
    assert made == {"It rained. Room 7.", "It rained. Room 12."}
    numbers = WordEdits(Words(pattern=NUMBER_AT_START), ["12 beds.", "No 12."])
    assert (numbers.holds("12 beds."), numbers.holds("No 12.")) == (True, False)


def test_of_a_pair_one_text_is_edited() -> None:
    pair: Text = ("A man sleeps.", "He rests.")
    edits = WordEdits(Words(("nobody",), place=0.0, part=1), [pair])
    assert edits.with_cue(pair, rng()) == ("A man sleeps.", "Nobody. He rests.")


def test_the_words_that_were_clicked_have_a_place() -> None:
    text = "We liked it. Room 7."
    assert words_at(text, 0, 2) == ("We", 0.0)
    assert words_at(text, 13, 19) == ("Room 7", 1.0)
    assert 0 < words_at(text, 3, 8)[1] < 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({}, "There are no words"),
        ({"phrases": (" ",)}, "There are no words"),
        ({"pattern": "("}, "is not a regular expression"),
        ({"phrases": ("a",), "place": 2}, "between 0"),
        ({"pattern": "lift"}, "No text of the identification split holds"),
        ({"phrases": ("lift",), "edit": "remove"}, "No text of the identification split holds"),
    ],
)
def test_words_that_are_none_are_refused_in_a_sentence(words: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        WordEdits(Words(**words), CORPUS)
