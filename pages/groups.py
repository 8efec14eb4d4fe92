"""Groups where there are none: drawn on a map or taken from slices, named, and measured under every head."""

from __future__ import annotations

import streamlit as st

from neurontune_core.places import Numbers
from pages.parts.close_up import facts
from pages.parts.keeping import keep_as_group
from pages.parts.sample_map import drawn_rows
from pages.parts.state import View, view
from pages.parts.wall import wall
from pages.parts.words import interval, percent

MAP, MISTAKES, NEURON = "drawn on the map", "where mistakes gather", "where the chosen neuron fires"


@st.fragment
def choose(here: View) -> None:
    """Find samples on the left, look at them on the right; a new choice draws nothing else of the page anew."""
    left, right = st.columns([5, 4], gap="large")
    with left:
        rows, suggestion = find(here)
        closely = st.container()
    with right:
        each = here.diagnosis.evaluation
        st.markdown(f"**{len(rows):,} of {each.num_samples:,} samples chosen**")
        if not len(rows):
            st.caption("Draw around samples on the map, or take a slice; they appear here.")
            return
        said, hits = here.diagnosis.said[rows], here.diagnosis.said_right[rows]
        st.caption(f"The trained head gets {hits.sum():,} of them right ({hits.mean():.0%}).")
        picked = wall(
            here, each.split, rows, each.class_names, "chosen", "Samples found", caption=said, right=hits,
            in_address=True,
        )  # fmt: skip
        st.caption("Under each sample: what the classifier said. Select some to keep only these.")
        keep_as_group(here, picked.rows or rows, st.session_state["way"], suggestion)
        if picked.opened is not None:
            with closely:
                facts(here, each.split, picked.opened, {"ERM": here.diagnosis.erm}, "sample")


def find(here: View) -> tuple[Numbers, str]:
    """The rows that are chosen now, and a name to start from."""
    diagnosis = here.diagnosis
    way = st.segmented_control("Samples", (MAP, MISTAKES, NEURON), default=MAP, required=True, key="way",
        bind="query-params")  # fmt: skip
    if way == MAP:
        return drawn_rows(here), ""
    if way == MISTAKES:
        slices = diagnosis.mistake_slices
        st.caption("A mixture of Gaussians on the mistakes of each class, with the hits that lie among them.")
    else:
        neuron = st.session_state.get("neuron", int(diagnosis.ranking[0]))
        slices = diagnosis.activation_slices(neuron)
        st.caption(
            f"The fifth of each class on which neuron {neuron} fires most. Choose another on the Neurons screen."
        )
    if not slices:
        st.info("There are too few mistakes here to make a slice of; draw one on the map instead.")
        return [], ""
    titles = [f"{each.title} · {len(each.rows)} samples, {each.accuracy:.0%} right" for each in slices]
    place = titles.index(st.selectbox("Slice", titles, key=f"slice-{way}"))
    return slices[place].rows, slices[place].title


def measured(here: View) -> None:
    """Every group of one's own under every head."""
    diagnosis, groups = here.diagnosis, here.diagnosis.project.own_groups
    found = [group for group in groups.all() if group.split == diagnosis.evaluation.split]
    if not found:
        st.caption("None yet.")
        return
    heads = {"ERM": diagnosis.erm}
    if here.run:
        heads |= {"masking off": here.run.off_head, here.run.method: here.run.head}
    rows = []
    for group in found:
        row: dict[str, object] = {
            "group": group.name,
            "found": group.origin,
            "n": len(group.rows(diagnosis.evaluation)),
        }
        for name, head in heads.items():
            part = group.accuracy(head, diagnosis.evaluation)
            row[name] = percent(part)
            row[f"{name}, 95 %"] = interval(part).partition(" · ")[0]
        rows.append(row)
    st.dataframe(rows, hide_index=True, key="own")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Forget a group", [group.name for group in found], key="forget_name")
        st.button("Forget", key="forget", on_click=groups.remove, args=(name,))


here = view()
st.title("Groups of your own")
st.markdown(
    "Where no group labels exist, make some: find samples that share something, name them, and see how each head does "
    "on them. They are yours, for measuring; no neuron is found by them and no head is trained on them."
)
choose(here)
st.subheader("Measured on your groups")
measured(here)
