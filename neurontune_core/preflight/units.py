"""Findings about samples that belong together: how many units there are, and where splits tear them apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurontune_core.datasets.base import Dataset
from neurontune_core.errors import listing
from neurontune_core.preflight.report import DataFacts, Finding
from neurontune_core.units import unit_numbers, units_by_class

FEW_UNITS = 8  # of a class, below which accuracy on a split says little about new ones


def unit_findings(dataset: Dataset, facts: DataFacts) -> Iterator[Finding]:
    """Say which samples belong together, by the column with the role unit.

    Args:
        dataset: the dataset.
        facts: what is known of it.
    """
    column = facts.columns.get("unit")
    if column is None or "unit" not in dataset.samples:
        return
    names = dataset.samples["unit"].to_numpy(dtype=object)
    splits, labels = dataset.samples["split"].to_numpy(), dataset.samples["label"].to_numpy()
    units = unit_numbers(names)
    if units is None:
        sentence = f'Column "{column}" joins no two samples: it holds another text, or none, for every one.'
        yield Finding("note", "data", sentence, "Name the column that samples which belong together share.")
        return
    places = {name: set(splits[names == name]) for name in dict.fromkeys(names) if name is not None}
    torn = [name for name, in_splits in places.items() if len(in_splits) > 1]
    if torn:
        yield Finding(
            "warning",
            "data",
            f'{len(torn):,} of {len(places):,} units in column "{column}" have samples in several splits, such as '
            f'"{torn[0]}"; accuracy on one split then says little about new ones.',
            "Move all samples of a unit into one split; or say that no column has units.",
            "--column unit=",
        )
    yield Finding(
        "note",
        "data",
        f'Samples with the same text in column "{column}" belong together ({len(places):,} units); no fold, half or '
        "interval tears them apart.",
    )
    few = []
    for split in dataset.splits:
        rows = np.flatnonzero(splits == split)
        for label, count in enumerate(units_by_class(labels[rows], units[rows], len(dataset.class_names))):
            if 0 < count < FEW_UNITS:
                few.append(f'{count} of class "{dataset.class_names[label]}"{f" in {split}" if split else ""}')
    if few:
        yield Finding(
            "note",
            "data",
            f"Few units stand behind the samples ({listing(few, 4)}), so accuracy on them has a wide interval.",
        )
