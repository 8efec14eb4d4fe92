"""Groups where there are none: drawn on a map or taken from slices, named, and measured under every head."""

from __future__ import annotations

import streamlit as st

from neurontune_core.figures.base import NO_MASKING
from neurontune_core.session.index_ranges import Indices
from pages.parts.frame.state import View, current_view
from pages.parts.frame.url_state import in_url
from pages.parts.frame.words import interval, percent, plain
from pages.parts.neuron.neuron_box import neuron_box
from pages.parts.samples.close_up import facts
from pages.parts.samples.own_group_form import keep_as_group
from pages.parts.samples.sample_map import drawn_rows
from pages.parts.samples.wall import wall

MAP, MISTAKES, NEURON = "drawn on the map", "where mistakes gather", "where the chosen neuron fires"


@st.fragment
def choose(view: View) -> None:
    """Find samples on the left, look at them on the right; a new choice draws nothing else of the page anew."""
    left, right = st.columns([5, 4], gap="large")
    with left:
        rows, suggestion = find(view)
        closely = st.container()
    with right:
        each = view.split.samples
        st.markdown(f"**{len(rows):,} of {each.num_samples:,} samples chosen**")
        if not len(rows):
            st.caption("Draw around samples on the map, or take a slice; they appear here.")
            return
        said, hits = view.split.predictions[rows], view.split.correct[rows]
        st.caption(f"The trained head gets {hits.sum():,} of them right ({hits.mean():.0%}).")
        picked = wall(
            view, each.split, rows, each.class_names, "chosen", "Samples found", caption=said, right=hits,
            in_address=True,
        )  # fmt: skip
        st.caption("Under each sample: what the classifier said. Select some to keep only these.")
        keep_as_group(view, picked.rows or rows, st.session_state["way"], suggestion)
        if picked.opened is not None:
            with closely:
                facts(view, picked.opened, {"ERM": view.diagnosis.erm}, "sample")


def find(view: View) -> tuple[Indices, str]:
    """The rows that are chosen now, and a name to start from."""
    way = st.segmented_control("Samples", (MAP, MISTAKES, NEURON), default=MAP, required=True, **in_url("way"))
    if way == MAP:
        return view.split.of_class(drawn_rows(view), view.label), ""
    if way == MISTAKES:
        slices = view.split.mistake_slices
        st.caption("A mixture of Gaussians on the mistakes of each class, with the hits that lie among them.")
    else:
        slices = view.split.activation_slices(neuron_box(view.diagnosis, st.container(width=160)))
        st.caption("The fifth of each class on which this neuron fires most.")
    slices = [each for each in slices if len(view.split.of_class(each.rows, view.label))]  # a slice is of one class
    if not slices:
        st.info("There are too few mistakes here to make a slice of; draw one on the map instead.")
        return [], ""
    titles = [f"{each.title} · {len(each.rows)} samples, {each.accuracy:.0%} right" for each in slices]
    place = titles.index(st.selectbox("Slice", titles, **in_url("slice")))
    return slices[place].rows, slices[place].title


def measured(view: View) -> None:
    """Every group of one's own under every head."""
    samples, groups = view.split.samples, view.diagnosis.project.own_groups
    every = groups.all()
    found = [group for group in every if group.split == view.split.name]
    elsewhere = sorted({group.split for group in every} - {view.split.name})
    if elsewhere:
        st.caption(f"There are others on {plain(', '.join(elsewhere))}; choose that split in the sidebar to see them.")
    if not found:
        st.caption(f'None yet on the split "{plain(view.split.name)}".')
        return
    heads = {"ERM": view.diagnosis.erm}
    if view.run:
        heads |= {NO_MASKING: view.run.off_head, view.run.method: view.run.head}
    rows = []
    for group in found:
        row: dict[str, object] = {
            "group": group.name,
            "found": group.origin,
            "n": len(group.rows(samples)),
        }
        for name, head in heads.items():
            part = group.accuracy(head, samples)
            row[name] = percent(part)
            row[f"{name}, 95 %"] = interval(part).partition(" · ")[0]
        rows.append(row)
    st.dataframe(rows, hide_index=True, key="own")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Forget a group", [group.name for group in found], key="forget_name")
        st.button("Forget", key="forget", on_click=groups.remove, args=(name,))


view = current_view()
st.title("Groups of your own")
st.markdown(
    "Where no group labels exist, make some: find samples that share something, name them, and see how each head does "
    "on them. They are yours, for measuring; no neuron is found by them and no head is trained on them."
)
choose(view)
st.subheader("Measured on your groups")
measured(view)
