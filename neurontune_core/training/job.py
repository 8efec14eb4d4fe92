"""Model + dataset -> a trained model's folder: what a job's process runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from neurontune_core.training.config import TrainConfig, preset_for, settings_of


def train_model(config: dict[str, Any], report: Callable[..., object]) -> dict[str, Any]:
    """Train the model of a spec on a dataset, and write it to a folder.

    Args:
        config: ``model`` and ``dataset`` (specs), ``base`` (the folder their relative paths start from), ``out`` (the
            folder of the trained model), and optionally ``preset`` (a key of `PRESETS`; default: the dataset's own),
            ``settings`` (changes to the preset), ``frozen`` (as in `training.train`) and ``device``.
        report: called as ``report(done=..., total=..., rate=..., message=...)``; an exception in it stops the work, and
            the same job resumes after its last complete epoch.

    Returns:
        ``model`` (the path of ``model.json``), ``dataset`` (the spec with the splits that were used), ``preset``,
        ``epoch``, its ``accuracy``, ``worst_class_accuracy`` and ``worst_group_accuracy`` on the validation split, and
        ``remarks``.

    Raises:
        InputError: as `open_dataset` and `training.train` do.
    """
    from neurontune_core.datasets import open_dataset
    from neurontune_core.models.saved import FILE
    from neurontune_core.training.loop import train

    base, out = Path(config["base"]), Path(config["out"])
    report(done=0, total=0, message="reading the data")
    dataset = open_dataset(config["dataset"], base)
    preset = config.get("preset") or preset_for(config["dataset"]["format"], dataset.modality)
    settings = settings_of(preset, config.get("settings") or {})

    def progress(done: int, total: int, rate: float, epoch: int) -> None:
        report(done=done, total=total, rate=rate, message=f"epoch {epoch} of {settings.epochs}")

    frozen = tuple(config.get("frozen") or ())
    used = dataset_of(config["dataset"], base, dataset.splits, settings)
    trained = train(
        config["model"],
        dataset,
        out,
        settings,
        base=base,
        device=config.get("device", "auto"),
        frozen=frozen,
        facts={"dataset": used, "preset": preset} | ({"frozen": list(frozen)} if frozen else {}),
        on_progress=progress,
    )
    kept = trained.history.kept
    return {
        "model": str((out / FILE).resolve()),
        "dataset": used,
        "preset": preset,
        "remarks": list(trained.history.remarks),
        "epochs": len(trained.history.epochs),
        **(asdict(kept) if kept else {}),
    }


def dataset_of(spec: Mapping[str, Any], base: Path, splits: tuple[str, ...], settings: TrainConfig) -> dict[str, Any]:
    """Return the dataset's spec with an absolute root and the held-out splits, so that extraction splits it alike.

    >>> from neurontune_core.training.config import TrainConfig
    >>> settings = TrainConfig(hold_out=0.2)
    >>> spec = dataset_of({"format": "image_folder", "root": "birds"}, Path("/data"), ("train",), settings)
    >>> spec["root"], spec["hold_out"]
    ('/data/birds', {'share': 0.2, 'seed': 0})
    """
    held: dict[str, Any] = {} if "val" in splits else {"hold_out": {"share": settings.hold_out, "seed": settings.seed}}
    if settings.keep_back:
        held |= {"keep_back": {"share": settings.keep_back, "seed": settings.seed}}
    return dict(spec) | {"root": str((base / spec.get("root", ".")).resolve())} | held
