"""The splits that a training needs: one to learn from, one to choose the epoch by."""

from __future__ import annotations

from neurontune_core.datasets.base import Dataset
from neurontune_core.datasets.hold_out import held_out, kept_back
from neurontune_core.errors import InputError, listing
from neurontune_core.training.config import TrainConfig


def with_splits(dataset: Dataset, config: TrainConfig) -> tuple[Dataset, list[str]]:
    """Hold out a validation split where the dataset has none.

    Returns:
        The dataset, and sentences for the user on the split that was made and on classes without training samples.

    Raises:
        InputError: when there is no training split, or it holds a single class.
    """
    split = held_out(dataset, {"share": config.hold_out, "seed": config.seed})
    made = [name for name in ("val", "test") if name not in dataset.splits and name in split.splits]
    if config.keep_back and "train" in split.splits:
        split = kept_back(split, {"share": config.keep_back, "seed": config.seed})
    if "train" not in split.splits:
        raise InputError(
            f"The dataset {dataset.root} has no training split, only {', '.join(dataset.splits)}; name one train."
        )
    labels = sorted(set(split.rows("train")["label"].tolist()))
    if len(labels) < 2:
        raise InputError(
            f'All training samples of {dataset.root} are of one class, "{dataset.class_names[labels[0]]}"; '
            "a classifier needs at least two."
        )
    remarks = []
    missing = [f'"{name}"' for label, name in enumerate(split.class_names) if label not in labels]
    if missing:
        names = listing(missing, 3)
        remarks.append(f"No training sample is of class {names}, so the model cannot learn it.")
    if made:
        counts = " and ".join(f"{len(split.rows(name)):,} for {name}" for name in made)
        remarks.append(
            f"The dataset has no validation split, so a seeded part of its samples was held out: {counts}, as large a "
            "share of each class."
        )
    return split, remarks
