"""The leaderboard of a comparison: its table, what to know about it, and files to download."""

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
from neurontune_core.experiments.published import DATASETS
from neurontune_core.tables import to_latex, to_markdown
from pages.parts.frame.url_state import in_url
from pages.parts.frame.view import View
from pages.parts.frame.words import HELP, plain
from pages.parts.results.comparison_charts import accuracy_by_part, average_against_worst
from pages.parts.results.comparison_heads import accuracy_on_own_groups, download_head

NONE = "none"
WIDTHS = {"method": 160, "from": 200}  # pixels; Streamlit measures the first rows alone, and cuts later ones
COLUMN_HELP = {
    "worst group": HELP["worst group"],
    "worst class": HELP["worst class"],
    "average": HELP["average"],
    "average, re-weighted": "Groups weighted as they occur in the tuning set, as in some published tables.",
    "gap": HELP["gap"],
    "uses groups": "Whether the method trains or selects with group labels; NeuronTune does not.",
    "seconds": "Of one run, on the machine that ran it.",
    "seeds": "Number of runs; a deterministic method runs once.",
}


def leaderboard(comparison: Comparison, view: View) -> None:
    """Show everything about a saved comparison."""
    summaries = comparison.summaries
    dataset = st.selectbox(
        "Show published results", [NONE, *DATASETS], format_func=lambda key: DATASETS.get(key, key),
        **in_url("published"), help="The paper's results on this dataset, marked as published.",
    )  # fmt: skip
    published = published_beside(dataset) if dataset != NONE else ()
    rows = with_published(leaderboard_rows(summaries), published)
    table(rows)
    for sentence in (*remarks(summaries), *what_to_know(published)):
        st.caption(f":material/info: {plain(sentence)}")
    with st.container(horizontal=True):
        texts = {"CSV": to_csv(summaries, published), "Markdown": to_markdown(rows), "LaTeX": to_latex(rows)}
        for (name, text), ending in zip(texts.items(), ("csv", "md", "tex"), strict=True):
            st.download_button(
                name, text, f"comparison-{comparison.id}.{ending}", key=f"download-{ending}", on_click="ignore",
                icon=":material/download:",
            )  # fmt: skip
    measured = [summary for summary in summaries if summary.runs]
    if not measured:
        return
    average_against_worst(measured, published)
    accuracy_by_part(measured)
    with_heads = [summary for summary in measured if comparison.head_file(summary.method.key).is_file()]
    if comparison.fits(view.diagnosis.erm, view.diagnosis.sets):
        accuracy_on_own_groups(comparison, with_heads, view)
    if with_heads:
        download_head(comparison, with_heads)


def table(rows: list[dict[str, str]]) -> None:
    """Show the rows, and why a method did not run."""
    config = {name: st.column_config.TextColumn(width=width) for name, width in WIDTHS.items()}
    config |= {name: st.column_config.TextColumn(help=text) for name, text in COLUMN_HELP.items()}
    st.dataframe(rows, hide_index=True, key="leaderboard", column_config=config, height="content")
    st.caption(
        f"Percent, mean ± standard deviation over seeds. ERM: {HELP['erm']} {HELP['no masking']} A "
        "method is only worth its cost where it beats both. NeuronTune†, SELF and DFR train on the identification "
        "split, the others on the tuning split (DFR with train subsets, too)."
    )
    for row in rows:
        if row.get("failed"):
            st.warning(f"**{row['method']}** did not run: {plain(row['failed'])}")
