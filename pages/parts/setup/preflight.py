"""The report of a look at a model and data: what was understood, what was measured, what is in the way."""

from __future__ import annotations

import streamlit as st

from neurontune_core.preflight.cost import in_words, size
from neurontune_core.preflight.page import data_lines, model_lines
from neurontune_core.preflight.report import Count, Finding, Report
from pages.parts.frame.words import plain

CHANCE = "The accuracy of giving always the same answer on this sample, whose classes are drawn evenly."
SAMPLE = (
    "On a small, evenly drawn sample, before anything is extracted. Far below what you know of your model means "
    "that something is read wrongly: the preparation of the pictures, or the order of the classes."
)
VERDICTS = {
    "OK": (st.success, "Everything fits. It can be extracted."),
    "warnings": (st.warning, "It can be extracted, but something may spoil the result."),
    "blockers": (st.error, "It cannot be extracted yet."),
}


def show(report: Report) -> None:
    """The whole page."""
    banner, sentence = VERDICTS[report.status]
    banner(f"**{sentence}** The look took {in_words(report.seconds)}.")
    for finding in (*report.of("blocker"), *report.of("warning")):
        problem(finding)
    numbers(report)
    model, data = st.columns(2, gap="large")
    with model:
        st.markdown("**The model**")
        st.markdown(_sentences(model_lines(report.model) if report.model else ["Not understood."]))
    with data:
        st.markdown("**The data**")
        if report.data is None:
            st.markdown("Not understood.")
        else:
            st.markdown(_sentences([report.data.description, data_lines(report.data)[-1]]))
            samples(report.data.counts)
            if report.data.overlapping:
                st.caption("Overlapping groups: a sample may be in several of them, or in none.")
                samples(report.data.overlapping)
    for finding in report.of("note"):
        st.caption(f":material/info: {plain(finding.sentence)} {plain(finding.fix)}")


def problem(finding: Finding) -> None:
    """What is wrong, and below it how to fix it."""
    icon = ":material/block:" if finding.level == "blocker" else ":material/warning:"
    fix = f"  \n:material/build: {plain(finding.fix)}" if finding.fix else ""
    with st.container(border=True):
        st.markdown(f"{icon} {plain(finding.sentence)}{fix}")


def numbers(report: Report) -> None:
    """Accuracy on the sample beside chance, sizes, and what extraction will take."""
    right, chance, head, count, cost = st.columns(5)
    asked = report.accuracy
    right.metric("accuracy", f"{100 * asked.accuracy:.0f} %" if asked else "–", help=SAMPLE)
    if asked:
        low, high = asked.interval
        right.caption(f"{100 * low:.0f}–{100 * high:.0f} % · n = {asked.n}")
    chance.metric("chance", f"{100 * asked.chance:.0f} %" if asked else "–", help=CHANCE)
    facts = report.model
    shape = f"{facts.num_classes or 'no head'} × {facts.num_neurons}" if facts else "–"
    head.metric("head", shape, help="Classes × neurons of the last linear layer; its inputs are the neurons.")
    count.metric("samples", f"{report.data.num_samples:,}" if report.data else "–")
    cost.metric(
        "time", in_words(report.cost.seconds) if report.cost else "–", help="Of the extraction, on this machine."
    )
    if report.cost:
        cost.caption(
            f"{report.cost.samples_per_second:.1f} a second on {report.cost.device} · "
            f"{size(report.cost.memory)} of memory · {size(report.cost.disk)} on disk"
        )


def samples(counts: tuple[Count, ...]) -> None:
    """One row a class and group, one column a split."""
    splits = list(dict.fromkeys(count.split for count in counts))
    rows: dict[tuple[str, str], dict[str, int]] = {}
    for count in counts:
        rows.setdefault((count.label, count.group), {})[count.split] = count.n
    table: dict[str, list] = {}
    if counts[0].group:
        table["group"] = [group for _, group in rows]
    else:
        table["class"] = [label for label, _ in rows]
    for split in splits:
        table[split or "all"] = [by_split.get(split, 0) for by_split in rows.values()]
    st.dataframe(table, hide_index=True, height="content" if len(rows) <= 12 else 400)


def _sentences(lines: list[str]) -> str:
    return "  \n".join(plain(line) for line in lines if line)
