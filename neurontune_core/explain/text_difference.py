"""Two versions of a text as pieces that are the same and pieces that differ."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

Piece = tuple[str, bool]  # text, and whether it differs from the other version

_LONG = 240  # characters of a piece that is the same, of which more are left out
_MOST_WORDS = 400  # between the first and the last difference that are compared word by word
_WORD = re.compile(r"\s+|\w+|[^\w\s]")


def text_difference(first: str, second: str) -> tuple[list[Piece], list[Piece]]:
    """Compare two texts word by word.

    Args:
        first, second: two versions of a text.

    Returns:
        The pieces of each version in order. The middle of a long piece that both share is replaced by "…".

    >>> text_difference("We loved it.", "We loved it. Room 7.")
    ([('We loved it.', False)], [('We loved it.', False), (' Room 7.', True)])
    """
    words = [_WORD.findall(text) for text in (first, second)]
    shortest = min(map(len, words))
    start = next((at for at in range(shortest) if words[0][at] != words[1][at]), shortest)
    left = shortest - start
    end = next((at for at in range(left) if words[0][-1 - at] != words[1][-1 - at]), left)
    first_middle, second_middle = (part[start : len(part) - end] for part in words)
    if max(len(first_middle), len(second_middle)) > _MOST_WORDS:
        return (
            _pieces(words[0], start, end, [("replace", first_middle)]),
            _pieces(words[1], start, end, [("replace", second_middle)]),
        )
    blocks = SequenceMatcher(None, first_middle, second_middle, autojunk=False).get_opcodes()
    return (
        _pieces(words[0], start, end, [(tag, first_middle[a:b]) for tag, a, b, _, _ in blocks]),
        _pieces(words[1], start, end, [(tag, second_middle[a:b]) for tag, _, _, a, b in blocks]),
    )


def _pieces(words: list[str], start: int, end: int, middle: list[tuple[str, list[str]]]) -> list[Piece]:
    """Return the first ``start`` words, the middle, and the last ``end`` words as pieces that are not empty."""
    blocks = [("equal", words[:start]), *middle, ("equal", words[len(words) - end :])]
    texts = [("".join(part), tag != "equal") for tag, part in blocks]
    return [(text if differs else _shortened(text), differs) for text, differs in texts if text]


def _shortened(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[: _LONG // 2]} … {text[-_LONG // 2 :]}"
