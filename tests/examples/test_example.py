"""The built-in example: whole, honest about its classifier, and reproducible from its parts."""

from __future__ import annotations

import io
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from neurontune_core import EmbeddingSet, LinearHead, evaluate
from neurontune_core.files import read_json
from tests.support.paths import ROOT

EXAMPLE = ROOT / "assets" / "example"


def load(split: str) -> EmbeddingSet:
    return EmbeddingSet.load(EXAMPLE / "embeddings" / split)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_csv(EXAMPLE / "metadata.csv")


@pytest.mark.parametrize(("name", "megabytes"), [("example", 20), ("headlines", 3)])
def test_the_examples_stay_small(name: str, megabytes: float) -> None:
    files = (path for path in (ROOT / "assets" / name).rglob("*") if path.is_file())
    assert sum(path.stat().st_size for path in files) <= megabytes * 1e6


def test_no_object_stands_in_two_splits(table: pd.DataFrame) -> None:
    assert (table.groupby("object")["split"].nunique() == 1).all()


def test_validation_and_test_are_balanced_and_training_has_three_percent_counter_examples(table: pd.DataFrame) -> None:
    counts = table.groupby(["split", "y", "background"]).size()
    assert set(counts["val"]) == {90}
    assert set(counts["test"]) == {75}
    assert [counts["train", y, background] for y in (0, 1) for background in (0, 1)] == [485, 15, 15, 485]


def test_the_network_has_converged_and_yet_fails_its_worst_group() -> None:
    head = LinearHead.load(EXAMPLE / "head.safetensors")
    assert evaluate(head, load("train")).accuracy >= 0.99
    worst = evaluate(head, load("test")).worst_group
    assert worst is not None
    assert worst.name == "animal on gravel"
    assert worst.correct / worst.n < 0.5  # "mostly called vehicles", says the first screen
    assert "animals on gravel are mostly called vehicles" in read_json(EXAMPLE / "project.json")["problem"]


def test_the_shipped_vectors_are_what_the_shipped_network_makes_of_the_images() -> None:
    import torch

    from neurontune_core.datasets import open_dataset
    from neurontune_core.models import load_model

    project = read_json(EXAMPLE / "project.json")
    model, dataset = load_model(project["model"], EXAMPLE), open_dataset(project["dataset"], EXAMPLE)
    test = load("test")
    rows = np.arange(0, test.num_samples, 20)
    assert test.sources is not None
    pictures = [dataset.open_source(str(test.sources[row])) for row in rows]
    with torch.inference_mode():
        batch = torch.stack([torch.as_tensor(model.preprocessing(picture)) for picture in pictures])
        vectors, logits = model.embed(batch).numpy(), model.module(batch).numpy()
    np.testing.assert_allclose(vectors, test.embeddings[rows].astype(np.float32), rtol=2e-3, atol=2e-3)
    head = LinearHead.load(EXAMPLE / "head.safetensors")
    np.testing.assert_allclose(logits, head.logits(vectors), atol=1e-4)


def test_the_parts_give_the_shipped_pictures_again(table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "assets"))
    from recipe import compose

    for row in table.iloc[:: len(table) // 5].to_dict("records"):
        again = Image.open(io.BytesIO(compose.encode(compose.compose(row, EXAMPLE / "parts"))))
        shipped = Image.open(EXAMPLE / row["filename"])
        assert np.array_equal(np.asarray(again), np.asarray(shipped))
    sys.modules.pop("recipe", None)
