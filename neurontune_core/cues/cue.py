"""Cue: what a person pointed at, as a project keeps it: boxes in pictures, words of texts, or picked samples."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from neurontune_core.errors import InputError

Kind = Literal["box", "words", "samples"]
Edit = Literal["insert", "remove"]
NUMBER_AT_START = r"^\d+\b"
_WHOLE = 0.98  # of both sides: a box that leaves nothing of the picture
_MOST_JITTER = 0.5


@dataclass(frozen=True)
class Box:
    """A box in a picture, in fractions of the upright picture's width and height.

    Attributes:
        x, y: its left and upper edge, 0..1.
        width, height: its size, above 0.

    Raises:
        InputError: when it is empty, takes the whole picture or leaves it.

    >>> Box(0.5, 0.8, 0.4, 0.1).center
    (0.7, 0.8500000000000001)
    """

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        values = (self.x, self.y, self.width, self.height)
        if not all(math.isfinite(value) for value in values):
            raise InputError("The box has a corner that is no number; give x, y, width and height.")
        if self.width <= 0 or self.height <= 0:
            raise InputError("The box is empty; draw it over the cue, with a width and a height above 0.")
        room = 1e-6
        if min(self.x, self.y) < -room or max(self.x + self.width, self.y + self.height) > 1 + room:
            raise InputError("The box lies outside the picture; draw it inside.")
        if self.width >= _WHOLE and self.height >= _WHOLE:
            raise InputError("The box takes the whole picture, so nothing is left to compare with; draw a smaller one.")

    @property
    def center(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return left, top, right and bottom in a picture of this size, at least one pixel wide and high.

        >>> Box(0.5, 0.5, 0.25, 0.5).pixels(8, 4)
        (4, 2, 6, 4)
        """
        left, top = min(round(self.x * width), width - 1), min(round(self.y * height), height - 1)
        right = min(max(left + 1, round((self.x + self.width) * width)), width)
        return left, top, right, min(max(top + 1, round((self.y + self.height) * height)), height)


Disc = tuple[float, float, float]  # x and y of the center in fractions of width and height, radius of the shorter side


@dataclass(frozen=True)
class Pointed:
    """One picture with the place of the cue.

    Attributes:
        split: of the picture.
        sample: its id.
        box: around the cue.
        discs: where a brush passed, as discs; empty for a plain box.
    """

    split: str
    sample: str
    box: Box
    discs: tuple[Disc, ...] = ()


@dataclass(frozen=True)
class Words:
    """Words that are put into texts or taken out of them.

    Attributes:
        phrases: any of them is the cue.
        pattern: a regular expression that is the cue, such as `NUMBER_AT_START`; phrases and pattern add up.
        place: where they are put in, from the start of the text (0) to its end (1).
        part: of a pair of texts, the one that is edited: 0 or 1.
        edit: "insert" puts them into texts without them, "remove" takes them out of texts that hold them.

    Raises:
        InputError: when there is neither a phrase nor a pattern, or the pattern is none.
    """

    phrases: tuple[str, ...] = ()
    pattern: str = ""
    place: float = 0.0
    part: int = 0
    edit: Edit = "insert"

    def __post_init__(self) -> None:
        if not self.pattern and not any(phrase.strip() for phrase in self.phrases):
            raise InputError("There are no words; give a word, a phrase or a pattern.")
        if not 0 <= self.place <= 1:
            raise InputError(f"Expected a place between 0 (start of the text) and 1 (its end), but got {self.place!r}.")
        if self.part not in (0, 1) or self.edit not in ("insert", "remove"):
            raise InputError('Expected the part 0 or 1, and as edit "insert" or "remove".')
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise InputError(f'"{self.pattern}" is not a regular expression ({error}); correct it.') from None


