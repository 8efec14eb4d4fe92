"""Words that stand out in a neuron's top samples."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from neurontune_core.errors import InputError
from neurontune_core.explain.words import NUMBER, distinctive_words, words_of


def test_a_word_is_where_it_says() -> None:
    text = "Don’t  panic: it's 17, naïve_x 日本!"
    assert [word.text for word in words_of(text)] == ["Don’t", "panic", ":", "it's", "17", ",", "naïve_x", "日本", "!"]
    assert all(text[word.start : word.end] == word.text for word in words_of(text))


def test_the_score_is_monroes_by_hand() -> None:
    top, rest = ["good good bad"], ["bad bad good film"]
    # prior of "good": 500 * 3 / 7; of "bad": the same
    prior = 500 * 3 / 7
    odds = [(2 + prior) / (3 + 500 - 2 - prior), (1 + prior) / (4 + 500 - 1 - prior)]
    expected = (math.log(odds[0]) - math.log(odds[1])) / math.sqrt(1 / (2 + prior) + 1 / (1 + prior))
    (result,) = distinctive_words(top, rest)
    assert (result.word, result.count_top, result.count_rest) == ("good", 2, 1)
    assert result.z == pytest.approx(expected)


def test_the_planted_word_comes_first_and_noise_stays_below_three() -> None:
    rng = np.random.default_rng(0)
    vocabulary = [f"w{number}x" for number in range(300)]

    def headlines(count: int, share_of_numbers: float) -> list[str]:
        starts = np.where(rng.random(count) < share_of_numbers, rng.integers(3, 99, count).astype(str), "the")
        return [f"{start} {' '.join(rng.choice(vocabulary, 8))}" for start in starts]

    result = distinctive_words(headlines(100, 0.8), headlines(1000, 0.1))
    assert result[0].word == NUMBER
    assert result[0].z > 6
    assert all(entry.z < 3.5 for entry in result[1:])  # 300 draws of a standard normal stay below this


def test_letter_case_and_marks_do_not_matter_and_the_limit_holds() -> None:
    result = distinctive_words(["Great! GREAT, great.", "a b c d e f"], ["so so", "not at all"], limit=3)
    assert len(result) == 3
    assert (result[0].word, result[0].count_top) == ("great", 3)


def test_sides_without_words_are_refused() -> None:
    for top, rest in (([], ["a"]), (["a"], ["..."])):
        with pytest.raises(InputError, match="no words"):
            distinctive_words(top, rest)


def test_one_word_everywhere_stands_out_nowhere() -> None:
    assert distinctive_words(["a a a"], ["a"]) == []


def test_counting_words_needs_no_torch() -> None:
    code = "import sys, neurontune_core.explain.words; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
