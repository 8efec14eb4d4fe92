"""Groups: samples outlined on a map or taken from slices, saved as own groups, and measured."""

from __future__ import annotations

import streamlit as st

from neurontune_core.session.index_ranges import Indices
from neurontune_core.session.named_heads import NAMES
from pages.parts.frame.url_state import in_url
from pages.parts.frame.view import View, current_view
from pages.parts.frame.words import interval, percent, plain
from pages.parts.neuron.neuron_box import neuron_box
from pages.parts.samples.close_up import sample_facts
from pages.parts.samples.guessed_groups import probably_hard
from pages.parts.samples.own_group_form import own_group_form
from pages.parts.samples.sample_map import drawn_rows
from pages.parts.samples.wall import wall

MAP, CLUSTERS, NEURON = "drawn on the map", "misclassified clusters", "where the chosen neuron fires"
HARD = "probably hard"  # guessed by twin heads
PAIRS = "changing pairs"  # where the split holds samples without and with the attribute


@st.fragment
def select_samples(view: View) -> None:
    """Show ways to find samples on the left and the samples on the right; a choice redraws nothing else."""
    left, right = st.columns([5, 4], gap="large")
    with left:
        rows, suggestion = find_samples(view)
        close_up = st.container()
    with right:
        samples = view.split.samples
        st.markdown(f"**{len(rows):,} of {samples.num_samples:,} samples chosen**")
        if not len(rows):
            st.caption("Draw around samples on the map, or choose a slice, to see samples here.")
            return
        correct = view.split.correct[rows]
        st.caption(f"The trained head classifies {correct.sum():,} of them correctly ({correct.mean():.0%}).")
        picked = wall(
            view, samples.split, rows, samples.class_names, "chosen", "Samples found",
            caption=view.split.predictions[rows], correct=correct, in_url=True,
        )  # fmt: skip
        st.caption("Under each sample: the prediction. Select some to keep only these.")
        own_group_form(view, picked.rows or rows, st.session_state["way"], suggestion)
        if picked.opened is not None:
            with close_up:
                sample_facts(view, picked.opened, {NAMES["trained"]: view.diagnosis.erm}, "sample")


def find_samples(view: View) -> tuple[Indices, str]:
    """Show the ways to find samples, and return the rows found and a name to start from."""
    ways = (MAP, CLUSTERS, NEURON, HARD, *((PAIRS,) if len(view.split.pairs) else ()))
    if st.session_state.get("way", MAP) not in ways:  # another split is measured now
        del st.session_state["way"]
    way = st.segmented_control("Samples", ways, default=MAP, required=True, wrap=True, **in_url("way"))
    if way == MAP:
        return view.split.of_class(drawn_rows(view), view.label), ""
    if way == CLUSTERS:
        slices = view.split.mistake_slices
        st.caption(
            "A mixture of Gaussians fitted to the misclassified samples of each class; correct samples of a cluster "
            "are included."
        )
    elif way == HARD:
        slices = probably_hard(view)
    elif way == PAIRS:
        slices = view.split.pair_slices
        st.caption(
            "The same sample twice, without and with the attribute: the trained head classifies one of the two "
            "correctly and misclassifies the other. A slice holds both."
        )
    else:
        slices = view.split.activation_slices(neuron_box(view.ranking, st.container(width=160)))
        st.caption("The fifth of each class on which this neuron fires most.")
    slices = [part for part in slices if len(view.split.of_class(part.rows, view.label))]  # a slice is of one class
    if not slices:
        few = "Too few predictions change with the attribute" if way == PAIRS else "Too few samples are misclassified"
        st.info(f"{few} to form a slice; draw an outline on the map instead.")
        return [], ""
    titles = [f"{part.title} · {len(part.rows)} samples, {part.accuracy:.0%} correct" for part in slices]
    place = titles.index(st.selectbox("Slice", titles, **in_url("slice")))
    return slices[place].rows, slices[place].title


def measured_groups(view: View) -> None:
    """Show the accuracy of each head on each own group of the split, and a way to delete one."""
    samples, own_groups = view.split.samples, view.diagnosis.project.own_groups
    saved = own_groups.all()
    groups = [group for group in saved if group.split == view.split.name]
    elsewhere = sorted({group.split for group in saved} - {view.split.name})
    if elsewhere:
        st.caption(f"There are others on {plain(', '.join(elsewhere))}; choose that split in the sidebar to see them.")
    if not groups:
        st.caption(f'No group on the split "{plain(view.split.name)}" yet.')
        return
    heads = view.heads
    rows = []
    for group in groups:
        row: dict[str, object] = {"group": group.name, "origin": group.origin, "n": len(group.rows(samples))}
        for name, head in heads.items():
            part = group.accuracy(head, samples)
            row |= {name: percent(part), f"{name}, 95 %": interval(part).partition(" · ")[0]}
        rows.append(row)
    st.dataframe(rows, hide_index=True, key="own")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Delete group", [group.name for group in groups], key="delete_name")
        st.button("Delete", key="delete", on_click=own_groups.remove, args=(name,))


view = current_view()
st.title("Groups of your own")
st.markdown(
    "Without group labels, make groups yourself: find samples that share something, name them, and measure each head "
    "on them. They only measure: they neither identify neurons nor train heads."
)
select_samples(view)
st.subheader("Accuracy on your groups")
measured_groups(view)
