"""Put words into texts at the same place, or take them out; the control does so with words of equal frequency."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from neurontune_core.cues.cue import Words
from neurontune_core.errors import InputError

Text = str | tuple[str, str]
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)]*\s+")
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_CLOSEST = 20  # words of the most similar frequency, of which a control is drawn


class WordEdits:
    """A cue of words in the texts of one dataset.

    Args:
        words: the cue.
        corpus: texts that the frequencies of words, and what a pattern stands for, are counted in.

    Raises:
        InputError: when no text holds words that are a pattern or are to be taken out.

    >>> edits = WordEdits(Words(("room 7",), place=1.0), ["The bed was soft.", "The soup was cold."])
    >>> edits.holds("We had ROOM 7."), edits.with_cue("It rained.", np.random.default_rng(0))
    (True, 'It rained. Room 7.')
    """

    def __init__(self, words: Words, corpus: Iterable[Text]) -> None:
        self.words = words
        phrases = [r"\b" + re.escape(phrase.strip()) + r"\b" for phrase in words.phrases if phrase.strip()]
        phrases = [_without_boundary(phrase) for phrase in phrases]
        self._cue = re.compile("|".join([*phrases, *([words.pattern] * bool(words.pattern))]), re.IGNORECASE)
        self._corpus = [_part(text, words.part) for text in corpus]
        if (words.pattern or words.edit == "remove") and not self._occurrences:
            shown = ", ".join(f'"{phrase}"' for phrase in (*words.phrases, words.pattern) if phrase)
            raise InputError(f"No text of the identification split holds {shown}; give words that some of them have.")

    def holds(self, text: Text) -> bool:
        """Return whether a text holds the words already."""
        return self._cue.search(_part(text, self.words.part)) is not None

    def applies(self, text: Text) -> bool:
        """Return whether the edit changes this text."""
        return self.holds(text) == (self.words.edit == "remove")

    def with_cue(self, text: Text, rng: np.random.Generator) -> Text:
        """Return the text with the words put in, or without them where the edit takes them out."""
        if self.words.edit == "remove":
            return self._replaced(text, _removed(_part(text, self.words.part), self._cue))
        return self._replaced(text, self._inserted(_part(text, self.words.part), self._phrase(rng)))

    def control(self, text: Text, rng: np.random.Generator) -> Text:
        """Return the text edited in the same way with other words of about equal frequency."""
        part = _part(text, self.words.part)
        if self.words.edit == "insert":
            phrase = self._phrase(rng)
            return self._replaced(text, self._inserted(part, _WORD.sub(lambda word: self._other(word[0], rng), phrase)))
        removed = sum(len(_WORD.findall(match[0])) for match in self._cue.finditer(part))
        others = [match for match in _WORD.finditer(part) if not self._overlaps(part, match)]
        chosen = rng.permutation(len(others))[: max(1, removed)]
        for place in sorted(chosen.tolist(), reverse=True):
            start, end = others[place].span()
            part = f"{part[:start]}{part[end:]}"
        return self._replaced(text, _tidy(part))

    @cached_property
    def _occurrences(self) -> list[str]:
        matches = (match[0].strip() for text in self._corpus for match in self._cue.finditer(text))
        return [each for each in matches if each]

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(word.lower() for text in self._corpus for word in _WORD.findall(text))

    @cached_property
    def _by_frequency(self) -> list[str]:
        return sorted(
            (word for word in self._counts if not self._cue.search(word)), key=lambda word: self._counts[word]
        )

    def _phrase(self, rng: np.random.Generator) -> str:
        choices = [phrase.strip() for phrase in self.words.phrases if phrase.strip()]
        if self.words.pattern:
            choices += self._occurrences
        return choices[rng.integers(len(choices))]

    def _other(self, word: str, rng: np.random.Generator) -> str:
        """Return another word of about the frequency of a word; of a number, another kind of word too."""
        ranked, count = self._by_frequency, self._counts[word.lower()]
        if not ranked:
            return word
        near = int(np.searchsorted([self._counts[each] for each in ranked], count))
        start = max(0, min(near - _CLOSEST // 2, len(ranked) - _CLOSEST))
        others = [each for each in ranked[start : start + _CLOSEST] if each != word.lower()] or ranked[:1]
        other = others[rng.integers(len(others))]
        return other.capitalize() if word[:1].isupper() else other

    def _inserted(self, text: str, phrase: str) -> str:
        """Return the text with a phrase as a sentence of its own, at the end of a sentence near its place."""
        ends = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
        at = min(ends, key=lambda end: abs(end - self.words.place * len(text)))
        before, after = text[:at].rstrip(), text[at:].lstrip()
        closed = not after and before[-1:] not in tuple(".!?…")
        sentence = phrase[:1].upper() + phrase[1:]
        sentence += "" if closed or phrase[-1:] in tuple(".!?…") else "."
        return " ".join(part for part in (before, sentence, after) if part)

    def _overlaps(self, text: str, word: re.Match[str]) -> bool:
        return any(match.start() < word.end() and word.start() < match.end() for match in self._cue.finditer(text))

    def _replaced(self, text: Text, part: str) -> Text:
        if isinstance(text, str):
            return part
        return (part, text[1]) if self.words.part == 0 else (text[0], part)


def words_at(text: str, start: int, end: int) -> tuple[str, float]:
    """Return the words that were clicked in a text, and their place in it: 0 at its start, 1 at its end.

    >>> words_at("We liked it. Room 7.", 13, 19)
    ('Room 7', 1.0)
    """
    phrase = text[start:end].strip()
    rest = len(text) - len(phrase)
    before, after = text[:start].strip(), text[end:].strip(" .!?…")
    place = 0.0 if not before else 1.0 if not after else min(1.0, start / max(1, rest))
    return phrase, place


def _part(text: Text, part: int) -> str:
    return text if isinstance(text, str) else text[part]


def _without_boundary(phrase: str) -> str:
    """Drop a word boundary beside a character that is no part of a word, where it would never match."""
    inner = phrase[2:-2]
    first = "" if re.match(r"\\?[^\w\\]", inner) else r"\b"
    last = "" if re.search(r"[^\w]$", inner) else r"\b"
    return f"{first}{inner}{last}"


def _removed(text: str, cue: re.Pattern[str]) -> str:
    return _tidy(cue.sub("", text))


def _tidy(text: str) -> str:
    """Return a text without the marks and spaces that are left where words were taken out."""
    text = re.sub(r"\s+([.,!?;:])", r"\1", text)
    text = re.sub(r"(^|[.!?])\s*[.,;:]+", r"\1", text)
    return re.sub(r"\s{2,}", " ", text).strip()


def described(words: Words) -> Sequence[str]:
    """Return the phrases and the pattern as they are shown."""
    return [*words.phrases, *([words.pattern] * bool(words.pattern))]
