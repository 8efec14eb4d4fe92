"""The verbs that need arrays alone: import, tune, evaluate."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from neurontune_core.cli.cue_options import CueName, MaskBy, cue_mask_for
from neurontune_core.cli.options import (
    AsJson,
    Head,
    Out,
    answer,
    described,
    headline,
    pairs_of,
    percent,
    progress,
    table,
    warn,
    with_settings,
)
from neurontune_core.cli.project_options import (
    HeadOption,
    Identification,
    ProjectOption,
    head_of,
    open_project,
    set_of,
)
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import evaluate as evaluate_head
from neurontune_core.files import write_json, write_together
from neurontune_core.head import LinearHead
from neurontune_core.mask import Mask
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.neurontune import neurontune
from neurontune_core.tuning.result import EpochRecord, TuneResult
from neurontune_core.workspace.journal import neurons_judged


def import_(
    file: Annotated[Path, typer.Argument(help="An .npz, .npy, .parquet, .safetensors or .h5 file with vectors.")],
    out: Out,
    split: Annotated[str, typer.Option(help="The split to read, if the file has several; else a name for it.")] = "",
    labels: Annotated[str | None, typer.Option(help="A file with one label per row, or the name of an array.")] = None,
    groups: Annotated[str | None, typer.Option(help="A file with one group per row, or the name of an array.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="The role of an array or column, such as embeddings=penultimate; repeat it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import vectors that another program wrote as an embedding set.

    The file needs embeddings [N, M] and labels [N], which may be names or numbers from 0; it may have groups or
    attributes, pairs, units, class_names, group_names, sample_ids and splits. Nothing is unpickled.
    """
    from neurontune_core.extraction.import_embeddings import read_embeddings

    names = pairs_of(column, "--column")
    files: dict[str, str | None] = {"labels": labels, "groups": groups}
    for role, value in files.items():
        if value is not None and not Path(value).is_file():
            names[role], files[role] = value, None
    imported = read_embeddings(file, files["labels"], files["groups"], split=split, names=names)
    imported.save(out)
    if imported.class_names[0] == "class 0" and not (imported.labels == 0).any() and imported.num_classes > 2:
        warn([f"No sample is of class 0; where the labels count from 1, subtract 1 ({imported.num_classes} classes)."])
    facts = {"samples": imported.num_samples, "neurons": imported.num_neurons, "classes": imported.num_classes}
    answer(as_json, facts | {"out": str(out)}, f"{described(imported)} written to {out}.")


@with_settings(presets=True)
def tune(
    out: Out,
    config: TuneConfig,
    identification: Identification = None,
    head: HeadOption = None,
    project: ProjectOption = None,
    tuning: Annotated[Path | None, typer.Option(help="Embedding set that the head is retrained on.")] = None,
    halves: Annotated[bool, typer.Option("--halves", help="Tune on one half of the identification set.")] = False,
    verdicts: Annotated[Path | None, typer.Option(help="A mask.json: its verdicts mask or spare neurons.")] = None,
    cue: CueName = None,
    mask_by: MaskBy = "cue",
    as_json: AsJson = False,
) -> None:
    """Mask biased neurons and retrain the head.

    The mask is computed anew before every epoch; batches are class-balanced and no group label is used. The best
    epoch is kept. With a cue, the neurons that respond to it are masked in every epoch.
    """
    if project is not None and tuning is None and not halves:
        tuning = open_project(project).set_folder("tuning")
    if halves == (tuning is not None):
        raise InputError("Give either --tuning or --halves: the head is retrained on one of them.")
    samples = set_of(identification, project)
    erm = head_of(head, project, samples)
    masked_cue = cue_mask_for(project, cue, mask_by)
    if tuning is None:
        trained, samples = samples.halves(config.seed)
    else:
        trained = EmbeddingSet.load(tuning)
    human_verdicts = Mask.load(verdicts).verdicts if verdicts else {}
    result = neurontune(
        erm,
        samples,
        trained,
        config,
        always=neurons_judged(human_verdicts, "spurious", samples.num_neurons),
        never=neurons_judged(human_verdicts, "core", samples.num_neurons),
        cue=masked_cue,
        on_epoch=lambda record: progress(_epoch_line(record, config)),
    )
    progress("")
    source = dict(result.head.provenance) | {"identification": described(samples), "tuning": described(trained)}
    mask = Mask(result.biased, config.threshold, config.mask_value, human_verdicts, source, cue=masked_cue)
    history = [asdict(record) for record in result.history]
    write_together(
        out,
        {
            "head.safetensors": result.head.save,
            "mask.json": mask.save,
            "history.json": lambda path: write_json(path, history),
        },
    )
    warn(result.warnings)
    kept = next(record for record in result.history if record.epoch == result.epoch)
    answer(
        as_json,
        {
            "epoch": result.epoch,
            "sfit": kept.sfit,
            "num_biased": kept.num_biased,
            "num_neurons": samples.num_neurons,
            "averaged": list(result.averaged),
            "loop": result.loop,
            **({} if masked_cue is None else {"cue": masked_cue.name, "effect": masked_cue.threshold}),
            "seconds": result.seconds,
            "warnings": list(result.warnings),
            "out": str(out),
        },
        f"{_kept(result)} (SFit {kept.sfit:.4g}, {kept.num_biased} of "
        f"{samples.num_neurons} neurons masked) in {result.seconds:.1f} s; head, mask and history are in {out}.",
    )


def _kept(result: TuneResult) -> str:
    """Return which epochs were kept, as the beginning of a sentence."""
    loop = {"": "", "stable": ", with the stable mask", "paper": ", with the paper's mask"}[result.loop]
    if len(result.averaged) == 1:
        return f"Kept epoch {result.epoch} of {len(result.history)}{loop}"
    epochs = ", ".join(map(str, sorted(result.averaged)))
    return f"Averaged epochs {epochs} of {len(result.history)}{loop}, the best of them {result.epoch}"


def _epoch_line(record: EpochRecord, config: TuneConfig) -> str:
    return (
        f"epoch {record.epoch} of {config.epochs}: loss {record.loss:.4f}, SFit {record.sfit:.4g}, "
        f"{record.num_biased} masked, accuracy {percent(record.accuracy)}"
    )


def evaluate(
    embeddings: Annotated[Path, typer.Option(help="The embedding set.")], head: Head, as_json: AsJson = False
) -> None:
    """Measure a head: average, worst group, worst class."""
    measured, samples = LinearHead.load(head), EmbeddingSet.load(embeddings)
    evaluation = evaluate_head(measured.in_order_of(samples.class_names), samples)
    sides = {"groups": evaluation.groups, "overlapping_groups": evaluation.overlapping_groups}
    groups = {
        side: [{"name": group.name, "accuracy": group.accuracy, "n": group.n} for group in side_groups]
        for side, side_groups in sides.items()
    }
    value = {
        "accuracy": evaluation.accuracy,
        "worst_group_accuracy": evaluation.worst_group_accuracy,
        "accuracy_gap": evaluation.accuracy_gap,
        "worst_class_accuracy": evaluation.worst_class_accuracy,
        **groups,
    }
    parts = [headline({"head": evaluation})]
    for name, side in (("group", evaluation.groups), ("overlapping group", evaluation.overlapping_groups)):
        rows = [[f"{group.name} (n = {group.n})", percent(group.accuracy)] for group in side]
        parts += [table((name, "accuracy"), rows)] if rows else []
    answer(as_json, value, "\n".join(parts))
