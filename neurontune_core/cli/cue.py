"""The verb cue: point at a cue, prove what it does, and list the neurons that respond to it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from neurontune_core.cli.cue_options import offered
from neurontune_core.cli.options import AsJson, answer, note, percent, progress, table
from neurontune_core.cli.project_options import open_project
from neurontune_core.cli.source_options import Entry
from neurontune_core.errors import InputError, listing
from neurontune_core.models import names_entry

if TYPE_CHECKING:
    from neurontune_core.cues.cue import Cue
    from neurontune_core.cues.measurement import CueMeasurement
    from neurontune_core.session.diagnosis import Diagnosis
    from neurontune_core.session.gallery import Gallery

LISTED = 10  # neurons in the table
MOST_PAIRS = 100

Texts = Annotated[list[str] | None, typer.Option()]


def cue(
    project: Annotated[Path, typer.Option(help="A project.json, its folder or a project's name.")],
    name: Annotated[str | None, typer.Option(help="What the cue is called, such as tag.")] = None,
    picture: Annotated[
        list[str] | None, typer.Option(help="Id of a picture that shows the cue; repeat it with its --box.")
    ] = None,
    box: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y,W,H", help="The cue in that picture, in fractions of it or in pixels."),
    ] = None,
    jitter: Annotated[float, typer.Option(help="Share of the box by which place and size vary.")] = 0.0,
    words: Annotated[list[str] | None, typer.Option(help="Words or a phrase that are the cue; repeat it.")] = None,
    pattern: Annotated[str, typer.Option(help="A regular expression that is the cue, such as ^\\d+.")] = "",
    place: Annotated[
        float, typer.Option(help="Where words are put in: 0 at the start of the text, 1 at its end.")
    ] = 0.0,
    part: Annotated[int, typer.Option(help="Of a pair of texts, the one that is edited: 0 or 1.")] = 0,
    take_out: Annotated[bool, typer.Option("--take-out", help="Take the words out of texts that hold them.")] = False,
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", help="A group or an attribute whose samples have the cue, or a file of sample ids."),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="The same of samples that have it not; by default the rest of the class.")
    ] = None,
    picks: Annotated[int, typer.Option(help="Of these samples, draw so many of each kind and class; 0: all.")] = 0,
    pairs: Annotated[int, typer.Option(help="Samples that the cue is put into, at most.", min=2)] = MOST_PAIRS,
    effect: Annotated[
        float | None, typer.Option(help="Standard deviations beyond which a neuron is listed and masked.", min=0)
    ] = None,
    entry: Entry = None,
    list_: Annotated[bool, typer.Option("--list", help="List the cues of the project.")] = False,
    remove: Annotated[str | None, typer.Option(metavar="NAME", help="Remove a cue from the list.")] = None,
    as_json: AsJson = False,
) -> None:
    """Point at a cue, and see what it does to the classifier and to its neurons.

    The cue is a box in a picture, words of texts, or samples that have it. It is put into up to a hundred other
    samples, and so is a control: a patch from elsewhere, or other words. The name alone repeats an earlier cue. What
    is found uses your knowledge; the paper's method does not.
    """
    from neurontune_core.session.cue_work import measure_cue
    from neurontune_core.session.diagnosis import Diagnosis
    from neurontune_core.session.gallery import Gallery

    opened = open_project(project)
    if list_ or remove is not None:
        _list_or_remove(opened, remove, as_json)
        return
    if name is None:
        raise InputError("Give the cue a --name; or --list the cues of the project.")
    allow_python = names_entry(opened.content.get("model"), entry)
    diagnosis, gallery = Diagnosis(opened), Gallery(opened, allow_python=allow_python)
    kinds = {"--picture": picture or box, "--words": words or pattern, "--with": with_ or without}
    chosen = [option for option, values in kinds.items() if values]
    if len(chosen) > 1:
        raise InputError(f"A cue is of one kind; give only one of {' and '.join(chosen)}.")
    if chosen == ["--picture"]:
        made = _of_pictures(diagnosis, gallery, name, picture or [], box or [], jitter)
    elif chosen == ["--words"]:
        made = _of_words(diagnosis, gallery, name, words or [], pattern, place, part, take_out)
    elif chosen == ["--with"]:
        made = _of_samples(diagnosis, name, with_ or [], without or [], picks)
    elif name in opened.journal.cues():
        made = opened.cues.load(name)
    else:
        raise InputError(f'There is no cue "{name}" yet; give --picture and --box, --words, or --with.')
    measured = measure_cue(
        diagnosis, gallery, made, most=pairs, on_progress=lambda done, expected: progress(f"{done} of {expected} pairs")
    )
    progress("")
    _report(diagnosis, measured, effect, as_json)


def _report(diagnosis: Diagnosis, measured: CueMeasurement, effect: float | None, as_json: bool) -> None:
    from neurontune_core.cues.cue_mask import DEFAULT_EFFECT
    from neurontune_core.cues.effects import rank_correlation
    from neurontune_core.cues.measurement import summary
    from neurontune_core.cues.proof import prove
    from neurontune_core.evaluation.accuracy import evaluate
    from neurontune_core.identification.scores import NoMistakes
    from neurontune_core.mask import with_verdicts

    proof, best = prove(measured, diagnosis.erm), offered(measured, diagnosis.erm)
    threshold = effect if effect is not None else DEFAULT_EFFECT if best is None else best.threshold
    responding = measured.mask(threshold).neurons
    masked = with_verdicts(responding, diagnosis.judged("spurious"), diagnosis.judged("core"))
    test = diagnosis.samples("evaluation")
    before, after = evaluate(diagnosis.erm, test), evaluate(diagnosis.masked_head(masked, 0.0), test)
    try:
        correlation = rank_correlation(np.abs(measured.effects), diagnosis.scores.neuron_scores)
    except NoMistakes:
        correlation = None
    neurons = summary(measured, responding)
    value = {
        "cue": measured.cue.name,
        "kind": measured.cue.kind,
        "pairs": proof.pairs,
        "changed": proof.changed,
        "control_changed": proof.control_changed,
        "p_value": proof.p_value,
        "distinct": proof.distinct,
        "sentence": proof.sentence,
        "direction": proof.direction,
        "by_class": [asdict(part) for part in proof.by_class],
        "effect": threshold,
        "offered_effect": None if best is None else best.threshold,
        "offer": None if best is None else best.sentence,
        "rank_correlation_with_score": correlation,
        "neurons": neurons,
        "mask_alone": {
            "num_masked": int(masked.sum()),
            "accuracy": after.accuracy,
            "worst_class_accuracy": after.worst_class_accuracy,
            "worst_group_accuracy": after.worst_group_accuracy,
        },
        "notes": list(measured.notes),
        "with_your_knowledge": True,
    }
    for sentence in measured.notes:
        note(f"Note: {sentence}")
    rows = [(str(row["neuron"]), f"{row['effect']:+.2f}", f"{row['p_adjusted']:.2g}") for row in neurons[:LISTED]]
    measures = ("accuracy", "worst_group_accuracy", "worst_class_accuracy")
    heads = [
        [title, *(percent(getattr(result, measure)) for measure in measures)]
        for title, result in (("trained", before), (f"mask of the {measured.cue.name} alone", after))
    ]
    lines = [
        proof.sentence,
        f"{len(neurons)} of {len(responding)} neurons move by more than {threshold:g} standard deviations"
        + ("." if correlation is None else f"; rank correlation with the score {correlation:+.2f}."),
        table(("neuron", "effect, SD", "p adjusted"), rows),
        "",
        table(("with your knowledge", "average", "worst group", "worst class"), heads),
        *([] if best is None or effect is not None else [best.sentence]),
    ]
    answer(as_json, value, "\n".join(lines))


def _of_pictures(
    diagnosis: Diagnosis, gallery: Gallery, name: str, pictures: list[str], boxes: list[str], jitter: float
) -> Cue:
    from neurontune_core.cues.cue import Pointed
    from neurontune_core.session.cue_work import make_box_cue

    if len(pictures) != len(boxes):
        raise InputError(
            f"Give one --box for each --picture; there are {len(pictures)} pictures and {len(boxes)} boxes."
        )
    pointed = []
    for sample, text in zip(pictures, boxes, strict=True):
        split = next((split for split in diagnosis.project.splits if sample in _ids(diagnosis, split)), None)
        if split is None:
            raise InputError(
                f'No split has a sample "{sample}"; give its id, as the screens and samples.parquet have it.'
            )
        pointed.append(Pointed(split, sample, _box(diagnosis, gallery, split, sample, text)))
    return make_box_cue(diagnosis, gallery, name, pointed, jitter=jitter)


def _box(diagnosis: Diagnosis, gallery: Gallery, split: str, sample: str, text: str) -> Any:
    """Return the box of X,Y,W,H: fractions, or pixels of the picture where a number is above 1."""
    from neurontune_core.cues.cue import Box

    try:
        x, y, width, height = (float(number) for number in text.split(","))
    except ValueError:
        raise InputError(f'--box has the value "{text}"; write four numbers, as in 0.5,0.85,0.45,0.12.') from None
    if max(x, y, width, height) <= 1:
        return Box(x, y, width, height)
    samples = diagnosis.samples(split)
    if samples.sources is None:
        raise InputError("This project holds vectors alone, so there are no pictures; use --with and --without.")
    row = int(np.flatnonzero(samples.sample_ids.astype(str) == sample)[0])
    size = gallery.dataset.open_source(str(samples.sources[row])).size
    return Box(x / size[0], y / size[1], width / size[0], height / size[1])


def _of_words(
    diagnosis: Diagnosis,
    gallery: Gallery,
    name: str,
    words: list[str],
    pattern: str,
    place: float,
    part: int,
    take_out: bool,
) -> Cue:
    from neurontune_core.cues.cue import Words
    from neurontune_core.session.cue_work import make_words_cue

    definition = Words(tuple(words), pattern, place, part, "remove" if take_out else "insert")
    return make_words_cue(diagnosis, gallery, name, definition)


def _of_samples(diagnosis: Diagnosis, name: str, has: list[str], has_not: list[str], picks: int) -> Cue:
    from neurontune_core.cues.cue import Picks
    from neurontune_core.session.cue_work import make_samples_cue

    samples = diagnosis.identification
    kinds = [np.zeros(samples.num_samples, dtype=bool) for _ in range(2)]
    groups: list[str] = []
    for kind, values in zip(kinds, (has, has_not), strict=True):
        for value in values:
            rows, names = _rows(samples, value)
            kind |= rows
            groups += names
    if not has:
        raise InputError("--without says which samples have it not; give --with for those that have it.")
    if not has_not:
        kinds[1] = ~kinds[0] & np.isin(samples.labels, samples.labels[kinds[0]])
    if picks:
        kinds = [_drawn(samples.labels, kind, picks) for kind in kinds]
    ids = samples.sample_ids.astype(str)
    chosen = [tuple(ids[kind].tolist()) for kind in kinds]
    if not chosen[1]:
        raise InputError("Every sample has the cue, so there is none to compare with; name fewer with --with.")
    return make_samples_cue(diagnosis, name, Picks(samples.split, chosen[0], chosen[1], tuple(dict.fromkeys(groups))))


def _rows(samples: Any, value: str) -> tuple[np.ndarray, list[str]]:
    """Return [N] bool, the samples of a group, of an attribute or of a file of ids, and the groups that are named."""
    if Path(value).is_file():
        listed = set(Path(value).read_text(encoding="utf-8").split("\n")) - {""}
        rows = np.isin(samples.sample_ids.astype(str), list(listed))
        if not rows.any():
            raise InputError(f"{value} lists no sample of the identification split; write one id a line.")
        return rows, []
    if samples.groups is None:
        raise InputError(f'The identification split has no groups, so "{value}" is none; give a file with sample ids.')
    names = [name for name in samples.group_names if value == name or name.endswith(f", {value}")]
    if not names:
        raise InputError(
            f'There is no group or attribute "{value}"; the groups are {listing(samples.group_names, 12)}.'
        )
    return np.isin(samples.groups, [samples.group_names.index(name) for name in names]), names


def _drawn(labels: np.ndarray, kind: np.ndarray, most: int) -> np.ndarray:
    """Return [N] bool, at most so many of the samples of each class, drawn with a fixed seed."""
    rng, drawn = np.random.default_rng(0), np.zeros_like(kind)
    for label in np.unique(labels):
        drawn[rng.permutation(np.flatnonzero(kind & (labels == label)))[:most]] = True
    return drawn


def _ids(diagnosis: Diagnosis, split: str) -> set[str]:
    return set(diagnosis.samples(split).sample_ids.astype(str).tolist())


def _list_or_remove(project: Any, remove: str | None, as_json: bool) -> None:
    names = project.journal.cues()
    if remove is not None:
        if remove not in names:
            raise InputError(f'There is no cue "{remove}"; the project has {", ".join(names) or "none"}.')
        project.journal.list_cue(remove, added=False)
        names = project.journal.cues()
    kinds = {name: project.cues.load(name).kind for name in names}
    text = "\n".join(f"{name}  {kind}" for name, kind in kinds.items()) or "The project has no cues."
    answer(as_json, {"cues": [{"cue": name, "kind": kind} for name, kind in kinds.items()]}, text)
