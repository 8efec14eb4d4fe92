"""The report of an inspection: facts of model and data, accuracy on a sample, and problems with their fixes."""

from __future__ import annotations

import streamlit as st

from neurontune_core.preflight.cost import in_words, size
from neurontune_core.preflight.page import data_lines, model_lines
from neurontune_core.preflight.report import Count, Finding, Report
from neurontune_core.tables import percent
from pages.parts.frame.words import plain

CHANCE = "Accuracy of always predicting the same class on this sample, which has equally many of each class."
SAMPLE = (
    "On a small class-balanced sample, before anything is extracted. An accuracy far below that of your model means a "
    "wrong preprocessing or a wrong order of the classes."
)
VERDICTS = {
    "OK": (st.success, "Everything fits. It can be extracted."),
    "warnings": (st.warning, "It can be extracted, but see the warnings."),
    "blockers": (st.error, "It cannot be extracted yet."),
}


def show(report: Report) -> None:
    """Show the whole report."""
    banner, sentence = VERDICTS[report.status]
    banner(f"**{sentence}** The inspection took {in_words(report.seconds)}.")
    for finding in (*report.of("blocker"), *report.of("warning")):
        problem(finding)
    numbers(report)
    model, data = st.columns(2, gap="large")
    with model:
        st.markdown("**The model**")
        st.markdown(_sentences(model_lines(report.model) if report.model else ["Not recognized."]))
    with data:
        st.markdown("**The data**")
        if report.data is None:
            st.markdown("Not recognized.")
        else:
            st.markdown(_sentences([report.data.description, data_lines(report.data)[-1]]))
            samples(report.data.counts)
            if report.data.overlapping:
                st.caption("Overlapping groups: a sample may belong to several of them, or to none.")
                samples(report.data.overlapping)
    for finding in report.of("note"):
        st.caption(f":material/info: {plain(finding.sentence)} {plain(finding.fix)}")


def problem(finding: Finding) -> None:
    """Show what is wrong, and below it how to fix it."""
    icon = ":material/block:" if finding.level == "blocker" else ":material/warning:"
    fix = f"  \n:material/build: {plain(finding.fix)}" if finding.fix else ""
    with st.container(border=True):
        st.markdown(f"{icon} {plain(finding.sentence)}{fix}")


def numbers(report: Report) -> None:
    """Show accuracy on the sample beside chance, sizes, and the cost of the extraction."""
    accuracy, chance, head, count, cost = st.columns(5)
    measured = report.accuracy
    accuracy.metric("accuracy", percent(measured.accuracy, 0) if measured else "–", help=SAMPLE)
    if measured:
        low, high = measured.interval
        accuracy.caption(f"{100 * low:.0f}–{percent(high, 0)} · n = {measured.n}")
    chance.metric("chance", percent(measured.chance, 0) if measured else "–", help=CHANCE)
    facts = report.model
    shape = f"{facts.num_classes or 'no head'} × {facts.num_neurons}" if facts else "–"
    head.metric("head", shape, help="Classes × neurons of the last linear layer; its inputs are the neurons.")
    count.metric("samples", f"{report.data.num_samples:,}" if report.data else "–")
    cost.metric(
        "time", in_words(report.cost.seconds) if report.cost else "–", help="Of the extraction, on this machine."
    )
    if report.cost:
        cost.caption(
            f"{report.cost.samples_per_second:.1f} samples per second on {report.cost.device} · "
            f"{size(report.cost.memory)} of memory · {size(report.cost.disk)} on disk"
        )


def samples(counts: tuple[Count, ...]) -> None:
    """Show the number of samples per class or group (rows) and split (columns)."""
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
