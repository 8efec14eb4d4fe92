"""Words that are over-represented in a neuron's top samples. Needs no torch."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from neurontune_core.errors import InputError

NUMBER = "<number>"  # stands for every word of digits: "17" and "21" are one habit of a writer
_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")


class Word(NamedTuple):
    """One word or punctuation mark and its position: ``text[start:end]``."""

    text: str
    start: int
    end: int


class DistinctiveWord(NamedTuple):
    """A word with how often it occurs in the top samples and in the others.

    Attributes:
        word: lower-case; `NUMBER` for words of digits.
        z: standard errors by which its log-odds in the top samples exceed those in the others.
    """

    word: str
    z: float
    count_top: int
    count_rest: int


def words_of(text: str) -> Iterator[Word]:
    """Yield the words and punctuation marks of a text, in order; "don't" is one word.

    >>> [word.text for word in words_of("Don't stop!")]
    ["Don't", 'stop', '!']
    """
    return (Word(match.group(), match.start(), match.end()) for match in _WORD.finditer(text))


def distinctive_words(
    top: Iterable[str], rest: Iterable[str], *, limit: int = 20, prior_words: float = 500.0
) -> list[DistinctiveWord]:
    """Find the words that are more frequent in ``top`` than in ``rest``, the clearest first.

    Log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi & Quinn 2008, Eqs. 16, 20 and 22): each word's
    prior is its share of all the texts times ``prior_words``, so that rare words need more evidence. Punctuation marks
    are not counted.

    Args:
        top: a neuron's top samples.
        rest: the samples to compare with, without those of ``top``.
        limit: words returned at most; only those with z above 0 are.
        prior_words: weight of the prior, in words.

    Raises:
        InputError: when one of the sides has no words.

    >>> words = distinctive_words(["the sea", "a sea", "by the sea"], ["the land", "a wood", "by a road"])
    >>> words[0].word, words[0].count_top, words[0].count_rest
    ('sea', 3, 0)
    """
    counts_top, counts_rest = _counts(top), _counts(rest)
    total_top, total_rest = counts_top.total(), counts_rest.total()
    if not total_top or not total_rest:
        raise InputError("There are no words in the top samples or in the others, so they cannot be compared.")
    result = []
    for word, count in counts_top.items():
        share = (count + counts_rest[word]) / (total_top + total_rest)
        if share == 1:  # there is no other word
            break
        prior = prior_words * share
        weight_top, weight_rest = count + prior, counts_rest[word] + prior
        odds_top = weight_top / (total_top + prior_words - weight_top)
        odds_rest = weight_rest / (total_rest + prior_words - weight_rest)
        z = math.log(odds_top / odds_rest) / math.sqrt(1 / weight_top + 1 / weight_rest)
        if z > 0:
            result.append(DistinctiveWord(word, z, count, counts_rest[word]))
    return sorted(result, key=lambda entry: (-entry.z, entry.word))[:limit]


def _counts(texts: Iterable[str]) -> Counter[str]:
    words = (word.text.lower() for text in texts for word in words_of(text) if word.text[0].isalnum())
    return Counter(NUMBER if word.isdigit() else word for word in words)
