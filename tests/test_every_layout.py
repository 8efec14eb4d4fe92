"""Every data set layout through the whole loop: guess, train, extract, identify, tune, evaluate, export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurontune_core import TuneConfig
from neurontune_core.datasets import guess_dataset, open_dataset
from neurontune_core.export.bundle import FILES, export_bundle
from neurontune_core.export.card import TunedRun
from neurontune_core.identification.scores import NoMistakes
from neurontune_core.models import load_model
from neurontune_core.session.background_run import BackgroundRun
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.training.job import train_model
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.tasks import extract_project
from tests.support.image_layouts import IMAGE_LAYOUTS
from tests.support.text_layouts import TEXT_LAYOUTS
from tests.support.tiny_huggingface import text_folder


def image_model(_: Path, num_classes: int, __: bool) -> dict[str, Any]:
    random = {"family": "cifar_resnet", "architecture": "resnet20", "weights": "random", "image_size": 32}
    return random | {"num_classes": num_classes}


def text_model(folder: Path, num_classes: int, pairs: bool) -> dict[str, Any]:
    text_folder(folder, "distilbert", num_labels=num_classes)
    return {"family": "huggingface_text", "weights": str(folder), "tokenization": {"pairs": pairs}}


LAYOUTS = [(name, make, image_model) for name, make in IMAGE_LAYOUTS.items()]
LAYOUTS += [(name, make, text_model) for name, make in TEXT_LAYOUTS.items()]


# One of each kind that the loop treats in its own way: pictures by a table, in shards and for measuring alone; texts,
# pairs of texts and overlapping groups. The others differ in how they are read, which tests/datasets covers.
SAMPLE = ("waterbirds", "hub parquet", "imagenet_a", "text, .csv", "multinli, .jsonl", "civilcomments")
SLOW = pytest.mark.slow(reason="a layout of each kind goes the whole way, and all are read in tests/datasets")


@pytest.mark.parametrize(
    ("make", "model"),
    [pytest.param(make, model, id=name, marks=() if name in SAMPLE else SLOW) for name, make, model in LAYOUTS],
)
def test_a_layout_goes_from_its_files_to_a_checked_bundle(tmp_path: Path, make: Any, model: Any) -> None:
    (tmp_path / "data").mkdir()
    guess = guess_dataset(make(tmp_path / "data"))
    dataset = open_dataset(guess.spec, tmp_path)
    spec = model(tmp_path / "model", len(dataset.class_names), dataset.modality == "text_pair")
    config = {"model": spec, "dataset": guess.spec, "base": str(tmp_path)}
    if dataset.splits != ("test",):  # ImageNet-A is there to be measured on
        settings = {"epochs": 1, "batch_size": 8, "fresh_head": True}
        trained = train_model(config | {"settings": settings, "out": str(tmp_path / "trained")}, lambda **_: None)
        config |= {"model": {"weights": trained["model"]}, "dataset": trained["dataset"]}
    extract_project(config | {"out": str(tmp_path / "project")}, lambda **_: None)
    project = Project.at(tmp_path / "project")
    diagnosis = Diagnosis(project)

    network = load_model(project.content["model"], project.source)
    each = diagnosis.identification
    opened = open_dataset(project.content["dataset"], project.source)
    assert each.sources is not None
    batch = network.batch([network.prepare(opened.open_sample(str(source))) for source in each.sources])
    np.testing.assert_allclose(
        network.logits(batch).numpy(), diagnosis.erm.logits(each.embeddings), rtol=5e-3, atol=5e-3
    )

    if dataset.overlapping_groups is not None:  # CivilComments
        kept = {
            row["id"]: members
            for row, members in zip(dataset.samples.to_dict("records"), dataset.overlapping_groups.members, strict=True)
        }
        assert each.overlapping_groups is not None
        assert np.array_equal(each.overlapping_groups.members, [kept[name] for name in each.sample_ids])

    if len(np.unique(diagnosis.tuning.labels)) < len(dataset.class_names):
        return  # ImageNet-A is there to be measured on: it has no turtles to be tuned on
    try:
        _ = diagnosis.scores
    except NoMistakes:
        pytest.skip("the random network happens to make no mistake")
    live = BackgroundRun(diagnosis, TuneConfig(epochs=2, batches=3, mask_value=0.5), project.content["roles"]["tuning"])
    live.wait(60)
    assert live.run is not None, live.error
    run = TunedRun(diagnosis.erm, live.run.head, live.run.mask, live.run.config, diagnosis.samples("evaluation"))
    content = project.content
    files = export_bundle(
        tmp_path / "bundle", run, model=content["model"], dataset=content["dataset"], base=project.source
    )
    names = [file.name for file in files]
    assert [name for name in names if name in FILES] == list(FILES)
    loadable = {"config.json", "model.safetensors", "tokenizer.json"}  # save_pretrained's, by the folder alone
    assert (loadable <= set(names)) == (dataset.modality != "image"), names
    assert "samples differ by at most" in files[2].check
