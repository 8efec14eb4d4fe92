"""Options that a project can stand in for: the identification set and the head."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead
from neurontune_core.workspace.project import Project

Identification = Annotated[
    Path | None,
    typer.Option(
        "--identification",
        help="Embedding set that identifies biased neurons and chooses the epoch; the project's by default.",
    ),
]
HeadOption = Annotated[
    Path | None,
    typer.Option("--head", help="The head: safetensors with weight [C, M] and bias [C]; the project's by default."),
]
ProjectOption = Annotated[
    Path | None,
    typer.Option("--project", help="A project.json, its folder or a project's name, for sets and head not named."),
]


def open_project(project: Path) -> Project:
    """Return the project of a folder, or that of a name in the workspace."""
    from neurontune_core.workspace.workspace import Workspace

    workspace = Workspace()
    if not project.exists() and len(project.parts) == 1 and str(project) in workspace.names():
        return workspace.open(str(project))
    return Project.at(project)


def set_of(identification: Path | None, project: Path | None) -> EmbeddingSet:
    """Return the identification set: the one of its folder, else the project's.

    Raises:
        InputError: when neither is named.
    """
    if identification is not None:
        return EmbeddingSet.load(identification)
    if project is None:
        raise InputError("Missing option '--identification'; give it, or a --project that has such a set.")
    return open_project(project).load_set("identification")


def head_of(head: Path | None, project: Path | None, samples: EmbeddingSet) -> LinearHead:
    """Return the head for the classes of a set: the one of its file, else the project's.

    Raises:
        InputError: when neither is named, or the head is for other classes.
    """
    if head is not None:
        return LinearHead.load(head, samples.class_names)
    if project is None:
        raise InputError("Missing option '--head'; give it, or a --project that has a head.")
    return LinearHead.load(open_project(project).head_file, samples.class_names)
