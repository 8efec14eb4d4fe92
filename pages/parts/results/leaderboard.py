"""What a comparison came to: leaderboard, trade-off, accuracy by group, files to take away."""

from __future__ import annotations

import streamlit as st

from neurontune_core.experiments.comparison import Comparison
from neurontune_core.experiments.leaderboard import (
    leaderboard_rows,
    published_beside,
    remarks,
    to_csv,
    what_to_know,
    with_published,
)
from neurontune_core.experiments.methods import ALWAYS, MethodSummary
from neurontune_core.experiments.published import DATASETS
from neurontune_core.figures.base import NO_MODE_BAR
from neurontune_core.figures.methods import method_label, part_bars, tradeoff
from neurontune_core.tables import to_latex, to_markdown
from pages.parts.frame.state import View
from pages.parts.frame.url_state import in_url
from pages.parts.frame.words import HELP, percent, plain

NONE = "nothing"
WIDTHS = {"method": 160, "from": 200}  # pixels; else the first rows decide, and later ones are cut
COLUMN_HELP = {
    "worst group": HELP["worst group"],
    "worst class": HELP["worst class"],
    "average": HELP["average"],
    "average, re-weighted": "Groups weighed as they occur in the tuning set, as some published tables do.",
    "gap": HELP["gap"],
    "uses groups": "Whether group labels are used to train or to choose, which NeuronTune does without.",
    "seconds": "Of one run, on the machine that ran it.",
    "seeds": "How many runs the numbers rest on; a method without chance in it runs once.",
}


def leaderboard(found: Comparison, view: View) -> None:
    """Everything about one saved comparison."""
    summaries = found.summaries
    dataset = st.selectbox(
        "Lay published numbers beside", [NONE, *DATASETS], format_func=lambda each: DATASETS.get(each, each),
        **in_url("published"),
        help="What the paper reports on that data set. They are marked, and never mixed with measured ones.",
    )  # fmt: skip
    beside = published_beside(dataset) if dataset != NONE else ()
    rows = with_published(leaderboard_rows(summaries), beside)
    table(rows)
    for sentence in (*remarks(summaries), *what_to_know(beside)):
        st.caption(f":material/info: {plain(sentence)}")
    files(found, rows, beside)
    measured = [each for each in summaries if each.runs]
    with_heads = [each for each in measured if found.head_file(each.method.key).is_file()]
    if not measured:
        return
    st.subheader("Average against worst")
    st.caption(
        "Up and to the right is better. The dotted line joins the methods that no other one beats in both. Diamonds "
        "use group labels; bars are standard deviations over seeds; hollow points are published."
    )
    st.plotly_chart(tradeoff(measured, beside), key="tradeoff", config=NO_MODE_BAR)
    bars(measured)
    if found.fits(view.diagnosis.erm, view.diagnosis.sets):
        own_groups(found, with_heads, view)
    if with_heads:
        take_home(found, with_heads)


def table(rows: list[dict[str, str]]) -> None:
    """The rows; a column's meaning stands behind its question mark."""
    config = {name: st.column_config.TextColumn(width=width) for name, width in WIDTHS.items()}
    config |= {name: st.column_config.TextColumn(help=text) for name, text in COLUMN_HELP.items()}
    st.dataframe(rows, hide_index=True, key="leaderboard", column_config=config, height="content")
    st.caption(
        "In per cent, mean ± standard deviation over seeds. ERM is the classifier as it was trained, masking off the "
        "same retraining without a mask: a method is worth its trouble only where it beats both. NeuronTune†, SELF and "
        "DFR train on the identification split, the others on the tuning split."
    )
    for row in rows:
        if row.get("failed"):
            st.warning(f"**{row['method']}** did not run: {plain(row['failed'])}")


def files(found: Comparison, rows: list[dict[str, str]], beside: tuple) -> None:
    with st.container(horizontal=True):
        for ending, text in (("csv", to_csv(found.summaries, beside)), ("md", to_markdown(rows)),
                             ("tex", to_latex(rows))):  # fmt: skip
            names = {"csv": "CSV", "md": "Markdown", "tex": "LaTeX"}
            st.download_button(names[ending], text, f"comparison-{found.id}.{ending}", key=f"download-{ending}",
                on_click="ignore", icon=":material/download:")  # fmt: skip


def bars(summaries: list[MethodSummary]) -> None:
    names = {each.method.key: method_label(each) for each in summaries}
    own = [key for key in (*ALWAYS, "neurontune") if key in names]
    first = list(dict.fromkeys([*own, *names]))
    st.subheader("By group" if summaries[0].runs[0].evaluation.groups else "By class")
    chosen = st.multiselect(
        "Methods in the chart", list(names), first[:5], format_func=names.__getitem__, **in_url("bars")
    )
    if chosen:
        st.plotly_chart(part_bars([each for each in summaries if each.method.key in chosen]), key="parts",
            config=NO_MODE_BAR)  # fmt: skip


def own_groups(found: Comparison, summaries: list[MethodSummary], view: View) -> None:
    """Groups that a person drew, under the heads of seed 0; no method has seen them."""
    each = view.split.samples
    groups = [group for group in view.diagnosis.project.own_groups.all() if group.split == each.split]
    if not groups:
        return
    heads = {method_label(summary): found.head(summary.method.key) for summary in summaries}
    st.subheader("On the groups of your own")
    st.dataframe(
        [{"method": name} | {group.name: percent(group.accuracy(head, each)) for group in groups}
         for name, head in heads.items()],
        hide_index=True, key="compare_own",
    )  # fmt: skip
    st.caption(
        f'Those of the split "{plain(each.split)}", kept on the Groups or the Check screen, measured with each '
        "method's head of seed 0. No method was shown them as groups."
    )


def take_home(found: Comparison, summaries: list[MethodSummary]) -> None:
    """The head of any row."""
    st.subheader("Take a head home")
    names = {each.method.key: method_label(each) for each in summaries}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = st.selectbox("Method", list(names), format_func=names.__getitem__, key="take")
        st.download_button("Head", found.head_file(key).read_bytes(), f"{key}.safetensors", key="download-head",
            on_click="ignore", icon=":material/download:")  # fmt: skip
    st.caption(
        "The head of seed 0 as safetensors: plain `embeddings @ weight.T + bias` gives its logits. The **Check** "
        "screen shows, sample by sample, what it fixed and what it broke."
    )
