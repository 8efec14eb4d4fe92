"""What all screens share: the open project, the mask settings, the chosen run."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import streamlit as st

from neurontune_core.errors import InputError
from neurontune_core.identification.scores import NoMistakes
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.gallery import Gallery
from neurontune_core.session.measured_split import MeasuredSplit
from neurontune_core.workspace.project import Project, Run
from neurontune_core.workspace.workspace import Workspace

_opening = Lock()


def workspace() -> Workspace:
    return Workspace()


def open_project(name: str) -> Project:
    """The project as it lies on disk now."""
    return workspace().open(name)


@lru_cache(4)
def _gallery(name: str, version: int) -> Gallery:
    return Gallery(open_project(name))


def gallery(name: str) -> Gallery:
    return _gallery(name, _version(name))


@lru_cache(4)
def _diagnosis(name: str, version: int) -> Diagnosis:
    opened = Diagnosis(open_project(name))
    with suppress(NoMistakes):  # said where the scores are asked for
        _ = opened.scores  # under the lock, so that two sessions do not both compute them
    return opened


def diagnosis(name: str) -> Diagnosis:
    """One for all sessions; opened again when the project was extracted anew."""
    with _opening:
        return _diagnosis(name, _version(name))


@lru_cache(4)
def _measured_split(opened: Diagnosis, split: str) -> MeasuredSplit:
    return MeasuredSplit(opened.project, opened.erm, opened.samples(split))


def measured_split(opened: Diagnosis, split: str) -> MeasuredSplit:
    """One for all sessions; the scores are the project's and are not computed again."""
    with _opening:
        return _measured_split(opened, split)


def _version(name: str) -> int:
    if name not in workspace().names():
        raise InputError(f'There is no project "{name}"; choose another one in the sidebar.')
    return (open_project(name).source / "project.json").stat().st_mtime_ns


@dataclass(frozen=True)
class View:
    """What the sidebar says.

    Attributes:
        name: of the project.
        diagnosis: its neurons, found on its identification split.
        split: what heads are measured on.
        label: index of the chosen class; None for all.
        threshold, mask_value: λ and what masked activations are multiplied by.
        run: the chosen retraining; None before there is one.
    """

    name: str
    diagnosis: Diagnosis
    split: MeasuredSplit
    label: int | None
    threshold: float
    mask_value: float
    run: Run | None

    @property
    def masked(self):
        """[M] bool, the neurons that λ and the verdicts mask."""
        return self.diagnosis.masked_neurons(self.threshold)


def current_view() -> View:
    """The view that the router put together; the page stops with a sentence when the project cannot be opened."""
    found: View | None = st.session_state.get("view")
    if found is None:
        st.info("No project is open. Choose one in the sidebar, or make one on the Setup page.")
        st.stop()
    return found
