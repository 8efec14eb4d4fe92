"""The dataset's half of the report: its counts and its problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from neurontune_core.datasets.base import SAMPLE_NOUNS
from neurontune_core.datasets.pictures import Nature, nature
from neurontune_core.datasets.published_counts import against_table_8
from neurontune_core.errors import InputError, listing
from neurontune_core.evaluation.pairs import match_pairs
from neurontune_core.extraction.extract import MAX_UNREADABLE
from neurontune_core.preflight.report import Count, DataFacts, Finding
from neurontune_core.preflight.units import unit_findings

if TYPE_CHECKING:
    from neurontune_core.datasets.base import Dataset

FEW = 10  # samples of a group below which its accuracy says little


def inspect_samples(
    dataset: Dataset, spec: dict[str, Any], description: str, files: int, seed: int
) -> tuple[DataFacts, list[Finding]]:
    """Count the samples of a dataset and open some of them.

    Args:
        dataset, spec: the dataset and what it was opened from.
        description: one sentence on the dataset.
        files: samples to open.
        seed: of their draw.

    Returns:
        What is known of the dataset, and what a user should know.
    """
    opened, reasons = _open_some(dataset, files, seed)
    facts = DataFacts(
        description=description,
        root=str(dataset.root),
        modality=dataset.modality,
        num_samples=len(dataset.samples),
        class_names=dataset.class_names,
        group_names=dataset.group_names,
        columns={role: column for role, column in (spec.get("columns") or {}).items() if column},
        counts=_counts(dataset),
        overlapping=_overlapping(dataset),
        opened=opened,
        unreadable=len(reasons),
        reasons=tuple(reasons[:3]),
    )
    remarks = [
        Finding(remark.level, remark.about, remark.sentence, remark.fix, remark.flags) for remark in dataset.remarks
    ]
    return facts, [
        *remarks,
        *_kinds_of_images(dataset, files, seed),
        *_unreadable(facts),
        *_splits(dataset, facts),
        *_groups(dataset, facts),
        *_published(dataset, spec),
        *_pairs(dataset, facts),
        *unit_findings(dataset, facts),
    ]


def _open_some(dataset: Dataset, files: int, seed: int) -> tuple[int, list[str]]:
    """Open some samples; return how many, and the reasons of those that could not be read."""
    rows = np.random.default_rng(seed).permutation(len(dataset.samples))[:files]
    reasons = []
    for row in sorted(rows.tolist()):
        try:
            sample = dataset.open_sample(str(dataset.samples["source"].iat[row]))
            texts = () if dataset.modality == "image" else (sample,) if isinstance(sample, str) else sample
            if any(not str(text).strip() for text in texts):  # type: ignore[union-attr]
                reasons.append(f'The text "{dataset.samples["source"].iat[row]}" is empty.')
        except InputError as error:
            reasons.append(str(error))
    return len(rows), reasons


def _kinds_of_images(dataset: Dataset, files: int, seed: int) -> Iterator[Finding]:
    """Say how many of the opened images are turned by their EXIF, or have more than 8 bits."""
    if dataset.modality != "image":
        return
    rows = np.random.default_rng(seed).permutation(len(dataset.samples))[:files]
    natures = [nature for row in rows.tolist() if (nature := _nature(dataset, row)) is not None]
    if turned := sum(nature.turned for nature in natures):
        rotates = dataset.exif == "rotate"
        how, other = ("are turned upright", "ignore") if rotates else ("are read as they are stored", "rotate")
        yield Finding(
            "note",
            "preprocessing",
            f"{turned:,} of the {len(natures):,} images that were opened {how}, where their EXIF asks to turn them. "
            "Loaders of torchvision and timm do not turn images, those of Hugging Face do.",
            "Read them as the model's training did.",
            f"--preprocessing exif={other}",
        )
    if deep := Counter(nature.mode for nature in natures if nature.mode[0] == "I" or nature.mode == "F"):
        kinds = listing([f"{count:,} of mode {mode}" for mode, count in deep.items()], 4)
        how = "16 bits are divided by 257, values from 0 to 1 multiplied by 255, other ranges stretched to 0-255"
        yield Finding("note", "preprocessing", f"Images with more than 8 bits are scaled to 8 ({kinds}): {how}.")


def _nature(dataset: Dataset, row: int) -> Nature | None:
    with suppress(InputError):
        return nature(dataset.image_file(str(dataset.samples["source"].iat[row])))
    return None


def _counts(dataset: Dataset) -> tuple[Count, ...]:
    """Count the samples of every possible split, class and group."""
    samples, attributes = dataset.samples, len(dataset.group_names) // len(dataset.class_names)
    grouped = "group" in samples and attributes > 0
    keys = ["split", "group" if grouped else "label"]
    sizes = samples.groupby(keys).size().to_dict()
    return tuple(
        Count(split, label, dataset.group_names[place] if grouped else "", int(sizes.get((split, place), 0)))
        for split in dataset.splits
        for number, label in enumerate(dataset.class_names)
        for place in (range(number * attributes, (number + 1) * attributes) if grouped else (number,))
    )


def _overlapping(dataset: Dataset) -> tuple[Count, ...]:
    groups = dataset.overlapping_groups
    if groups is None:
        return ()
    splits = dataset.samples["split"].to_numpy()
    return tuple(
        Count(split, "", name, int(groups.members[splits == split, place].sum()))
        for split in dataset.splits
        for place, name in enumerate(groups.names)
    )


def _unreadable(facts: DataFacts) -> Iterator[Finding]:
    if not facts.unreadable:
        return
    what, share = SAMPLE_NOUNS[facts.modality], facts.unreadable / facts.opened
    sentence = f"{facts.unreadable} of the {facts.opened} {what} that were opened cannot be read: {facts.reasons[0]}"
    if facts.modality != "image":
        yield Finding("warning", "data", sentence, "Fill these rows in or leave them out.")
    elif share > MAX_UNREADABLE:
        fix = "Put the images into the folder that the table's paths start from, or name that folder."
        yield Finding("blocker", "data", sentence, fix)
    else:
        yield Finding("warning", "data", sentence, "Extraction leaves such images out; replace the files to keep them.")


def _splits(dataset: Dataset, facts: DataFacts) -> Iterator[Finding]:
    splits = set(dataset.splits)
    if "val" not in splits:
        yield Finding(
            "warning",
            "data",
            "There is no validation split, so biased neurons are looked for on samples that the model may have been "
            "trained on, where it makes too few mistakes to learn from.",
            "Name a column with the splits (train, val, test), or put the files in folders train, val and test.",
            "--column split=NAME" if facts.columns else "",
        )
    if "test" not in splits and len(splits) > 1:
        yield Finding(
            "note", "data", "There is no test split; accuracies are measured on the last of the others.", "Add one."
        )
    for split in dataset.splits:
        empty = [name for name in dataset.class_names if not _of_class(facts, split, name)]
        if empty:
            where = f'split "{split}"' if split else "dataset"
            few = split == "test" or len(empty) > len(dataset.class_names) / 2  # part of a larger label set
            sentence = f"The {where} has no samples of {len(empty)} classes: {listing(empty, 4)}."
            yield Finding("note" if few else "warning", "data", sentence)


def _of_class(facts: DataFacts, split: str, name: str) -> int:
    return sum(count.n for count in facts.counts if (count.split, count.label) == (split, name))


def _groups(dataset: Dataset, facts: DataFacts) -> Iterator[Finding]:
    if not facts.group_names:
        yield Finding(
            "note",
            "data",
            "Groups are not known, so the worst class stands in for the worst group; they are for measuring only.",
            "Name the column with the attribute that may be a shortcut." if facts.columns else "",
            "--column attribute=NAME" if facts.columns else "",
        )
        return
    last = dataset.splits[-1]
    small = [f"{count.group} ({count.n})" for count in facts.counts if count.split == last and count.n < FEW]
    if small:
        yield Finding(
            "note",
            "data",
            f"Some groups have under {FEW} samples in {last or 'all'}, too few to say: {listing(small, 4)}.",
        )


def _published(dataset: Dataset, spec: dict[str, Any]) -> Iterator[Finding]:
    """Hold the splits of a published dataset against the counts that the paper prints; a part of it is no mistake."""
    compared = against_table_8(dataset, str(spec.get("format", "")))
    whole = sum(total for total, _ in compared.values()) == len(dataset.samples)
    for split, (total, differ) in compared.items():
        if not differ:
            yield Finding("note", "data", f'The split "{split}" has {total:,} samples, as published (Table 8).')
            continue
        yield Finding(
            "warning" if whole else "note",
            "data",
            f'The split "{split}" is not the published one of {total:,} samples (Table 8): {listing(list(differ), 4)}.',
            "Compare with published figures only where the splits are the published ones.",
        )


def _pairs(dataset: Dataset, facts: DataFacts) -> Iterator[Finding]:
    """Say which samples of the column of pairs form none, and count those that do."""
    column = facts.columns.get("pair")
    if column is None:
        return
    if not facts.group_names:
        sentence = f'The pairs in column "{column}" say nothing without the attribute that their two samples differ in.'
        fix = "Name the column with the attribute, too."
        yield Finding("note", "data", sentence, fix, "--column attribute=NAME")
        return
    total, left_out = 0, Counter[str]()
    for split in dataset.splits:
        rows = dataset.rows(split)
        names, labels, groups = (rows[name].to_numpy() for name in ("pair", "label", "group"))
        pairs = match_pairs(names, labels, groups, dataset.class_names, dataset.group_names)
        total += len(pairs)
        left_out.update(pairs.left_out)
    if not total:
        reasons = listing([f"{count:,} {reason}" for reason, count in left_out.items()], 4) or "all its cells are empty"
        yield Finding(
            "warning",
            "data",
            f'Column "{column}" forms no pair of samples that differ in the attribute alone: {reasons}.',
            "Give both samples of a pair the same text, in one split and class; or say that no column has pairs.",
            "--column pair=",
        )
    elif left_out:
        reasons = listing([f"{count:,} {reason}" for reason, count in left_out.items()], 4)
        yield Finding(
            "note",
            "data",
            f"{total:,} pairs of samples differ in the attribute alone; other samples that name a pair are left out of "
            f"them: {reasons}.",
        )
