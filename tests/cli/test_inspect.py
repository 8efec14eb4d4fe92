"""inspect and extract on the command line: what one prints, the other takes."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurontune_core import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.files import read_json
from neurontune_core.models import load_model
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.tasks import extract_project
from neurontune_core.workspace.workspace import Workspace
from tests.support import image_layouts, layouts
from tests.support.brightness import planted
from tests.support.cli import ask, call, complaint
from tests.support.own_model import own_model
from tests.support.tiny_huggingface import image_folder, text_folder

TINY = ("random", "--family", "cifar_resnet", "--arch", "resnet20", "--num-classes", 2, "--device", "cpu")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def test_the_page_ends_with_the_command_that_extracts_for_the_app(tmp_path: Path) -> None:
    data, weights = own_model(tmp_path)
    page = call("inspect", data, weights, "--device", "cpu")
    assert page.exit_code == 0, page.stderr
    command = page.stdout.splitlines()[-1]
    assert command == ask("inspect", data, weights, "--device", "cpu")["next"]
    made = ask(*shlex.split(command)[1:])
    assert made["head"] == "head.safetensors"
    project = Workspace().open("my-pictures")
    assert project.load_set("identification").num_samples == 8
    assert Workspace().free_name("my pictures") == "my-pictures-2"


def test_blockers_end_with_2_and_warnings_with_1_when_strict(tmp_path: Path) -> None:
    blocked = call("inspect", tmp_path / "nowhere", *TINY, "--json")
    assert blocked.exit_code == 2
    assert json.loads(blocked.stdout)["status"] == "blockers"
    assert json.loads(blocked.stdout)["next"] == ""
    data = image_layouts.split_folders(tmp_path / "data")
    (data / "test").rename(tmp_path / "away")
    (data / "val").rename(data / "test")  # no validation split
    assert [call("inspect", data, *TINY, *more).exit_code for more in ((), ("--strict",))] == [0, 1]
    assert call("inspect", image_layouts.imagefolder(tmp_path / "b"), "--strict").exit_code == 0


def test_named_columns_reach_the_project(tmp_path: Path) -> None:
    rows = [
        {
            "one": f"The {label} number {number}.",
            "two": f"It is {label}.",
            "answer": label,
            "part": split,
            "cue": number % 2,
        }
        for number, (label, split) in enumerate([("yes", "train"), ("no", "train"), ("yes", "dev"), ("no", "dev")] * 3)
    ]
    table = layouts.write_rows(tmp_path / "pairs.csv", rows)
    model = text_folder(tmp_path / "model", "distilbert", num_labels=2)
    columns = [word for role in ("text=one", "text2=two", "label=answer", "split=part", "group=cue")
               for word in ("--column", role)]  # fmt: skip
    answer = ask("inspect", table, model, *columns, "--device", "cpu")
    assert answer["data"]["modality"] == "text_pair"
    cells = Counter((row["part"].replace("dev", "val"), f"{row['answer']}, cue {row['cue']}") for row in rows)
    assert {(each["split"], each["group"]): each["n"] for each in answer["data"]["counts"] if each["n"]} == cells
    made = ask(*shlex.split(answer["next"])[1:])
    samples = EmbeddingSet.load(Path(made["out"]) / made["embeddings"]["val"])
    assert samples.group_names == ("no, cue 0", "no, cue 1", "yes, cue 0", "yes, cue 1")
    assert "tokenization" in made["model"]
    assert 'no column for the "color"' in complaint("extract", table, model, "--column", "color=x", "--out", "x")


def test_an_entry_point_is_for_the_command_line_alone(tmp_path: Path) -> None:
    request = planted(tmp_path)
    words = ["--entry", "brightness:network", "--preprocessing", "mean=0.5,0.5,0.5", "--preprocessing",
             "std=0.5,0.5,0.5", "--image-size", 8, "--device", "cpu"]  # fmt: skip
    answer = ask("inspect", request.data, request.weights, *words)
    assert (answer["status"], answer["accuracy"]["accuracy"]) == ("OK", 1.0)
    made = ask(*shlex.split(answer["next"])[1:])
    head, val = Project.at(Path(made["out"])).load_head(), EmbeddingSet.load(Path(made["out"]) / "embeddings" / "val")
    assert (head.predict(val.embeddings) == val.labels).all()
    config: dict[str, Any] = {key: answer[f"{key}_spec"] for key in ("model", "dataset")}
    with pytest.raises(InputError, match="only loaded from the command line"):
        extract_project(config | {"base": str(tmp_path), "out": str(tmp_path / "x")}, lambda **_: None)
    assert "only loaded" in complaint("extract", "--project", made["out"], "--entry", "other:thing", "--out", "y")


def test_a_project_of_ones_own_network_is_extracted_and_exported_again_when_its_entry_is_named(tmp_path: Path) -> None:
    request = planted(tmp_path)
    entry = ("--entry", "brightness:network")
    words = ["--preprocessing", "mean=0.5,0.5,0.5", "--preprocessing", "std=0.5,0.5,0.5", "--image-size", 8]
    out, tuned, bundle = tmp_path / "project", tmp_path / "tuned", tmp_path / "bundle"
    made = ask("extract", request.data, request.weights, *entry, *words, "--device", "cpu", "--out", out)
    again = ask("extract", "--project", out, *entry, "--device", "cpu", "--out", tmp_path / "again")
    assert {key: again["model"][key] for key in ("family", "entry")} == {"family": "python", "entry": entry[1]}
    ask("tune", "--identification", out / "embeddings" / "val", "--tuning", out / "embeddings" / "train",
        "--head", out / made["head"], "--no-mask", "--epochs", 1, "--batches", 1, "--out", tuned)  # fmt: skip
    export = ("export", "--project", out, "--head", tuned / "head.safetensors", "--mask", tuned / "mask.json")
    assert "--entry brightness:network" in complaint(*export, "--out", bundle)
    assert "--entry brightness:network" in complaint(*export, "--entry", "other:thing", "--out", bundle)
    assert not bundle.exists()
    files = list(ask(*export, *entry, "--out", bundle)["files"])
    assert "model_state_dict.safetensors" in files


@pytest.mark.parametrize("more", [(), ("--entry", "brightness:network")])
def test_an_entry_point_that_a_file_names_is_not_run(tmp_path: Path, more: tuple[str, ...]) -> None:
    data, _ = planted(tmp_path).data, (tmp_path / "evil.py").write_text("open('ran', 'w')\ndef network(): pass\n")
    (tmp_path / "model").mkdir()
    spec = {"family": "python", "entry": "evil:network", "weights": "random"}
    content = {"format": "neurontune-model/1", "spec": spec}
    (tmp_path / "model" / "model.json").write_text(json.dumps(content))
    for weights in (tmp_path / "model", tmp_path / "model" / "model.json"):
        result = call("inspect", data, weights, *more, "--json")
        assert result.exit_code == 2
        assert json.loads(result.stdout)["model"] is None
    assert not (tmp_path / "ran").exists()


def test_a_model_without_preprocessing_of_its_own_gets_the_data_sets(tmp_path: Path) -> None:
    data = image_layouts.waterbirds(tmp_path / "birds")
    made = ask("extract", data, *TINY, "--out", tmp_path / "a")
    assert made["model"]["preprocessing"] == {"image_size": 32, "resize": 37, "resize_mode": "squash"}  # 256 : 224
    settings = read_json(tmp_path / "a" / "embeddings" / "val" / "meta.json")["provenance"]["extraction"][
        "preprocessing"
    ]
    assert load_model(made["model"], tmp_path / "a").input_settings() == settings
    own = image_folder(tmp_path / "own", "vit", num_labels=2)
    (own / "preprocessor_config.json").write_text(
        json.dumps({"size": 32, "image_mean": [0.5] * 3, "image_std": [0.5] * 3})
    )
    answer = ask("inspect", data, own, "--device", "cpu")
    assert "preprocessing" not in answer["model_spec"]
    assert answer["model"]["input"]["mean"] == [0.5] * 3
    assert answer["model"]["input_from"] == "its preprocessor_config.json"
    (own / "preprocessor_config.json").unlink()
    bare = ask("inspect", data, own, "--device", "cpu")
    assert bare["model"]["input_from"] == "the dataset's own recipe, as the model brings none"
    resized = ask("inspect", data, own, "--preprocessing", "resize=40", "--device", "cpu")
    assert (resized["model"]["input"]["resize"], resized["model"]["input_from"]) == (40, "the model's settings")


def test_classes_in_the_models_order_give_its_head_the_right_rows(tmp_path: Path) -> None:
    data, weights = own_model(tmp_path)
    plain, turned = (ask("extract", data, weights, *more, "--device", "cpu", "--out", tmp_path / name)
                     for name, more in (("a", ()), ("b", ("--classes", "dog,cat"))))  # fmt: skip
    sets = [EmbeddingSet.load(Path(made["out"]) / "embeddings" / "test") for made in (plain, turned)]
    assert [each.class_names for each in sets] == [("cat", "dog"), ("dog", "cat")]
    np.testing.assert_array_equal(sets[0].labels, 1 - sets[1].labels)
