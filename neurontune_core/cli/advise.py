"""The verb advise: keep the head, retrain it, mask and retrain, or upweight hard samples."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated

import typer

from neurontune_core.cli.options import AsJson, Head, answer, described, note, progress, table, with_settings
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.files import write_json
from neurontune_core.head import LinearHead
from neurontune_core.mask import Mask
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.workspace.journal import neurons_judged

_DECIDED = ("masking", "select", "average_epochs", "stability")  # by the adviser itself
SETTINGS = tuple(setting.name for setting in fields(TuneConfig) if setting.name not in _DECIDED)


@with_settings(*SETTINGS)
def advise(
    identification: Annotated[
        Path, typer.Option("--identification", help="Embedding set that the head was not trained on.")
    ],
    tuning: Annotated[Path, typer.Option(help="Embedding set that the head was, or could be, trained on.")],
    head: Head,
    config: TuneConfig,
    verdicts: Annotated[Path | None, typer.Option(help="A mask.json: its verdicts mask or spare neurons.")] = None,
    mask: Annotated[Path | None, typer.Option(help="A mask.json of your own, measured beside the others.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the advised head and the advice here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Recommend to keep the head, retrain it without a mask, mask and retrain, or upweight hard samples.

    Heads are compared by their worst class on samples that they have not seen. No group label is used. The rule is
    ours, not the paper's.
    """
    from neurontune_core.advise import advise as ask
    from neurontune_core.advise.sentences import CASES, HEADINGS, evidence, remarks, sentence

    samples, trained = EmbeddingSet.load(identification), EmbeddingSet.load(tuning)
    human_verdicts = Mask.load(verdicts).verdicts if verdicts else {}
    advice = ask(
        LinearHead.load(head, samples.class_names),
        samples,
        trained,
        config,
        always=neurons_judged(human_verdicts, "spurious", samples.num_neurons),
        never=neurons_judged(human_verdicts, "core", samples.num_neurons),
        mask=Mask.load(mask).biased if mask else None,
        on_step=lambda done, expected: progress(f"run {done} of about {expected}"),
    )
    progress("")
    rows = evidence(advice)
    value = {
        "advice": advice.chosen,
        "case": advice.case,
        "sentence": sentence(advice),
        "remarks": remarks(advice),
        "expected_worst_class": advice.candidate.worst_class_on_unseen._asdict(),
        "distinct": None if advice.distinct is None else advice.distinct._asdict(),
        "counterexamples": None if advice.counterexamples is None else advice.more_counterexamples,
        "evidence": rows,
        "identification": described(samples),
        "tuning": described(trained),
        "out": str(out) if out else None,
    }
    if out:
        advice.head.save(out / "head.safetensors")
        write_json(out / "advice.json", value)
    for remark in remarks(advice):
        note(remark)
    lines = [
        f"{CASES[advice.case]}.",
        sentence(advice),
        "",
        table([HEADINGS.get(key, key) for key in rows[0]], [list(row.values()) for row in rows]),
    ]
    written = [f"The advised head is in {out}."] if out else []
    answer(as_json, value, "\n".join([*lines, *written]))
