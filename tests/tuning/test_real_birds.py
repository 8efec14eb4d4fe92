"""Real images: composites made by the Waterbirds recipe, as EfficientNet-Lite0 sees them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from neurontune_core import EmbeddingSet, LinearHead, TuneConfig, changes, evaluate, neurontune

GROUPS = ("land on land", "land on water", "water on land", "water on water")


@pytest.fixture(scope="module")
def birds(shared_data: Path) -> dict[str, EmbeddingSet]:
    folder = shared_data / "waterbirds_style"
    table = pd.read_csv(folder / "metadata.csv")
    with np.load(folder / "efficientnet_lite0_features_f16.npz", allow_pickle=False) as features:
        assert features["filename"].tolist() == table["filename"].tolist()
        embeddings = features["X"]
    sets = {}
    for split in ("train", "val", "test"):
        rows = np.flatnonzero(table["split"] == split)
        labels, places = table["y"].to_numpy()[rows], table["place"].to_numpy()[rows]
        sets[split] = EmbeddingSet(embeddings[rows], labels, ("land", "water"), 2 * labels + places, GROUPS)
    return sets


@pytest.fixture(scope="module")
def erm(birds: dict[str, EmbeddingSet]) -> LinearHead:
    train = birds["train"]
    with threadpool_limits(1):
        model = LogisticRegression(C=0.01, max_iter=5000).fit(train.embeddings.astype(np.float32), train.labels)
    return LinearHead(np.concatenate([np.zeros_like(model.coef_), model.coef_]), [0.0, model.intercept_[0]])


def test_erm_fails_on_birds_before_the_wrong_background(birds: dict[str, EmbeddingSet], erm: LinearHead) -> None:
    result = evaluate(erm, birds["test"])
    assert result.worst_group is not None
    assert result.worst_group.name == "land on water"
    assert result.worst_group_accuracy == pytest.approx(0.593, abs=0.01)
    assert result.accuracy == pytest.approx(0.819, abs=0.01)
    assert [part.accuracy for part in result.groups] == pytest.approx([0.973, 0.593, 0.716, 0.993], abs=0.01)
    assert [part.n for part in result.groups] == [150, 150, 148, 148]


@pytest.mark.long
def test_neurontune_beats_class_balanced_retraining_without_any_group_label(
    birds: dict[str, EmbeddingSet], erm: LinearHead
) -> None:
    worst: dict[str, list[float]] = {"masked": [], "off": [], "off, last epoch": []}
    for seed in range(3):
        config = TuneConfig(select="worst_class_accuracy", seed=seed)
        for name, settings in (
            ("masked", config),
            ("off", replace(config, masking=False)),
            ("off, last epoch", replace(config, masking=False, select="last")),
        ):
            tuned = neurontune(
                erm,
                replace(birds["val"], groups=None, group_names=()),
                replace(birds["train"], groups=None, group_names=()),
                settings,
            ).head
            result = evaluate(tuned, birds["test"])
            assert result.worst_group_accuracy is not None
            worst[name].append(result.worst_group_accuracy)
            if name == "masked":
                moved = changes(erm, tuned, birds["test"])
                assert len(moved.fixed) > len(moved.broken)
    means = {name: float(np.mean(values)) for name, values in worst.items()}
    assert means["masked"] > means["off"] + 0.05, means
    assert means["masked"] > means["off, last epoch"] + 0.05, means
    assert means["masked"] > 0.593 + 0.1, means
