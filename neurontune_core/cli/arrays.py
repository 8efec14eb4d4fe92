"""The verbs that need arrays alone: import, identify, tune, evaluate."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from neurontune_core.cli.options import (
    AsJson,
    Head,
    Out,
    answer,
    described,
    headline,
    percent,
    progress,
    table,
    warn,
    with_settings,
)
from neurontune_core.config import TuneConfig
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluate import evaluate as evaluate_head
from neurontune_core.files import write_json
from neurontune_core.head import LinearHead
from neurontune_core.identify import SpuriousnessScorer
from neurontune_core.mask import Mask
from neurontune_core.tune import EpochRecord, neurontune

Identification = Annotated[
    Path, typer.Option("--identification", help="Embedding set that finds biased neurons and chooses the epoch.")
]


def import_(
    file: Annotated[Path, typer.Argument(help="An .npz file with embeddings [N, M] and labels [N].")],
    out: Out,
    split: Annotated[str, typer.Option(help="Name of the split, such as val.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make an embedding set from the arrays of an .npz file.

    It needs embeddings [N, M] and labels [N], 0..C-1; it may have groups, class_names, group_names and sample_ids.
    """
    arrays = _read_arrays(file)
    labels, groups = arrays["labels"], arrays.get("groups")
    imported = EmbeddingSet(
        arrays["embeddings"],
        labels,
        _names(arrays, "class_names", labels, "class"),
        groups=groups,
        group_names=() if groups is None else _names(arrays, "group_names", groups, "group"),
        sample_ids=arrays.get("sample_ids", np.empty(0, dtype=object)).astype(str),
        split=split,
        provenance={"imported": file.name},
    )
    imported.save(out)
    facts = {"samples": imported.num_samples, "neurons": imported.num_neurons, "classes": imported.num_classes}
    answer(as_json, facts | {"out": str(out)}, f"{described(imported)} written to {out}.")


def _read_arrays(file: Path) -> dict[str, np.ndarray]:
    if not file.is_file():
        raise InputError(f"There is no file {file}.")
    try:
        with np.load(file, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise InputError(f"{file} is not an .npz file; save it by np.savez(file, embeddings=..., labels=...).")
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{file} is not an .npz file of plain arrays ({error}); pickled objects are never read, "
            "save by np.savez(file, embeddings=..., labels=...)."
        ) from None
    missing = [name for name in ("embeddings", "labels") if name not in arrays]
    if missing:
        raise InputError(f'{file} has no array "{missing[0]}"; it has {sorted(arrays)}.')
    return arrays


def _names(arrays: dict[str, np.ndarray], key: str, indices: np.ndarray, word: str) -> tuple[str, ...]:
    """The names in the file, or "class 0", ... for as many as there are indices."""
    if key in arrays:
        return tuple(map(str, np.atleast_1d(arrays[key])))
    largest = int(indices.max()) if np.issubdtype(indices.dtype, np.integer) and indices.size else 0
    if largest >= indices.size:
        raise InputError(
            f"The {word} indices go up to {largest} with {indices.size} samples; number them from 0, or give {key}."
        )
    return tuple(f"{word} {index}" for index in range(largest + 1))


@with_settings("threshold", "magnitude", "statistic", "quantile")
def identify(identification: Identification, head: Head, config: TuneConfig, as_json: AsJson = False) -> None:
    """List the biased neurons.

    Those are the ones that fire stronger on the mistakes of a class than on its hits, by more than the threshold.
    """
    found, erm = EmbeddingSet.load(identification), LinearHead.load(head)
    erm.check_fits(found.num_neurons, found.num_classes)
    scores = _scorer(found, config)(erm.predict(found.embeddings))
    biased = np.flatnonzero(scores.biased(config.threshold))
    warn(scores.warnings)
    answer(
        as_json,
        {
            "num_neurons": found.num_neurons,
            "num_biased": len(biased),
            "biased": biased.tolist(),
            "sfit": scores.sfit,
            "num_incorrect": scores.num_incorrect.tolist(),
            "num_correct": scores.num_correct.tolist(),
            "warnings": list(scores.warnings),
        },
        f"{len(biased)} of {found.num_neurons} neurons are biased (score above {config.threshold:g}); "
        f"SFit {scores.sfit:.4g}; {scores.num_incorrect.sum()} mistakes in {found.num_samples} samples.",
    )


