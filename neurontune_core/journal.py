"""A person's judgements of neurons, every one of which can be undone and redone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from neurontune_core.errors import InputError
from neurontune_core.files import read_json, write_json

FORMAT = "neurontune-verdicts/1"
VERDICTS = ("spurious", "core", "unsure")


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


class Journal:
    """The judgements of one project, in a file of their own, in the order in which they were made.

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
        last = {neuron: edit for edit in edits[:applied] for neuron in edit.neurons}
        return {neuron: edit for neuron, edit in last.items() if edit.verdict or edit.note}

    def verdicts(self) -> dict[int, str]:
        """Neuron -> verdict, of those that have one."""
        return {neuron: edit.verdict for neuron, edit in self.current().items() if edit.verdict}

    def judge(self, neurons: Sequence[int], verdict: str | None, note: str = "", by: str = "") -> None:
        """Judge neurons, or with None take their judgement back; what had been undone cannot be redone any more."""
        if verdict is not None and verdict not in VERDICTS:
            raise InputError(f'"{verdict}" is no verdict; use one of {", ".join(VERDICTS)}.')
        edit = Judgement(tuple(map(int, neurons)), verdict, note, time.time(), by)
        with self._alone():
            edits, applied = self._read()
            self._write([*edits[:applied], edit], applied + 1)

    def undo(self) -> Judgement | None:
        """Take the last edit back; None when there is none."""
        return self._step(-1)

    def redo(self) -> Judgement | None:
        """Make the edit again that was undone last; None when there is none."""
        return self._step(+1)

    def counts(self) -> tuple[int, int]:
        """How many edits can be undone, and how many redone."""
        edits, applied = self._read()
        return applied, len(edits) - applied

    def _step(self, by: int) -> Judgement | None:
        with self._alone():
            edits, applied = self._read()
            if not 0 <= applied + by <= len(edits):
                return None
            self._write(edits, applied + by)
            return edits[min(applied, applied + by)]

    def _alone(self) -> FileLock:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(self._file.with_name(f".{self._file.name}.lock"))

    def _read(self) -> tuple[list[Judgement], int]:
        if not self._file.is_file():
            return [], 0
        said = read_json(self._file)
        try:
            if said["format"] != FORMAT:
                raise ValueError(f"its format is {said['format']}")
            edits = [Judgement(**edit | {"neurons": tuple(map(int, edit["neurons"]))}) for edit in said["edits"]]
            applied = int(said["applied"])
            if not 0 <= applied <= len(edits) or any(edit.verdict not in (*VERDICTS, None) for edit in edits):
                raise ValueError("a verdict or the count of edits is wrong")
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{self._file} does not hold verdicts ({error}); mend or delete it.") from None
        return edits, applied

    def _write(self, edits: list[Judgement], applied: int) -> None:
        write_json(self._file, {"format": FORMAT, "applied": applied, "edits": [asdict(edit) for edit in edits]})
