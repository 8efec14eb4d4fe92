"""The cues of a project on disk: their definitions, cut-outs and measurements."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from neurontune_core.cues.cue import Cue
from neurontune_core.errors import InputError
from neurontune_core.files import read_json, write_json, write_whole

FORMAT = "neurontune-cue/1"


class CueLibrary:
    """The cues under one folder, each in a folder of its name; which of them are listed, the journal knows.

    Args:
        folder: ``cues`` of a project; made with the first cue.

    >>> from tempfile import TemporaryDirectory
    >>> from neurontune_core.cues.cue import Words
    >>> with TemporaryDirectory() as folder:
    ...     library = CueLibrary(Path(folder))
    ...     library.save(Cue("room", Words(("room",))))
    ...     library.names(), library.free_name("room")
    (('room',), 'room-2')
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> tuple[str, ...]:
        """Return the names of all cues, also of those that were removed from the list."""
        return tuple(sorted(file.parent.name for file in self.folder.glob("*/cue.json")))

    def load(self, name: str) -> Cue:
        """Read a cue.

        Raises:
            InputError: when there is none of this name, or its file is damaged.
        """
        if name not in self.names():
            listed = ", ".join(self.names()) or "none"
            raise InputError(f'There is no cue "{name}"; the project has {listed}.')
        file = self.folder / name / "cue.json"
        content = read_json(file)
        try:
            if content["format"] != FORMAT:
                raise ValueError(f"its format is {content['format']}")
            cue = Cue.from_json(content)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{file} does not describe a cue ({error}); point at it again under another name."
            ) from None
        return cue

    def save(self, cue: Cue, cutouts: Sequence[bytes] = ()) -> None:
        """Write a cue; the same definition again is left as it is.

        Args:
            cue: its name must be one that `workspace.names.new_name` accepts.
            cutouts: PNGs of what was cut out.

        Raises:
            InputError: when another cue has the name.
        """
        folder = self.folder / cue.name
        if cue.name in self.names():
            if self.load(cue.name).key != cue.key:
                raise InputError(
                    f'There is another cue "{cue.name}" already; choose another name, such as '
                    f'"{self.free_name(cue.name)}".'
                )
            return
        for place, content in enumerate(cutouts):
            write_whole(folder / f"cutout-{place}.png", partial(_write, content))
        write_json(folder / "cue.json", {"format": FORMAT, **cue.to_json()})

    def copy(self, name: str, new: str) -> Cue:
        """Write a cue under another name too, with its cut-outs and measurements, and return it.

        Args:
            name: of the cue.
            new: the other name; what has it already must be the same cue.

        Raises:
            InputError: when there is no such cue, or another one has the new name.
        """
        cue = replace(self.load(name), name=new)
        self.save(cue, self.cutouts(name))
        for file in (self.folder / name).glob("measured-*.npz"):
            write_whole(self.folder / new / file.name, partial(shutil.copyfile, file))
        return cue

    def cutouts(self, name: str) -> list[bytes]:
        """Return the PNGs of what was cut out, in the order in which it was pointed at."""
        files = sorted((self.folder / name).glob("cutout-*.png"), key=lambda file: int(file.stem.split("-")[1]))
        return [file.read_bytes() for file in files]

    def free_name(self, name: str) -> str:
        """Return the name, or that name with the first number that no cue has."""
        taken, number = {each.casefold() for each in self.names()}, 1
        free = name
        while free.casefold() in taken:
            number += 1
            free = f"{name}-{number}"
        return free


def _write(content: bytes, path: Path) -> None:
    path.write_bytes(content)
