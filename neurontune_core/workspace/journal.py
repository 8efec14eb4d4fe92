"""The edits of a project (verdicts, settings of the mask, cues, the chosen head), each undone and redone."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.files import lock_beside, read_json, set_aside_if_damaged, write_json
from neurontune_core.workspace.cue_edits import (
    CueListed,
    CueMove,
    CueRenamed,
    CueSetting,
    cue_edit,
    cue_setting,
    is_step,
    listed_cues,
)

FORMAT = "neurontune-verdicts/1"
HUMAN_VERDICTS = ("spurious", "core", "unsure")
SETTINGS = ("threshold", "mask_value", "stability")
_ONE_MOVE = 1.5  # seconds between steps of a slider that count as one move
_KEPT_MOVES = 500  # older moves and choices are dropped, but verdicts and the last move of a setting never are


@dataclass(frozen=True)
class Judgment:
    """A verdict or note on one or several neurons.

    Attributes:
        neurons: the neurons.
        verdict: "spurious" (always masked), "core" (never masked), "unsure" (by score), or None for none.
        note: free text.
        at: seconds since 1970.
        by: the name of the person; empty when it is not known.
    """

    neurons: tuple[int, ...]
    verdict: str | None
    note: str = ""
    at: float = 0.0
    by: str = ""


@dataclass(frozen=True)
class Move:
    """A change of a setting of the mask: λ, the mask value, or the standard errors that a score must exceed λ by.

    Attributes:
        setting: one of `SETTINGS`.
        before, after: the values.
        at, by: as in `Judgment`.
    """

    setting: str
    before: float
    after: float
    at: float = 0.0
    by: str = ""


@dataclass(frozen=True)
class Choice:
    """Another head was chosen.

    Attributes:
        head_before, head_after: keys of heads, as `neurontune_core.session.named_heads` has them.
        at, by: as in `Judgment`.
    """

    head_before: str
    head_after: str
    at: float = 0.0
    by: str = ""


Edit = Judgment | Move | Choice | CueListed | CueMove | CueRenamed


class Journal:
    """The edits of one project, in a file of their own, in the order in which they were made.

    Args:
        file: the file that they are kept in; several sessions may write to it at once.

    Raises:
        InputError: from every method, when the file exists and is not a journal.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     journal = Journal(Path(folder, "verdicts.json"))
    ...     journal.judge([3], "spurious")
    ...     journal.verdicts(), journal.counts(), journal.undo().neurons, journal.verdicts()
    ({3: 'spurious'}, (1, 0), (3,), {})
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def is_there(self) -> bool:
        """Return whether there is a file yet."""
        return self._file.is_file()

    def set_aside_if_damaged(self) -> str:
        """Rename the file where it cannot be read, so that the rest opens, and return a sentence; "" otherwise."""
        return set_aside_if_damaged(self._file, self._read, "verdicts")

    def current(self) -> dict[int, Judgment]:
        """Return the latest judgment of each neuron that has a verdict or a note."""
        edits, applied = self._read()
        judged = [edit for edit in edits[:applied] if isinstance(edit, Judgment)]
        last = {neuron: edit for edit in judged for neuron in edit.neurons}
        return {neuron: edit for neuron, edit in last.items() if edit.verdict or edit.note}

    def verdicts(self) -> dict[int, str]:
        """Return neuron -> verdict, of the neurons that have one."""
        return {neuron: edit.verdict for neuron, edit in self.current().items() if edit.verdict}

    def judge(self, neurons: Sequence[int], verdict: str | None, note: str = "", by: str = "") -> None:
        """Set the verdict on neurons, or remove it with None; undone edits can then no longer be redone.

        Raises:
            InputError: when there is no such verdict.
        """
        if verdict is not None and verdict not in HUMAN_VERDICTS:
            raise InputError(f'"{verdict}" is no verdict; use one of {", ".join(HUMAN_VERDICTS)}.')
        edit = Judgment(tuple(map(int, neurons)), verdict, note, time.time(), by)
        with lock_beside(self._file):
            edits, applied = self._read()
            self._write([*edits[:applied], edit], applied + 1)

    def move(self, setting: str, before: float, after: float, by: str = "", *, shown_at: float = 0.0) -> None:
        """Record a change of a setting of the mask; steps of one person within 1.5 s are one change.

        Args:
            setting: one of `SETTINGS`.
            before, after: the values.
            by: the name of the person.
            shown_at: when the step before was on screen, in seconds since 1970; the pause counts from there, so that a
                slow server does not split a change.
        """
        if setting not in SETTINGS:
            raise InputError(f'"{setting}" is not a setting of the mask; use one of {", ".join(SETTINGS)}.')
        edit = Move(setting, float(before), float(after), time.time(), by)
        with lock_beside(self._file):
            edits, applied = self._read()
            kept = edits[:applied]
            last = kept[-1] if kept else None
            same = isinstance(last, Move) and (last.setting, last.by) == (setting, by)
            if isinstance(last, Move) and same and edit.at - max(last.at, shown_at) < _ONE_MOVE:
                edit = replace(edit, before=last.before)
                kept.pop()
            if edit.before != edit.after:
                kept.append(edit)
            self._write(kept, len(kept))

    def choose(self, before: str, after: str, by: str = "") -> None:
        """Record that another head was chosen; edits that were undone can then no longer be redone."""
        with lock_beside(self._file):
            edits, applied = self._read()
            if before != after:
                self._write([*edits[:applied], Choice(before, after, time.time(), by)], applied + 1)

    def list_cue(self, cue: str, added: bool = True, by: str = "") -> None:
        """Record that a cue was made, or removed; nothing where it is so already."""
        with lock_beside(self._file):
            edits, applied = self._read()
            if (cue in listed_cues(edits[:applied])) != added:
                self._write([*edits[:applied], CueListed(cue, added, time.time(), by)], applied + 1)

    def rename_cue(self, before: str, after: str, by: str = "") -> None:
        """Record that a cue got another name; its place in the list and in the mask stays."""
        with lock_beside(self._file):
            edits, applied = self._read()
            self._write([*edits[:applied], CueRenamed(before, after, time.time(), by)], applied + 1)

    def mask_cue(self, after: CueSetting | None, by: str = "", *, shown_at: float = 0.0) -> None:
        """Record that a cue is the source of the mask; steps of its threshold within 1.5 s are one change.

        Args:
            after: the cue, or None to mask by score alone.
            by, shown_at: as in `move`.
        """
        with lock_beside(self._file):
            edits, applied = self._read()
            kept, before = edits[:applied], cue_setting(edits[:applied])
            edit, last = CueMove(before, after, time.time(), by), kept[-1] if kept else None
            step = isinstance(last, CueMove) and last.by == by and is_step(last, edit)
            if isinstance(last, CueMove) and step and edit.at - max(last.at, shown_at) < _ONE_MOVE:
                edit = replace(edit, cue_before=last.cue_before)
                kept.pop()
            if edit.cue_before != edit.cue_after:
                kept.append(edit)
            self._write(kept, len(kept))

    def cues(self) -> tuple[str, ...]:
        """Return the names of the cues that are listed, in the order in which they were made."""
        edits, applied = self._read()
        return listed_cues(edits[:applied])

    def cue_setting(self) -> CueSetting | None:
        """Return the cue that is the source of the mask; None where it goes by score, or the cue was removed."""
        edits, applied = self._read()
        setting = cue_setting(edits[:applied])
        return setting if setting is not None and setting.cue in listed_cues(edits[:applied]) else None

    def settings(self) -> dict[str, float]:
        """Return setting -> value as the edits leave it; settings that were never moved are left out."""
        edits, applied = self._read()
        return {edit.setting: edit.after for edit in edits[:applied] if isinstance(edit, Move)}

    def last(self) -> Edit | None:
        """Return the last edit that is not undone; None when there is none."""
        edits, applied = self._read()
        return edits[applied - 1] if applied else None

    def choice(self) -> Choice | None:
        """Return the last choice of a head; None when there is none."""
        edits, applied = self._read()
        return next((edit for edit in reversed(edits[:applied]) if isinstance(edit, Choice)), None)

    def undo(self) -> Edit | None:
        """Undo the last edit and return it; None when there is none."""
        return self._step(-1)

    def redo(self) -> Edit | None:
        """Redo the edit that was undone last and return it; None when there is none."""
        return self._step(+1)

    def counts(self) -> tuple[int, int]:
        """Return how many edits can be undone, and how many can be redone."""
        edits, applied = self._read()
        return applied, len(edits) - applied

    def _step(self, by: int) -> Edit | None:
        with lock_beside(self._file):
            edits, applied = self._read()
            if not 0 <= applied + by <= len(edits):
                return None
            self._write(edits, applied + by)
            return edits[min(applied, applied + by)]

    def _read(self) -> tuple[list[Edit], int]:
        if not self._file.is_file():
            return [], 0
        content = read_json(self._file)
        try:
            if content["format"] != FORMAT:
                raise ValueError(f"its format is {content['format']}")
            edits = [_edit(edit) for edit in content["edits"]]
            applied = int(content["applied"])
            if not 0 <= applied <= len(edits):
                raise ValueError("the count of edits is wrong")
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(f"{self._file} does not hold verdicts ({error}); fix or delete it.") from None
        return edits, applied

    def _write(self, edits: list[Edit], applied: int) -> None:
        if applied == len(edits):  # dropping moves would shift the count while something can be redone
            recent = len(edits) - _KEPT_MOVES
            last = {edit.setting: edit for edit in edits if isinstance(edit, Move)}.values()
            edits = [
                edit
                for position, edit in enumerate(edits)
                if position >= recent
                or isinstance(edit, Judgment | CueListed | CueMove | CueRenamed)
                or any(edit is move for move in last)
            ]
            applied = len(edits)
        write_json(self._file, {"format": FORMAT, "applied": applied, "edits": [asdict(edit) for edit in edits]})


