"""The Train screen without a browser: what it says before, during and after a training."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from neurontune_core.figures.epochs import training_curves
from neurontune_core.jobs.store import Job, JobStore
from neurontune_core.training.history import TrainEpoch, TrainHistory
from neurontune_core.training.job import train_model
from neurontune_core.workspace.workspace import Workspace
from tests.support.imports import HEAVY, loaded_by
from tests.support.pages import text_of
from tests.support.paths import ROUTER
from tests.support.tiny_training import bars


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Run jobs at once and in this process; they leave what a child process would."""
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))

    def submit(store: JobStore, task: str, config: dict[str, Any], *, title: str = "") -> Job:
        folder = store.root / f"{time.time_ns()}"
        folder.mkdir()
        asked = {"task": task, "title": title, "config": config, "created": time.time()}
        (folder / "process.json").write_text('{"pid": 0, "created": 0}')
        (folder / "config.json").write_text(json.dumps(asked))
        status = {"state": "cancelled", "done": 1, "total": 2, "rate": 1.0, "message": "epoch 1 of 2"}
        if task == "train" and not config["name"].startswith("stopped"):
            result = train_model(config, lambda **_: None)
            status |= {"state": "done", "done": 2, "result": result}
        (folder / "status.json").write_text(json.dumps(status))
        return Job(folder)

    monkeypatch.setattr(JobStore, "submit", submit)
    return Workspace(tmp_path)


def opened() -> AppTest:
    test = AppTest.from_file(ROUTER, default_timeout=120)
    test.run().switch_page(str(ROUTER.with_name("train.py"))).run()
    assert not test.exception
    return test


def start(test: AppTest, name: str, data: Path, weights: str = "random") -> AppTest:
    test.text_input(key="train_name").set_value(name)
    test.text_input(key="train_data").set_value(str(data))
    test.selectbox(key="train_start").select("a checkpoint of my own").run()
    test.selectbox(key="train_family").select("cifar_resnet")
    test.selectbox(key="train_preset").select("images").run()
    test.text_input(key="train_arch").set_value("resnet20")
    test.text_input(key="train_weights").set_value(weights)
    test.number_input(key="train_images_epochs").set_value(1)
    test.number_input(key="train_images_batch_size").set_value(8)
    test.button(key="train_submit").click().run()
    assert not test.exception
    return test


def test_a_training_is_started_followed_and_taken_on_to_extraction(workspace: Workspace) -> None:
    bars(workspace.root / "data")
    test = opened()
    assert "Empirical risk minimization (ERM)" in text_of(test)
    assert not test.button or all(button.key != "train_extract" for button in test.button)
    start(test, "birds", workspace.root / "data")
    assert not test.error
    job = JobStore(workspace.jobs).list()[0]
    assert job.config["settings"] == {"epochs": 1, "batch_size": 8}
    kept = (job.status().result or {})["accuracy"]
    assert f"Kept: epoch **1** (dashed line) · average **{100 * kept:.1f} %**" in text_of(test)
    assert len(test.get("plotly_chart")) == 2
    test.button(key="train_extract").click().run()
    extraction = JobStore(workspace.jobs).list()[0]
    assert extraction.task == "extract"
    assert extraction.config["model"] == {"weights": str(workspace.root / "trainings" / "birds" / "model.json")}
    assert extraction.config["name"] == "birds"


def test_a_stopped_training_offers_to_go_on_and_a_reload_still_shows_it(workspace: Workspace) -> None:
    bars(workspace.root / "data", each=2)
    start(opened(), "stopped", workspace.root / "data")
    test = opened()
    assert test.selectbox(key="training").options == ["stopped"]
    assert "The curves start after the first epoch" in text_of(test)
    test.button(key="train_resume").click().run()
    jobs = JobStore(workspace.jobs).list()
    assert len(jobs) == 2
    assert jobs[0].config == jobs[1].config
    assert test.selectbox(key="training").options == ["stopped"], "two attempts are one training"


@pytest.mark.parametrize(
    ("name", "data", "weights", "sentence"),
    [
        ("a/b", "data", "random", "cannot be a name"),
        ("birds", "nowhere", "random", "There is no folder"),
        ("birds", "data", "nowhere.pth", "There is no weights file or model folder"),
    ],
)
def test_what_cannot_be_trained_is_a_sentence(
    workspace: Workspace, name: str, data: str, weights: str, sentence: str
) -> None:
    bars(workspace.root / "data", each=2)
    test = start(opened(), name, workspace.root / data, weights)
    assert sentence in test.error[0].value.replace("\\", "")
    assert JobStore(workspace.jobs).list() == []


def test_curves_mark_the_best_epoch_and_leave_out_groups_that_are_not_known() -> None:
    epochs = tuple(TrainEpoch(n, 1 / n, 0.1, 0.5 + n / 10, 0.4, None) for n in (1, 2))
    loss, accuracy = training_curves(TrainHistory(epochs, 2, 5))
    assert list(loss.data[0].y) == [1.0, 0.5]
    assert [trace.name for trace in accuracy.data] == ["average", "worst class"]
    assert list(accuracy.data[0].y) == [60.0, 70.0]
    assert accuracy.layout.shapes[0].x0 == 2
    assert tuple(accuracy.layout.xaxis.range) == (0.5, 5.5)
    grouped = (TrainEpoch(1, 1.0, 0.1, 0.5, 0.4, 0.3),)
    assert training_curves(TrainHistory(grouped, 1, 5))[1].data[2].y[0] == 30.0


def test_the_screens_side_of_training_needs_no_network_library() -> None:
    names = ("training.config", "training.history", "training.job", "models.packaged", "models.saved")
    assert loaded_by("; ".join(f"import neurontune_core.{name}" for name in names)).isdisjoint(HEAVY)
