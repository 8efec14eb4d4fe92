"""A person's edits of the mask (verdicts on neurons, λ, the mask value), each of which can be undone and redone."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from neurontune_core.errors import InputError
from neurontune_core.files import lock_beside, read_json, write_json

FORMAT = "neurontune-verdicts/1"
VERDICTS = ("spurious", "core", "unsure")
SETTINGS = ("threshold", "mask_value")
_ONE_MOVE = 1.5  # seconds between steps of a slider that count as one move
_KEPT_MOVES = 500  # edits back to which moves are remembered; verdicts are never forgotten


@dataclass(frozen=True)
class Judgement:
    """One edit of one or several neurons.

    Attributes:
        neurons: what it is about.
        verdict: "spurious" (always masked), "core" (never masked), "unsure" (by score), or None for none.
        note: in the person's words.
        at: seconds since 1970.
        by: who, if known.
    """

    neurons: tuple[int, ...]
    verdict: str | None
    note: str = ""
    at: float = 0.0
    by: str = ""


@dataclass(frozen=True)
class Move:
    """λ or the mask value moved.

    Attributes:
        setting: one of `SETTINGS`.
        before, after: its values.
        at, by: as in `Judgement`.
    """

    setting: str
    before: float
    after: float
    at: float = 0.0
    by: str = ""


Edit = Judgement | Move


class Journal:
    """The edits of one project, in a file of their own, in the order in which they were made.

    Args:
        file: where they are kept; several sessions may write to it.

    Raises:
        InputError: from every method, when the file is there and is not a journal.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def current(self) -> dict[int, Judgement]:
        """The judgement that holds for each neuron that has one."""
        edits, applied = self._read()
        judged = [edit for edit in edits[:applied] if isinstance(edit, Judgement)]
        last = {neuron: edit for edit in judged for neuron in edit.neurons}
        return {neuron: edit for neuron, edit in last.items() if edit.verdict or edit.note}

    def verdicts(self) -> dict[int, str]:
        """Neuron -> verdict, of those that have one."""
        return {neuron: edit.verdict for neuron, edit in self.current().items() if edit.verdict}

    def judge(self, neurons: Sequence[int], verdict: str | None, note: str = "", by: str = "") -> None:
        """Judge neurons, or with None take their judgement back; what had been undone cannot be redone any more."""
        if verdict is not None and verdict not in VERDICTS:
            raise InputError(f'"{verdict}" is no verdict; use one of {", ".join(VERDICTS)}.')
        edit = Judgement(tuple(map(int, neurons)), verdict, note, time.time(), by)
        with lock_beside(self._file):
            edits, applied = self._read()
            self._write([*edits[:applied], edit], applied + 1)

    def move(self, setting: str, before: float, after: float, by: str = "") -> None:
        """Remember that λ or the mask value was moved; steps that follow each other at once are one move."""
        if setting not in SETTINGS:
            raise InputError(f'"{setting}" is no setting of the mask; use one of {", ".join(SETTINGS)}.')
        edit = Move(setting, float(before), float(after), time.time(), by)
        with lock_beside(self._file):
            edits, applied = self._read()
            kept = edits[:applied]
            last = kept[-1] if kept else None
            if isinstance(last, Move) and (last.setting, last.by) == (setting, by) and edit.at - last.at < _ONE_MOVE:
                edit = replace(edit, before=last.before)
                kept.pop()
            if edit.before != edit.after:
                kept.append(edit)
            self._write(kept, len(kept))

    def undo(self) -> Edit | None:
        """Take the last edit back; None when there is none."""
        return self._step(-1)

    def redo(self) -> Edit | None:
        """Make the edit again that was undone last; None when there is none."""
        return self._step(+1)

    def counts(self) -> tuple[int, int]:
        """How many edits can be undone, and how many redone."""
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
        said = read_json(self._file)
        try:
            if said["format"] != FORMAT:
                raise ValueError(f"its format is {said['format']}")
            edits = [_edit(each) for each in said["edits"]]
            applied = int(said["applied"])
            if not 0 <= applied <= len(edits):
                raise ValueError("the count of edits is wrong")
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{self._file} does not hold verdicts ({error}); mend or delete it.") from None
        return edits, applied

    def _write(self, edits: list[Edit], applied: int) -> None:
        if applied == len(edits):  # not while there is something to redo
            recent = len(edits) - _KEPT_MOVES
            edits = [edit for place, edit in enumerate(edits) if place >= recent or isinstance(edit, Judgement)]
            applied = len(edits)
        write_json(self._file, {"format": FORMAT, "applied": applied, "edits": [asdict(edit) for edit in edits]})


def _edit(said: dict[str, Any]) -> Edit:
    """Raises KeyError, TypeError or ValueError when it is none."""
    if "setting" in said:
        move = Move(**said)
        if move.setting not in SETTINGS or not all(math.isfinite(value) for value in (move.before, move.after)):
            raise ValueError("a move is wrong")
        return move
    judgement = Judgement(**said | {"neurons": tuple(map(int, said["neurons"]))})
    if judgement.verdict not in (*VERDICTS, None):
        raise ValueError("a verdict is wrong")
    return judgement
