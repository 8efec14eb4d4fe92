"""The heads of a comparison: measured on own groups, and to download."""

from __future__ import annotations

import streamlit as st

from neurontune_core.experiments.comparison import Comparison
from neurontune_core.experiments.methods import MethodSummary
from neurontune_core.figures.methods import method_label
from pages.parts.frame.view import View
from pages.parts.frame.words import percent, plain


def accuracy_on_own_groups(comparison: Comparison, summaries: list[MethodSummary], view: View) -> None:
    """Show the accuracy of each method's head of seed 0 on the own groups of the chosen split, if there are any."""
    samples = view.split.samples
    groups = [group for group in view.diagnosis.project.own_groups.all() if group.split == samples.split]
    if not groups:
        return
    heads = {method_label(summary): comparison.head(summary.method.key) for summary in summaries}
    st.subheader("On the groups of your own")
    st.dataframe(
        [{"method": name} | {group.name: percent(group.accuracy(head, samples)) for group in groups}
         for name, head in heads.items()],
        hide_index=True, key="compare_own",
    )  # fmt: skip
    st.caption(f'Groups of the split "{plain(samples.split)}" with the heads of seed 0. No method has used them.')


def download_head(comparison: Comparison, summaries: list[MethodSummary]) -> None:
    """Offer the head of seed 0 of any method; its bytes are read when a person downloads it."""
    st.subheader("Download a head")
    names = {summary.method.key: method_label(summary) for summary in summaries}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = st.selectbox("Method", list(names), format_func=names.__getitem__, key="download_method")
        st.download_button(
            "Head", comparison.head_file(key).read_bytes, f"{key}.safetensors", key="download-head",
            on_click="ignore", icon=":material/download:",
        )  # fmt: skip
    st.caption(
        "The head of seed 0 as safetensors: `embeddings @ weight.T + bias` gives its logits. The **Check** screen "
        "shows which samples it corrects."
    )
