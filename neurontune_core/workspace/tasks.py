"""Tasks that jobs run for a project: extract it, and make the map of one of its splits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from neurontune_core.evaluation.umap_projection import umap_map
from neurontune_core.extraction.extract import extract
from neurontune_core.extraction.pairing import pair, spec_for
from neurontune_core.files import write_json, write_whole
from neurontune_core.workspace.project import FORMAT, Project

_NAMED_WEIGHTS = ("imagenet", "random")  # weights that are no path


def extract_project(
    config: dict[str, Any], report: Callable[..., object], *, allow_python: bool = False
) -> dict[str, Any]:
    """Extract a model's embeddings of a dataset and write them, the head and ``project.json`` to a project folder.

    Args:
        config: ``model`` and ``dataset`` (specs), ``base`` (the folder their relative paths start from), ``out`` (the
            project folder), and optionally ``splits`` (default: all), ``device``, ``batch_size``, ``dtype``, ``name``,
            ``title`` and ``problem``.
        report: called as ``report(done=..., total=..., rate=..., split=...)``; raising in it stops the work, and the
            same job resumes from there.
        allow_python: whether the model may be a Python entry point. No job sets it, so no screen can.

    Returns:
        The content of ``project.json``, with the specs as `pair` settled them. Its ``head`` is None when the network's
        own last layer is for other classes than the dataset's (an ImageNet head on two classes); a head then has to
        be trained on the embeddings.

    Raises:
        InputError: as `load_model`, `open_dataset` and `extract` do.
    """
    from neurontune_core.datasets import open_dataset
    from neurontune_core.models import load_model
    from neurontune_core.models.saved import resolved

    base, out = Path(config["base"]), Path(config["out"])
    dataset = open_dataset(config["dataset"], base)
    splits = tuple(config.get("splits") or dataset.splits)
    totals = [len(dataset.rows(split)) for split in splits]
    report(done=0, total=sum(totals), rate=0.0, split=splits[0])
    spec = spec_for(dataset, resolved(config["model"], base))
    pairing = pair(load_model(spec, base, allow_python=allow_python), dataset, spec, config["dataset"], base)
    model, dataset = pairing.model, pairing.dataset
    options = {key: config[key] for key in ("device", "batch_size", "dtype") if key in config}
    folders = {split or "all": f"embeddings/{split or 'all'}" for split in splits}
    for number, split in enumerate(splits):
        before = sum(totals[:number])

        def progress(done: int, _: int, rate: float, before: int = before, split: str = split) -> None:
            report(done=before + done, total=sum(totals), rate=rate, split=split)

        extract(model, dataset, out / folders[split or "all"], split=split, on_progress=progress, **options)
    head = model.head()
    own_head = head is not None and head.num_classes == len(dataset.class_names)
    if head is not None and own_head:
        replace(head, class_names=dataset.class_names).save(out / "head.safetensors")
    names = list(folders)
    named = {
        key: config.get(key, default) for key, default in (("name", out.name), ("title", out.name), ("problem", ""))
    }
    project = {
        "format": FORMAT,
        **named,
        "model": _moved(pairing.model_spec, ("weights", "config", "head"), base, out),
        "dataset": _moved(pairing.dataset_spec | {"root": pairing.dataset_spec.get("root", ".")}, ("root",), base, out),
        "remarks": [
            *(remark.sentence for remark in dataset.remarks),
            *pairing.remarks,
            *model.loading.sentences(),
        ],
        "modality": dataset.modality,
        "embeddings": folders,
        "head": "head.safetensors" if own_head else None,
        "roles": {
            "identification": "val" if "val" in names else names[0],
            "tuning": "train" if "train" in names else names[0],
            "evaluation": "test" if "test" in names else names[-1],
        },
    }
    write_json(out / "project.json", project)
    return project


def make_map(config: dict[str, Any], report: Callable[..., object]) -> dict[str, Any]:
    """Make the UMAP map of one split of a project and write it where `Project.umap_file` says.

    Args:
        config: ``source`` and ``folder`` of the project, and ``split``.
        report: as in `umap_map`.
    """
    project = Project(Path(config["source"]), Path(config["folder"]))
    embedding_set = project.load_set(config["split"])
    placed = umap_map(embedding_set.embeddings, report)
    write_whole(project.umap_file(embedding_set), lambda path: np.save(path, placed, allow_pickle=False))
    return {"samples": len(placed)}


def _moved(spec: dict[str, Any], keys: Sequence[str], base: Path, out: Path) -> dict[str, Any]:
    """Return the spec as seen from ``out``: paths inside it become relative, all others absolute.

    Args:
        keys: the entries that are paths; those that are missing, or name weights that are no file, stay as they are.
        base: the folder that the paths start from.
    """
    moved = dict(spec)
    for key in keys:
        if key in spec and not (key == "weights" and spec[key] in _NAMED_WEIGHTS):
            path = (base / spec[key]).resolve()
            inside = path.is_relative_to(out.resolve())
            moved[key] = path.relative_to(out.resolve()).as_posix() if inside else str(path)
    return moved
