"""All projects of one user on disk, and the built-in examples."""

from __future__ import annotations

import os
import re
from pathlib import Path

from neurontune_core.errors import InputError
from neurontune_core.workspace.names import safe_name
from neurontune_core.workspace.project import Project

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "assets"
EXAMPLES = {name: ASSETS / name for name in ("example", "headlines")}  # the built-in ones, by name
APP = ROOT / "app.py"


class Workspace:
    """The built-in examples and all projects under one folder (``NEURONTUNE_HOME``, else ``~/.neurontune``)."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or Path(os.environ.get("NEURONTUNE_HOME") or Path.home() / ".neurontune")).resolve()

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    def new_training(self, name: str) -> Path:
        """Where the model of a new training of this name goes.

        Raises:
            InputError: when the name is taken or is no folder name.
        """
        folder = self.root / "trainings" / safe_name(name)
        if folder.exists():
            raise InputError(f'There is a training "{name}" already; choose another name, or resume that one.')
        return folder

    def names(self) -> list[str]:
        """The names of the projects, the built-in examples first."""
        own = sorted(file.parent.name for file in (self.root / "projects").glob("*/project.json"))
        built_in = [name for name, folder in EXAMPLES.items() if (folder / "project.json").is_file()]
        return [*built_in, *(name for name in own if name not in EXAMPLES)]

    def open(self, name: str) -> Project:
        """A project by name; InputError when there is none."""
        folder = self.root / "projects" / safe_name(name)
        return Project(EXAMPLES.get(name, folder), folder)

    def free_name(self, wanted: str) -> str:
        """A name that no project has, as like ``wanted`` as a folder name can be."""
        plain = re.sub(r"[^A-Za-z0-9]+", "-", wanted).strip("-")[:40] or "project"
        name, number = plain, 1
        while name == "example" or (self.root / "projects" / name).exists():
            number += 1
            name = f"{plain}-{number}"
        return name

    def new_folder(self, name: str) -> Path:
        """Where a new project of this name goes.

        Raises:
            InputError: when the name is taken or is no folder name.
        """
        folder = self.root / "projects" / safe_name(name)
        if name in self.names() or (folder / "project.json").exists():
            raise InputError(f'There is a project "{name}" already; choose another name.')
        return folder