def neurons_judged(verdicts: Mapping[int, str], verdict: str, num_neurons: int) -> np.ndarray:
    """Return [M] bool, the neurons that have this verdict.

    Args:
        verdicts: neuron -> verdict.

    Raises:
        InputError: when the verdicts name a neuron that does not exist.

    >>> neurons_judged({1: "core", 2: "spurious"}, "core", 3).tolist()
    [False, True, False]
    """
    outside = [neuron for neuron in verdicts if not 0 <= neuron < num_neurons]
    if outside:
        raise InputError(f"The verdicts name neuron {max(outside)}, but there are {num_neurons} neurons.")
    judged = np.zeros(num_neurons, dtype=bool)
    judged[[neuron for neuron, its_verdict in verdicts.items() if its_verdict == verdict]] = True
    return judged


def _edit(content: dict[str, Any]) -> Edit:
    """Return the edit that JSON holds; KeyError, TypeError or ValueError when it holds none."""
    if content.keys() & {"cue_after", "added", "name_after"}:
        return cue_edit(content)
    if "setting" in content:
        move = Move(**content)
        if move.setting not in SETTINGS or not all(math.isfinite(value) for value in (move.before, move.after)):
            raise ValueError("a move is wrong")
        return move
    if "head_after" in content:
        choice = Choice(**content)
        if not all(isinstance(value, str) for value in (choice.head_before, choice.head_after, choice.by)):
            raise ValueError("a choice is wrong")
        return choice
    judgment = Judgment(**content | {"neurons": tuple(map(int, content["neurons"]))})
    if judgment.verdict not in (*HUMAN_VERDICTS, None):
        raise ValueError("a verdict is wrong")
    return judgment