def _scorer(found: EmbeddingSet, config: TuneConfig) -> SpuriousnessScorer:
    return SpuriousnessScorer(
        found.embeddings,
        found.labels,
        found.num_classes,
        magnitude=config.magnitude,
        statistic=config.statistic,
        quantile=config.quantile,
        class_names=found.class_names,
    )


@with_settings()
def tune(
    identification: Identification,
    head: Head,
    out: Out,
    config: TuneConfig,
    tuning: Annotated[Path | None, typer.Option(help="Embedding set that the head is retrained on.")] = None,
    halves: Annotated[bool, typer.Option("--halves", help="Tune on one half of the identification set.")] = False,
    verdicts: Annotated[Path | None, typer.Option(help="A mask.json: its verdicts mask or spare neurons.")] = None,
    as_json: AsJson = False,
) -> None:
    """Mask biased neurons and retrain the head.

    Again and again, on class-balanced batches, and without any group label. The best epoch is kept.
    """
    if halves == (tuning is not None):
        raise InputError("Give either --tuning or --halves: the head is retrained on one of them.")
    found, erm = EmbeddingSet.load(identification), LinearHead.load(head)
    if tuning is None:
        trained, found = found.halves(config.seed)
    else:
        trained = EmbeddingSet.load(tuning)
    judged = Mask.load(verdicts).verdicts if verdicts else {}
    result = neurontune(
        erm,
        found,
        trained,
        config,
        always=_judged(judged, "spurious", found.num_neurons),
        never=_judged(judged, "core", found.num_neurons),
        on_epoch=lambda record: progress(_epoch_line(record, config)),
    )
    progress("")
    source = dict(result.head.provenance) | {"identification": described(found), "tuning": described(trained)}
    out.mkdir(parents=True, exist_ok=True)
    result.head.save(out / "head.safetensors")
    Mask(result.biased, config.threshold, config.mask_value, judged, source).save(out / "mask.json")
    write_json(out / "history.json", [asdict(record) for record in result.history])
    warn(result.warnings)
    kept = next(record for record in result.history if record.epoch == result.epoch)
    answer(
        as_json,
        {
            "epoch": result.epoch,
            "sfit": kept.sfit,
            "num_biased": kept.num_biased,
            "num_neurons": found.num_neurons,
            "seconds": result.seconds,
            "warnings": list(result.warnings),
            "out": str(out),
        },
        f"Kept epoch {result.epoch} of {len(result.history)} (SFit {kept.sfit:.4g}, {kept.num_biased} of "
        f"{found.num_neurons} neurons masked) in {result.seconds:.1f} s; head, mask and history are in {out}.",
    )


def _judged(verdicts: Mapping[int, str], verdict: str, num_neurons: int) -> np.ndarray | None:
    """[M] bool of the neurons with this verdict; None when there are none."""
    neurons = [neuron for neuron, judgement in verdicts.items() if judgement == verdict]
    if any(not 0 <= neuron < num_neurons for neuron in neurons):
        raise InputError(f"The verdicts name neuron {max(neurons)}, but there are {num_neurons} neurons.")
    chosen = np.zeros(num_neurons, dtype=bool)
    chosen[neurons] = True
    return chosen if neurons else None


def _epoch_line(record: EpochRecord, config: TuneConfig) -> str:
    return (
        f"epoch {record.epoch} of {config.epochs}: loss {record.loss:.4f}, SFit {record.sfit:.4g}, "
        f"{record.num_biased} masked, accuracy {percent(record.accuracy)}"
    )


def evaluate(
    embeddings: Annotated[Path, typer.Option(help="The embedding set.")], head: Head, as_json: AsJson = False
) -> None:
    """Measure a head: average, worst group, worst class."""
    found = evaluate_head(LinearHead.load(head), EmbeddingSet.load(embeddings))
    groups = [{"name": group.name, "accuracy": group.accuracy, "n": group.n} for group in found.groups]
    value = {
        "accuracy": found.accuracy,
        "worst_group_accuracy": found.worst_group_accuracy,
        "accuracy_gap": found.accuracy_gap,
        "worst_class_accuracy": found.worst_class_accuracy,
        "groups": groups,
    }
    rows = [[f"{group.name} (n = {group.n})", percent(group.accuracy)] for group in found.groups]
    answer(as_json, value, f"{headline({'head': found})}\n{table(('group', 'accuracy'), rows) if rows else ''}".strip())
