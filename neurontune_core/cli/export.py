"""The verb export: a project's head, chosen by name, or a head that tune wrote, as a verified bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from neurontune_core.cli.cue_options import CueName, MaskBy, cue_mask
from neurontune_core.cli.options import AsJson, Out, answer, described, note
from neurontune_core.cli.project_options import open_project
from neurontune_core.cli.source_options import Entry
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead
from neurontune_core.mask import Mask
from neurontune_core.models import names_entry
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.workspace.project import Project

if TYPE_CHECKING:
    from neurontune_core.export.card import TunedRun

HEADS = ("trained", "mask", "retrained", "masking-off", "advised")


def export(
    out: Out,
    head: Annotated[
        str, typer.Option(help=f"A head of the project: {', '.join(HEADS)}; or the file of a head that tune wrote.")
    ],
    project: Annotated[
        Path | None,
        typer.Option(help="A project.json, its folder or a project's name; its whole model is exported, too."),
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="The retraining that the head is from; the newest by default.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="λ of --head mask; as it was last set on screen by default, else 0.")
    ] = None,
    mask_value: Annotated[
        float | None,
        typer.Option(help="Factor of masked activations of --head mask; as it was last set on screen, else 0."),
    ] = None,
    stability: Annotated[
        float | None,
        typer.Option(
            help="Standard errors by which a score must exceed λ, of --head mask: 2 masks stable neurons only; as it "
            "was last set on screen by default, else 0."
        ),
    ] = None,
    cue: CueName = None,
    mask_by: MaskBy = "cue",
    mask: Annotated[Path | None, typer.Option(help="The mask.json that tune wrote, for a head from a file.")] = None,
    erm: Annotated[Path | None, typer.Option(help="The head before tuning; the project's by default.")] = None,
    evaluation: Annotated[Path | None, typer.Option(help="Set for the card's table; the project's by default.")] = None,
    masking_off: Annotated[Path | None, typer.Option(help="A head tuned with --no-mask, for the card.")] = None,
    entry: Entry = None,
    as_json: AsJson = False,
) -> None:
    """Export a bundle: mask, head, model, card.

    Each file is read back and compared; when one differs, nothing is written and the exit code is 1. A mask alone needs
    no retraining: it is the trained head with λ, mask value and the project's verdicts folded in. The whole model of a
    project is a state dict, and what transformers or timm load by themselves where it came from a folder of theirs.
    """
    from neurontune_core.export.bundle import export_bundle
    from neurontune_core.export.verification import VerificationError

    opened = open_project(project) if project else None
    rule = {"--threshold": threshold, "--mask-value": mask_value, "--stability": stability}
    if head in HEADS:
        _refuse({"--mask": mask, "--erm": erm, "--masking-off": masking_off}, f"--head {head} comes from the project")
        if opened is None:
            raise InputError(f"Give --project: --head {head} is a head of a project.")
        if head != "mask":
            _refuse({**rule, "--cue": cue}, f"--head {head} has a mask of its own")
        if cue is None and mask_by != "cue":
            raise InputError("--mask-by both needs a cue; give --cue NAME.")
        facts = _of_project(opened, head, run, rule, evaluation, cue, mask_by)
    else:
        _refuse({"--run": run, **rule, "--cue": cue}, "--head is a file")
        facts = _of_files(opened, Path(head), mask, erm, evaluation, masking_off)
    content = opened.content if opened else {}
    try:
        files = export_bundle(
            out,
            facts,
            model=content.get("model"),
            dataset=content.get("dataset"),
            base=opened.source if opened else Path.cwd(),
            allow_python=names_entry(content.get("model"), entry),
        )
    except VerificationError as error:
        note(str(error))
        raise typer.Exit(1) from None
    for sentence in facts.warnings:
        note(f"Note: {sentence}")
    value = {
        "head": head if head in HEADS else "retrained" if facts.config.masking else "masking-off",
        "num_neurons": facts.mask.num_neurons,
        "num_masked": facts.mask.num_biased,
        "files": {file.name: str(file.path) for file in files},
        "checks": {file.name: file.check for file in files},
    }
    rows = [f"{file.name}  {file.bytes:,} bytes  {file.check}" for file in files]
    masked = f"{facts.title_name} head, {facts.mask.num_biased} of {facts.mask.num_neurons} neurons masked."
    answer(as_json, value, "\n".join([masked, *rows]))


def _refuse(options: Mapping[str, object], because: str) -> None:
    """Raise InputError where an option is given that says nothing about the head."""
    superfluous = [option for option, value in options.items() if value is not None]
    if superfluous:
        raise InputError(f"{because}; leave out {', '.join(superfluous)}.")


def _of_project(
    project: Project,
    key: str,
    run: str | None,
    rule: Mapping[str, float | None],
    evaluation: Path | None,
    cue: str | None,
    mask_by: Literal["cue", "both"],
) -> TunedRun:
    """Return what the bundle of a project's head holds.

    Args:
        project: the project.
        key: of the head.
        run: the retraining that it is from; None for the newest.
        rule: the options that make the mask alone; what is None there is as it was last set on screen.
        evaluation: the set for the card's table; the project's by default.
        cue, mask_by: a cue that the mask alone goes by, and whether by scores, too.
    """
    from neurontune_core.session.bundle_facts import bundle_facts
    from neurontune_core.session.diagnosis import Diagnosis
    from neurontune_core.session.named_heads import named_head

    mask_value, stability = rule["--mask-value"], rule["--stability"]
    if mask_value is not None and not 0 <= mask_value <= 1:
        raise InputError(f"--mask-value is {mask_value:g}, but masked activations are multiplied by 0 to 1.")
    if stability is not None and not 0 <= stability <= 100:
        raise InputError(f"--stability is {stability:g}; give 0 (no margin) to 100 standard errors.")
    diagnosis = Diagnosis(project)
    needs_run = key not in ("trained", "mask")
    if run is not None and not needs_run:
        raise InputError(f"--head {key} needs no retraining; leave out --run.")
    runs = project.runs() if needs_run and run is None else []
    chosen = project.run(run) if run is not None else next(iter(runs), None)
    moved = project.journal.settings()
    settings = {option.removeprefix("--").replace("-", "_"): value for option, value in rule.items()}
    named = named_head(
        diagnosis,
        key,  # type: ignore[arg-type]
        run=chosen,
        **{name: moved.get(name, 0.0) if value is None else value for name, value in settings.items()},
        cue=None if cue is None else cue_mask(diagnosis, cue, mask_by),
    )
    measured = EmbeddingSet.load(evaluation) if evaluation else diagnosis.samples("evaluation")
    diagnosis.erm.check_fits(measured.num_neurons, measured.num_classes)
    return bundle_facts(diagnosis, named, measured)


def _of_files(
    project: Project | None,
    head: Path,
    mask: Path | None,
    erm: Path | None,
    evaluation: Path | None,
    masking_off: Path | None,
) -> TunedRun:
    """Return what the bundle of a head from a file holds."""
    from neurontune_core.export.card import TunedRun

    if project is not None:
        erm, evaluation = erm or project.head_file, evaluation or project.set_folder("evaluation")
    if erm is None or evaluation is None:
        raise InputError("Give --erm and --evaluation, or a --project that has them.")
    if mask is None:
        raise InputError(f"Give --mask, the mask.json that tune wrote; or --head {', '.join(HEADS)} with a --project.")
    masked, measured = Mask.load(mask), EmbeddingSet.load(evaluation)
    tuned, before = (LinearHead.load(file, measured.class_names) for file in (head, erm))
    before.check_fits(measured.num_neurons, measured.num_classes)
    data = {role.capitalize(): masked.source[role] for role in ("identification", "tuning") if role in masked.source}
    content: Mapping[str, Any] = project.content if project else {}
    return TunedRun(
        erm=before,
        head=tuned,
        mask=masked,
        config=_config_of(tuned, head),
        evaluation=measured,
        epoch=tuned.provenance.get("epoch"),
        masking_off=LinearHead.load(masking_off, measured.class_names) if masking_off else None,
        data=data | {"Evaluation": described(measured)},
        title=content.get("title") or "A classifier",
        problem=content.get("problem", ""),
    )


def _config_of(tuned: LinearHead, file: Path) -> TuneConfig:
    """Return the settings that tune recorded in the head's file."""
    names = [setting.name for setting in fields(TuneConfig)]
    if not set(names) <= set(tuned.provenance):
        raise InputError(f"{file} has no record of how it was tuned; give the head that tune wrote.")
    return TuneConfig(**{name: tuned.provenance[name] for name in names})
