"""What sessions share: the open project, its samples to show, and the splits that heads are measured on."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from threading import Lock

from neurontune_core.errors import InputError
from neurontune_core.identification.scores import NoMistakes
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.gallery import Gallery
from neurontune_core.session.measured_split import MeasuredSplit
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.workspace import Workspace

_opening = Lock()


def workspace() -> Workspace:
    return Workspace()


def open_project(name: str) -> Project:
    """Return the project as it is on disk now."""
    return workspace().open(name)


@lru_cache(4)
def _gallery(name: str, version: int) -> Gallery:
    return Gallery(open_project(name))


def gallery(name: str) -> Gallery:
    """Return the samples of a project to show; one object for all sessions."""
    return _gallery(name, _version(name))


@lru_cache(4)
def _diagnosis(name: str, version: int) -> Diagnosis:
    opened = Diagnosis(open_project(name))
    with suppress(NoMistakes):  # raised again where a screen asks for the scores
        _ = opened.scores  # under the lock, so that two sessions do not both compute them
    return opened


def open_diagnosis(name: str) -> Diagnosis:
    """Return the opened project; one object for all sessions, replaced when the project was extracted anew."""
    with _opening:
        return _diagnosis(name, _version(name))


@lru_cache(4)
def _measured_split(opened: Diagnosis, split: str) -> MeasuredSplit:
    return MeasuredSplit(opened.project, opened.erm, opened.samples(split))


def measured_split(opened: Diagnosis, split: str) -> MeasuredSplit:
    """Return a split to measure heads on; one object for all sessions."""
    with _opening:
        return _measured_split(opened, split)


def _version(name: str) -> int:
    """Return a number that changes when the project is extracted anew.

    Raises:
        InputError: when there is no such project.
    """
    file = workspace().project_file(name)
    if file is None:
        raise InputError(f'There is no project "{name}"; choose another one in the sidebar.')
    return file.stat().st_mtime_ns
