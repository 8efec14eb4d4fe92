"""All projects of one user on disk, and the built-in examples."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from neurontune_core.errors import InputError
from neurontune_core.workspace.names import RESERVED, new_name, safe_name
from neurontune_core.workspace.project import Project

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "assets"
EXAMPLES = {name: ASSETS / name for name in ("faces", "faces-biased", "reviews")}  # the built-in ones, by name
DEFAULT_EXAMPLE, *_ = EXAMPLES  # the first: what the app opens, and the command line takes
APP = ROOT / "app.py"


class Workspace:
    """The built-in examples and all projects under one folder (``NEURONTUNE_HOME``, else ``~/.neurontune``).

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     workspace = Workspace(Path(folder))
    ...     workspace.free_name("My birds!"), workspace.new_folder("birds").name, workspace.project_file("birds")
    ('My-birds', 'birds', None)
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or Path(os.environ.get("NEURONTUNE_HOME") or Path.home() / ".neurontune")).resolve()
        self._guide = self.root / "guide-ended"

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    def new_training(self, name: str) -> Path:
        """Return the folder for the model of a new training of this name.

        Raises:
            InputError: when the name is taken or is no folder name.
        """
        folder = self.root / "trainings" / new_name(name)
        if _folded(name) in _folders(folder.parent):
            raise InputError(f'There is a training "{name}" already; choose another name, or resume that one.')
        return folder

    @property
    def guide_ended(self) -> bool:
        """Return whether a person has ended the guided way through the screens."""
        return self._guide.is_file()

    def end_guide(self) -> None:
        """Remember that the guided way was ended; a folder that cannot be written forgets it."""
        with suppress(OSError):
            self.root.mkdir(parents=True, exist_ok=True)
            self._guide.touch()

    def names(self) -> list[str]:
        """Return the names of the projects, the built-in examples first."""
        own = sorted(file.parent.name for file in (self.root / "projects").glob("*/project.json"))
        built_in = [name for name, folder in EXAMPLES.items() if (folder / "project.json").is_file()]
        return [*built_in, *(name for name in own if name not in EXAMPLES)]

    def open(self, name: str) -> Project:
        """Return a project by name.

        Raises:
            InputError: when there is none of this name.
        """
        folder = self.root / "projects" / safe_name(name)
        return Project(EXAMPLES.get(name, folder), folder)

    def project_file(self, name: str) -> Path | None:
        """Return the ``project.json`` of a project, which is not read; None when there is no project of this name."""
        with suppress(InputError):
            file = EXAMPLES.get(name, self.root / "projects" / safe_name(name)) / "project.json"
            return file if file.is_file() else None
        return None

    def free_name(self, suggestion: str) -> str:
        """Return a name that `new_folder` accepts and no folder has, as similar to the suggestion as possible."""
        stem = re.sub(r"[^A-Za-z0-9]+", "-", suggestion)[:40].strip("-") or "project"
        taken = {*map(_folded, (*EXAMPLES, *RESERVED)), *_folders(self.root / "projects")}
        name, number = stem, 1
        while _folded(name) in taken:
            number += 1
            name = f"{stem}-{number}"
        return name

    def new_folder(self, name: str) -> Path:
        """Return the folder for a new project of this name; the folder of an unfinished extraction is no project yet.

        Raises:
            InputError: when the name is taken or is no folder name.
        """
        folder = self.root / "projects" / new_name(name)
        if _folded(name) in map(_folded, (*EXAMPLES, *self.names())):
            raise InputError(f'There is a project "{name}" already; choose another name.')
        return folder


def _folded(name: str) -> str:
    """Return the name as file systems that ignore case compare it (macOS, Windows)."""
    return name.casefold()


def _folders(parent: Path) -> set[str]:
    return {_folded(entry.name) for entry in parent.iterdir()} if parent.is_dir() else set()