@dataclass(frozen=True)
class Picks:
    """Samples that have the cue, and samples that have it not.

    Attributes:
        split: of the samples.
        has, has_not: their ids; without ``has_not`` it is the rest of each class.
        groups: the groups that the person named, where the picks come from groups.

    Raises:
        InputError: when no sample has the cue, or one has it and has it not.
    """

    split: str
    has: tuple[str, ...]
    has_not: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.has:
            raise InputError("No sample has the cue; pick some that have it.")
        both = set(self.has) & set(self.has_not)
        if both:
            raise InputError(f'The sample "{min(both)}" was picked as having the cue and as not having it; pick again.')


@dataclass(frozen=True)
class Cue:
    """What a person pointed at.

    Attributes:
        name: letters, digits, dots, dashes and underscores.
        definition: the pictures pointed at, the words, or the picks.
        jitter: share of the box by which place and size vary from picture to picture; 0 for none.
        created: seconds since 1970.
        by: the name of the person; empty when it is not known.

    >>> Cue("tag", (Pointed("val", "7", Box(0.5, 0.8, 0.4, 0.1)),)).kind
    'box'
    """

    name: str
    definition: tuple[Pointed, ...] | Words | Picks
    jitter: float = 0.0
    created: float = 0.0
    by: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.definition, tuple) and not self.definition:
            raise InputError("No picture was pointed at; draw a box over the cue in one.")
        if not 0 <= self.jitter <= _MOST_JITTER:
            raise InputError(f"Expected a jitter between 0 and {_MOST_JITTER:g}, but got {self.jitter!r}.")

    @property
    def kind(self) -> Kind:
        if isinstance(self.definition, Words):
            return "words"
        return "samples" if isinstance(self.definition, Picks) else "box"

    @property
    def key(self) -> str:
        """Return a digest of the definition: another cue has another one, whatever its name."""
        content = json.dumps(self.to_json()["definition"], sort_keys=True) + f" {self.jitter!r}"
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        definition = self.definition
        content = [asdict(each) for each in definition] if isinstance(definition, tuple) else asdict(definition)
        facts = {"name": self.name, "kind": self.kind, "jitter": self.jitter, "created": self.created, "by": self.by}
        return facts | {"definition": content}

    @classmethod
    def from_json(cls, content: Any) -> Cue:
        """Return the cue that `to_json` described.

        Raises:
            InputError, KeyError, TypeError: when it is none.

        >>> cue = Cue("room", Words(("room",), place=1.0))
        >>> Cue.from_json(json.loads(json.dumps(cue.to_json()))) == cue
        True
        """
        definition = content["definition"]
        kinds = {"box": _pointed, "words": _words, "samples": _picks}
        made: Any = kinds[content["kind"]](definition)
        return cls(str(content["name"]), made, float(content["jitter"]), float(content["created"]), str(content["by"]))


def box_of_discs(discs: Sequence[Disc], width: int, height: int) -> Box:
    """Return the box around the discs of a brush, cut at the edges of a picture of this size.

    Raises:
        InputError: when there is no disc, or they cover the whole picture.

    >>> box_of_discs([(0.5, 0.5, 0.25), (0.75, 0.5, 0.25)], 200, 100)
    Box(x=0.375, y=0.25, width=0.5, height=0.5)
    """
    if not discs:
        raise InputError("The brush touched nothing; paint over the cue.")
    side = min(width, height)
    left = max(0.0, min(x - radius * side / width for x, _, radius in discs))
    right = min(1.0, max(x + radius * side / width for x, _, radius in discs))
    top = max(0.0, min(y - radius * side / height for _, y, radius in discs))
    bottom = min(1.0, max(y + radius * side / height for _, y, radius in discs))
    return Box(left, top, right - left, bottom - top)


def _pointed(content: Any) -> tuple[Pointed, ...]:
    return tuple(
        Pointed(
            str(each["split"]),
            str(each["sample"]),
            Box(**each["box"]),
            tuple((float(x), float(y), float(radius)) for x, y, radius in each["discs"]),
        )
        for each in content
    )


def _words(content: Any) -> Words:
    return Words(**content | {"phrases": tuple(map(str, content["phrases"]))})


def _picks(content: Any) -> Picks:
    return Picks(str(content["split"]), *(tuple(map(str, content[name])) for name in ("has", "has_not", "groups")))
