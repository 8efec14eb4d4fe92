"""``neurontune example flowers``: its options, and the project that it makes before its loop runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurontune_core.cli.options import job_progress, note, stoppable
from neurontune_core.errors import InputError
from neurontune_core.examples import EPOCHS
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.workspace import EXAMPLES, Workspace

FLOWERS = "flowers"  # the example that is made from a person's photographs

Photographs = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="flowers: TensorFlow's archive flower_photos, fetched and unpacked."),
]
Name = Annotated[str | None, typer.Option("--name", help=f'flowers: name of the new project ("{FLOWERS}").')]
Epochs = Annotated[int | None, typer.Option(min=1, help=f"flowers: epochs of the training ({EPOCHS}).")]
Seed = Annotated[int | None, typer.Option(min=0, help="flowers: seed of the training (0).")]


def refuse_flowers_options(example: str, **options: object) -> None:
    """Raise InputError where an option of the flowers is given with another example."""
    passed = [f"--{name}" for name, value in options.items() if value is not None]
    if passed:
        raise InputError(f'{", ".join(passed)} cannot be used with the example "{example}", only with {FLOWERS}.')


def made_flowers(photographs: Path | None, name: str | None, epochs: int | None, seed: int | None) -> Project:
    """Return the project of the flowers in the workspace; it is composed, trained and extracted when it is not yet.

    Raises:
        InputError: without photographs, and as `make_flowers` does.
    """
    from neurontune_core.examples.flowers import make_flowers
    from neurontune_core.examples.flowers_archive import FETCH

    if photographs is None:
        raise InputError(f"Give --photographs with the folder of the archive; if you do not have it, {FETCH}.")
    workspace, name = Workspace(), name or FLOWERS
    own = name in workspace.names() and name not in EXAMPLES
    folder = workspace.open(name).folder if own else workspace.new_folder(name)
    with stoppable():
        project = make_flowers(photographs, folder, job_progress, epochs=epochs or EPOCHS, seed=seed or 0)
    note(f'The project "{name}" is in {folder}; neurontune app opens it.')
    return project
