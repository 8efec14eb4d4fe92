"""Table of a reproduction: measured numbers beside the published ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from neurontune_core.baselines.registry import METHODS
from neurontune_core.experiments.published import DATASET_NOTES, DATASETS, Published, published, with_sd
from neurontune_core.experiments.published_tables import COARSE, OVERLAPPING
from neurontune_core.statistics import Spread
from neurontune_core.tables import MISSING, to_markdown


class _Column(NamedTuple):
    """One measure: a key of a run, and the published number that belongs beside it."""

    title: str
    measure: str
    dataset: str
    published: str  # a field of Published, or "" for none
    metric: str = ""  # the published figure must be of this metric


def _columns(dataset: str) -> list[_Column]:
    average = _Column("average", "accuracy", dataset, "accuracy")
    if dataset == "imagenet9":
        adversarial = _Column("ImageNet-A", "imagenet_a", "imagenet_a", "accuracy")
        return [average, adversarial, _Column("gap", "imagenet_gap", "imagenet9", "gap")]
    reweighted = _Column("average, re-weighted", "reweighted", dataset, "")
    if dataset != "civilcomments":
        return [_Column("worst group", "worst_group", dataset, "worst_group"), average, reweighted]
    return [
        _Column("worst of 4 groups", "worst_group", dataset, "worst_group", COARSE),
        _Column("worst of 16 groups", "worst_overlapping", dataset, "worst_group", OVERLAPPING),
        average,
    ]


def reproduction_rows(dataset: str, runs: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return one row a method in per cent: measured mean ± standard deviation over seeds, and the published number.

    Args:
        dataset: a key of `recipes.RECIPES`.
        runs: what `reproduce` returned.
    """
    rows = []
    for key in dict.fromkeys(str(run["method"]) for run in runs):
        own = [run for run in runs if run["method"] == key]
        failed = next((str(run["error"]) for run in own if run["error"]), "")
        row = {"method": METHODS[key].name}
        for column in _columns(dataset):
            values = [_measured(run, column.measure) for run in own]
            row[column.title] = failed or _shown([value for value in values if value is not None])
            failed = failed and MISSING
            if column.published:
                row[f"{column.title}, published"] = _published_number(published(key, column.dataset), column)
        cell = published(key, dataset)
        row |= {"groups used": "yes" if own[0]["uses_groups"] else "none"}
        rows.append(row | {"groups used, published": cell.groups_used if cell else MISSING, "seeds": str(len(own))})
    return rows


def _measured(run: Mapping[str, Any], measure: str) -> float | None:
    """Return a measure of a run; Table 3's gap is ImageNet-9 minus ImageNet-A."""
    if measure != "imagenet_gap":
        return run.get(measure)
    both = run.get("accuracy"), run.get("imagenet_a")
    return None if both[0] is None or both[1] is None else both[0] - both[1]


def _shown(values: Sequence[float]) -> str:
    return Spread.of(values).percent(with_zero=len(values) > 1) if values else MISSING


def _published_number(cell: Published | None, column: _Column) -> str:
    value = None if cell is None else getattr(cell, column.published)
    if cell is None or value is None or (column.metric and cell.metric != column.metric):
        return MISSING
    return with_sd(value, getattr(cell, f"{column.published}_sd", None))


def notes(dataset: str, runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what one must know to read the table, as sentences."""
    sentences = list(DATASET_NOTES.get(dataset, ()))
    if dataset == "imagenet9":
        sentences.append(
            "ImageNet-9 has no test split: what is measured on its validation split was also chosen on it."
        )
        sentences += DATASET_NOTES["imagenet_a"]
    if dataset == "civilcomments":
        sentences.append("Worst groups over 4 and over 16 groups are two measures; never compare across them.")
    for key in dict.fromkeys(str(run["method"]) for run in runs):
        cell = published(key, dataset)
        if cell is not None:
            sentences += [f"{cell.name}: {note}" for note in cell.notes if "last layer" in note]
    return list(dict.fromkeys(sentences))


def markdown(dataset: str, runs: Sequence[Mapping[str, Any]]) -> str:
    """Return the table with its notes as Markdown."""
    rows = reproduction_rows(dataset, runs)
    listed = "\n".join(f"- {note}" for note in notes(dataset, runs))
    intro = (
        "Test accuracy in per cent, mean ± standard deviation over seeds; published numbers as the paper prints them."
    )
    return f"# {DATASETS[dataset]}\n\n{intro}\n\n{to_markdown(rows)}\n{listed}\n"
