"""Does NeuronTune help on real images? Waterbirds-style composites, frozen EfficientNet-Lite0 features, eight seeds.

The ERM head is scikit-learn's logistic regression on the training features (no scaling;
deterministic). NeuronTune runs with the default settings, identification = val, tuning = train, and uses no group
label; groups are only counted on the test split. Each seed draws other batches (and other halves of val).

Printed are worst-group and average accuracy on test as mean ± standard deviation over the seeds, in per cent, for:
ERM; masking off (class-balanced retraining; the epoch kept by SFit, by worst-class accuracy on val, and the last);
NeuronTune by SFit, by worst-class accuracy, its last epoch, the heads of all epochs after the tenth averaged; S found
once and kept (SFit, and last epoch); and both with one half of val tuning and the other half identifying.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from neurontune_core import EmbeddingSet, LinearHead, TuneConfig, evaluate, neurontune, neurontune_halves

GROUPS = ("land on land", "land on water", "water on land", "water on water")


def shared_data() -> Path:
    return Path(os.environ.get("NEURONTUNE_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


def load(folder: Path) -> dict[str, EmbeddingSet]:
    """Load the splits train, val and test; group = 2 · bird + place."""
    table = pd.read_csv(folder / "metadata.csv")
    with np.load(folder / "efficientnet_lite0_features_f16.npz", allow_pickle=False) as features:
        if features["filename"].tolist() != table["filename"].tolist():
            raise SystemExit("metadata.csv and the features do not list the same images in the same order")
        embeddings = features["X"]
    sets = {}
    for split, rows in table.groupby("split").indices.items():
        labels, places = table["y"].to_numpy()[rows], table["place"].to_numpy()[rows]
        sets[str(split)] = EmbeddingSet(
            embeddings[rows], labels, ("landbird", "waterbird"), 2 * labels + places, GROUPS, split=str(split)
        )
    return sets


def erm_head(train: EmbeddingSet, inverse_penalty: float) -> LinearHead:
    """Fit a logistic regression; return it as a head of two rows: class 0 scores 0, class 1 the log-odds."""
    with threadpool_limits(1):
        model = LogisticRegression(C=inverse_penalty, max_iter=5000)
        model.fit(train.embeddings.astype(np.float32), train.labels)
    weight = np.concatenate([np.zeros_like(model.coef_), model.coef_])
    return LinearHead(weight, [0.0, model.intercept_[0]], train.class_names)


def arms() -> dict[str, TuneConfig]:
    default = TuneConfig()
    off = replace(default, masking=False)
    return {
        "masking off, SFit": off,
        "masking off, worst class": replace(off, select="worst_class_accuracy"),
        "masking off, last epoch": replace(off, select="last"),
        "NeuronTune, SFit": default,
        "NeuronTune, worst class": replace(default, select="worst_class_accuracy"),
        "NeuronTune, last epoch": replace(default, select="last"),
        "NeuronTune, heads of epochs > 10 averaged": replace(default, select="last", average_epochs=30),
        "NeuronTune, five best worst-class heads averaged": replace(
            default, select="worst_class_accuracy", average_epochs=5
        ),
        "S found once, SFit": replace(default, rounds="once"),
        "S found once, last epoch": replace(default, rounds="once", select="last"),
    }


def measure(head: LinearHead, sets: dict[str, EmbeddingSet], seeds: int) -> dict[str, np.ndarray]:
    """Return [seeds, 2] worst-group and average accuracy in per cent, by arm."""
    runs: dict[str, list[tuple[float, float]]] = {}

    def note(arm: str, tuned: LinearHead) -> None:
        result = evaluate(tuned, sets["test"])
        runs.setdefault(arm, []).append((100 * (result.worst_group_accuracy or 0.0), 100 * result.accuracy))

    note("ERM", head)
    for seed in range(seeds):
        for arm, config in arms().items():
            note(arm, neurontune(head, sets["val"], sets["train"], replace(config, seed=seed)).head)
        for arm in ("masking off, worst class", "NeuronTune, SFit", "NeuronTune, worst class"):
            result = neurontune_halves(head, sets["val"], replace(arms()[arm], seed=seed))
            note(f"halves of val: {arm}", result.head)
    return {arm: np.array(values) for arm, values in runs.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=shared_data(), help="folder with waterbirds_style/")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--penalties", type=float, nargs="+", default=[0.01, 1.0], help="C of the logistic regression")
    arguments = parser.parse_args()
    sets = load(arguments.data / "waterbirds_style")
    for penalty in arguments.penalties:
        head = erm_head(sets["train"], penalty)
        groups = ", ".join(
            f"{part.name} {100 * (part.accuracy or 0):.1f}" for part in evaluate(head, sets["test"]).groups
        )
        print(f"\nC = {penalty:g}; ERM by group: {groups}\n")
        print("| head | worst group | average |\n|---|---|---|")
        for arm, values in measure(head, sets, arguments.seeds).items():
            (worst, average), (spread, wide) = values.mean(axis=0), values.std(axis=0, ddof=min(1, len(values) - 1))
            print(f"| {arm} | {worst:.1f} ± {spread:.1f} | {average:.1f} ± {wide:.1f} |", flush=True)


if __name__ == "__main__":
    main()
