"""Samples that have a cue and samples that have not, picked by own groups, groups of the data or clusters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from neurontune_core.cues.cue import Cue, Picks
from neurontune_core.session.cue_work import make_samples_cue
from pages.parts.frame.state import measured_split
from pages.parts.frame.view import View
from pages.parts.samples.point_at import HAS, group_label

GROUPS_SCREEN = Path(__file__).parents[2] / "groups.py"
REST = "Without any, the rest of the same classes."


class Source(NamedTuple):
    """Samples that can be picked together: their split, ids, a short title, and their group where it is one."""

    split: str
    ids: tuple[str, ...]
    title: str
    group: tuple[str, ...] = ()


def picks_cue(view: View) -> tuple[Callable[[str], Cue] | None, str]:
    """Show what can be picked; return what makes the cue, and a name to start from."""
    st.caption(
        "Pick samples that have what you suspect, and samples that have not; the neurons that differ are the cue's."
    )
    sources = _sources(view)
    has = st.multiselect("Has it", list(sources), key=HAS, placeholder="A group")
    split = sources[has[0]].split if has else ""
    others = [name for name, source in sources.items() if name not in has and (not split or source.split == split)]
    has_not = st.multiselect("Has not", others, key="picks-has-not", placeholder="The rest", help=REST)
    st.page_link(GROUPS_SCREEN, label="Draw a group on the map", icon=":material/lasso_select:")
    if not has:
        return None, ""
    picks = Picks(split, _ids(sources, has), _ids(sources, has_not), _groups(sources, [*has, *has_not]))
    return partial(make_samples_cue, view.diagnosis, picks=picks), sources[has[0]].title


def _sources(view: View) -> dict[str, Source]:
    """Return what can be picked, by name: own groups first, then groups and clusters of the identification split."""
    diagnosis, samples = view.diagnosis, view.diagnosis.identification
    sources = {
        group_label(group.name, group.split): Source(group.split, group.sample_ids, group.name)
        for group in diagnosis.project.own_groups.all()
    }
    ids = [str(each) for each in samples.sample_ids]
    if samples.groups is not None:
        members: dict[int, list[str]] = {}
        for name, group in zip(ids, samples.groups.tolist(), strict=True):
            members.setdefault(group, []).append(name)
        for group, name in enumerate(samples.group_names):
            if group in members:
                sources[f"group {name}"] = Source(
                    samples.split, tuple(members[group]), name.rpartition(", ")[2], (name,)
                )
    for part in measured_split(diagnosis, samples.split).mistake_slices:
        sources[f"cluster: {part.title}"] = Source(samples.split, tuple(ids[row] for row in part.rows), "cluster")
    return sources


def _ids(sources: dict[str, Source], chosen: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for name in chosen for each in sources[name].ids))


def _groups(sources: dict[str, Source], chosen: Sequence[str]) -> tuple[str, ...]:
    return tuple(group for name in chosen for group in sources[name].group)
