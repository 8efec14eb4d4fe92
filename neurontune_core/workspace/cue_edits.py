"""Edits of cues: which are listed, and which one is the source of the mask."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from neurontune_core.errors import InputError
from neurontune_core.mask import MaskSource


@dataclass(frozen=True)
class CueListed:
    """A cue was made, or removed from the list; its files stay, so that it can be undone.

    Attributes:
        cue: its name.
        added: True when it was made.
        at, by: as in `journal.Judgment`.
    """

    cue: str
    added: bool
    at: float = 0.0
    by: str = ""


@dataclass(frozen=True)
class CueSetting:
    """A cue as the source of the mask.

    Attributes:
        cue: its name.
        effect: the threshold of the effect, in standard deviations.
        source: "cue" masks the neurons that respond to it, "both" those that the scores select, too.

    Raises:
        InputError: when the effect is negative, or the source is none.
    """

    cue: str
    effect: float
    source: MaskSource = "cue"

    def __post_init__(self) -> None:
        if not 0 <= self.effect < math.inf:
            raise InputError(f"Expected an effect of 0 or more standard deviations, but got {self.effect:g}.")
        if self.source not in get_args(MaskSource):
            raise InputError(f'The source of a mask is "cue" or "both", but got "{self.source}".')


@dataclass(frozen=True)
class CueMove:
    """The source of the mask changed: another cue, another threshold of its effect, or none.

    Attributes:
        cue_before, cue_after: the settings; None where the mask goes by score alone.
        at, by: as in `journal.Judgment`.
    """

    cue_before: CueSetting | None
    cue_after: CueSetting | None
    at: float = 0.0
    by: str = ""


@dataclass(frozen=True)
class CueRenamed:
    """A cue got another name.

    Attributes:
        name_before, name_after: the names.
        at, by: as in `journal.Judgment`.
    """

    name_before: str
    name_after: str
    at: float = 0.0
    by: str = ""


CueEdit = CueListed | CueMove | CueRenamed


def listed_cues(edits: Sequence[object]) -> tuple[str, ...]:
    """Return the names of the cues that these edits leave in the list, in the order in which they were made."""
    listed: dict[str, None] = {}
    for edit in edits:
        if isinstance(edit, CueListed):
            listed.pop(edit.cue, None)
            listed |= {edit.cue: None} if edit.added else {}
        elif isinstance(edit, CueRenamed):
            listed = {edit.name_after if name == edit.name_before else name: None for name in listed}
    return tuple(listed)


def cue_setting(edits: Sequence[object]) -> CueSetting | None:
    """Return the source of the mask as these edits leave it; None for the score."""
    setting = None
    for edit in edits:
        if isinstance(edit, CueMove):
            setting = edit.cue_after
        elif isinstance(edit, CueRenamed) and setting is not None and setting.cue == edit.name_before:
            setting = replace(setting, cue=edit.name_after)
    return setting


def is_step(last: CueMove, edit: CueMove) -> bool:
    """Return whether two changes are steps of one slider: of the same cue and source."""
    kinds = [each and (each.cue, each.source) for each in (last.cue_before, last.cue_after, edit.cue_after)]
    return kinds[0] is not None and len(set(kinds)) == 1


def cue_edit(content: Mapping[str, Any]) -> CueEdit:
    """Return the edit that JSON holds; KeyError, TypeError or ValueError when it holds none."""
    if "cue_after" in content:
        before, after = (
            None if content[key] is None else CueSetting(**content[key]) for key in ("cue_before", "cue_after")
        )
        return CueMove(before, after, content["at"], content["by"])
    if "name_after" in content:
        renamed = CueRenamed(**content)
        if not isinstance(renamed.name_before, str) or not isinstance(renamed.name_after, str):
            raise ValueError("a new name of a cue is wrong")
        return renamed
    listed = CueListed(**content)
    if not isinstance(listed.cue, str) or not isinstance(listed.added, bool):
        raise ValueError("a cue is wrong")
    return listed
