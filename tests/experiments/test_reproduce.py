"""A row of the paper's tables, on a few kB of every data set in its exact layout."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.baselines.registry import METHODS
from neurontune_core.cli import app
from neurontune_core.datasets import guess_dataset, open_dataset
from neurontune_core.errors import InputError
from neurontune_core.experiments.recipes import RECIPES, recipe_for
from neurontune_core.experiments.reproduce import measures, reproduce
from neurontune_core.experiments.reproduction_results import Results
from neurontune_core.experiments.reproduction_table import markdown, notes, reproduction_rows
from neurontune_core.tuning.published_presets import TABLE_10
from tests.support.image_layouts import celeba_csv, imagenet9, imagenet_a, waterbirds
from tests.support.text_layouts import IDENTITIES, civilcomments, multinli
from tests.support.tiny_huggingface import text_folder

TINY = {"family": "cifar_resnet", "architecture": "resnet20", "weights": "random", "image_size": 24}
SHORT = {"epochs": 1, "batch_size": 8, "augment": "none"}
TUNE = {"epochs": 2, "batches": 3, "mask_value": 0.5}
FEW = ("neurontune", "neurontune_halves")
LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "waterbirds": waterbirds,
    "celeba": celeba_csv,
    "imagenet9": imagenet9,
    "multinli": multinli,
    "civilcomments": civilcomments,
}


def run(name: str, root: Path, out: Path, **options: Any) -> list[dict[str, Any]]:
    model: dict[str, Any] = TINY
    if name in ("multinli", "civilcomments"):
        folder = out.parent / "bert"
        model = {"weights": str(folder if folder.is_dir() else text_folder(folder, "bert", cls="AutoModel"))}
    defaults = {"methods": FEW, "seeds": 1, "training": SHORT, "tuning": TUNE}
    return reproduce(recipe_for(name), root, out, model, **{**defaults, **options})


@pytest.mark.long
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_data_set_goes_from_its_files_to_a_table(name: str, tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    runs = run(name, LAYOUTS[name](root), tmp_path / "out")
    assert [each["method"] for each in runs] == ["erm", "masking_off", *FEW]
    kept = json.loads((tmp_path / "out" / "seed-0" / "model" / "model.json").read_text())
    assert kept["preset"] == name
    assert kept["settings"]["learning_rate"] == {"waterbirds": 3e-3, "celeba": 3e-3, "imagenet9": 1e-3}.get(name, 1e-5)
    erm, project = runs[0], tmp_path / "out" / "seed-0" / "project"
    head = LinearHead.load(project / "head.safetensors")
    test = EmbeddingSet.load(project / "embeddings" / ("val" if name == "imagenet9" else "test"))
    right = head.predict(test.embeddings) == test.labels
    assert erm["accuracy"] == right.mean()
    if name == "imagenet9":
        assert erm["worst_group"] is None
    else:
        assert test.groups is not None
        assert erm["worst_group"] == min(right[test.groups == group].mean() for group in set(test.groups.tolist()))
    table = markdown(name, runs)
    assert table.count("\n| ") == 2 + len(runs)
    assert all(note in table for note in notes(name, runs))


def test_a_stopped_reproduction_goes_on_and_nothing_is_done_twice(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    root = waterbirds(tmp_path / "data")
    whole = run("waterbirds", root, tmp_path / "whole", seeds=2)
    messages: list[str] = []

    def stop_before(words: str) -> Callable[..., None]:
        def report(*, message: str, **_: Any) -> None:
            messages.append(message)
            if words and message.startswith(words):
                raise KeyboardInterrupt

        return report

    for words in ("seed 0, epoch 1", "seed 0, extracting val", "seed 0, NeuronTune†", "seed 1, extracting test"):
        with pytest.raises(KeyboardInterrupt):
            run("waterbirds", root, tmp_path / "out", seeds=2, report=stop_before(words))
    messages.clear()
    again = run("waterbirds", root, tmp_path / "out", seeds=2, report=stop_before(""))
    assert not any("epoch" in each or "seed 0" in each for each in messages)
    assert again == whole
    assert {each["seed"] for each in again} == {0, 1}
    messages.clear()
    assert run("waterbirds", root, tmp_path / "out", seeds=2, report=stop_before("")) == whole
    assert not messages


def test_another_reproduction_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    root = waterbirds(tmp_path / "data")
    run("waterbirds", root, tmp_path / "out", methods=("erm",))
    with pytest.raises(InputError, match="holds a reproduction with another training"):
        run("waterbirds", root, tmp_path / "out", training=SHORT | {"learning_rate": 0.1})


def test_a_shared_training_serves_all_seeds(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    runs = run("waterbirds", waterbirds(tmp_path / "data"), tmp_path / "out", seeds=2, shared_training=True)
    assert [folder.name for folder in sorted((tmp_path / "out").glob("seed-*"))] == ["seed-0"]
    erm = [each["accuracy"] for each in runs if each["method"] == "erm"]
    assert len(erm) == 2
    assert len(set(erm)) == 1


def test_imagenet_a_is_measured_with_the_same_network(tmp_path: Path) -> None:
    (tmp_path / "nine").mkdir()
    adversarial = imagenet_a(tmp_path)
    runs = run("imagenet9", imagenet9(tmp_path / "nine"), tmp_path / "out", methods=("erm",), imagenet_a=adversarial)
    head = LinearHead.load(tmp_path / "out" / "seed-0" / "project" / "head.safetensors")
    result = EmbeddingSet.load(tmp_path / "out" / "seed-0" / "imagenet_a")
    assert runs[0]["imagenet_a"] == (head.predict(result.embeddings) == result.labels).mean()
    row = reproduction_rows("imagenet9", runs)[0]
    assert (row["average, published"], row["ImageNet-A, published"]) == ("90.8 ± 0.6", "24.9 ± 1.1")


def test_the_two_worst_groups_of_civilcomments_are_those_of_the_table_itself(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    dataset = open_dataset(guess_dataset(civilcomments(tmp_path / "data")).spec, tmp_path)
    table = pd.read_csv(tmp_path / "data" / "all_data_with_identities.csv")
    test = table[table["split"] == "test"]
    labels = (test["toxicity"] >= 0.5).to_numpy().astype(int)
    predictions = (np.arange(len(test)) % 3 == 0).astype(int)
    identity = (test[list(IDENTITIES)].fillna(0) >= 0.5).to_numpy()
    right = predictions == labels
    coarse = [right[(labels == y) & (identity.any(axis=1) == a)].mean() for y in (0, 1) for a in (False, True)]
    fine = [right[identity[:, i] & (labels == y)] for i in range(8) for y in (0, 1)]
    rows = dataset.rows("test")
    evaluation = EmbeddingSet(
        np.eye(2)[predictions],
        rows["label"].to_numpy(), dataset.class_names, rows["group"].to_numpy(), dataset.group_names,
        dataset.overlapping_groups._replace(members=dataset.overlapping_groups.members[rows.index]),
    )  # fmt: skip
    result = measures(LinearHead(np.eye(2), np.zeros(2)), evaluation, evaluation)
    assert result["worst_group"] == min(coarse)
    assert result["worst_overlapping"] == min(each.mean() for each in fine if len(each))
    assert result["reweighted"] == pytest.approx(right.mean()), "weights of the set itself change nothing"


def test_published_figures_stand_beside_their_own_measure_only() -> None:
    base = {"seed": 0, "error": "", "uses_groups": False, "accuracy": 0.5, "reweighted": 0.6}
    runs = [
        base | {"method": "erm", "worst_group": 0.25, "worst_overlapping": 0.2},
        base | {"method": "erm", "seed": 1, "worst_group": 0.35, "worst_overlapping": 0.2},
        base | {"method": "neurontune", "worst_group": 0.5, "worst_overlapping": 0.4},
    ]
    erm, ours = reproduction_rows("civilcomments", runs)
    assert erm["worst of 4 groups"] == "30.0 ± 7.1"
    assert (erm["worst of 4 groups, published"], erm["worst of 16 groups, published"]) == ("–", "57.4")
    assert (ours["worst of 4 groups, published"], ours["worst of 16 groups, published"]) == ("82.4 ± 0.2", "–")
    birds = reproduction_rows("waterbirds", runs)[0]
    assert (birds["worst group, published"], birds["average, published"]) == ("72.6", "97.3")
    assert birds["average, re-weighted"] == "60.0 ± 0.0"
    assert (birds["groups used"], birds["groups used, published"], birds["seeds"]) == ("none", "none", "2")
    assert any("re-weighted" in note for note in notes("waterbirds", runs))


def test_the_gap_of_table_3_is_measured_beside_the_published_one() -> None:
    base = {"seed": 0, "error": "", "uses_groups": False, "accuracy": 0.93}
    runs = [base | {"method": "neurontune", "imagenet_a": 0.35}, base | {"method": "erm"}]
    row, without = reproduction_rows("imagenet9", runs)
    assert (row["gap"], row["gap, published"], row["ImageNet-A, published"]) == ("58.0", "56.4", "37.3 ± 0.5")
    assert without["gap"] == "–"
    assert any("ImageNet-9 minus ImageNet-A" in note for note in notes("imagenet9", runs))


def test_a_method_that_fails_says_why_in_its_row() -> None:
    runs = [{"method": "dfr", "seed": 0, "error": "No groups | here.", "uses_groups": True}]
    row = reproduction_rows("waterbirds", runs)[0]
    assert row["worst group"] == "No groups | here."
    assert row["average"] == "–"
    assert "| No groups \\| here. |" in markdown("waterbirds", runs)


def test_recipes_are_those_of_table_10() -> None:
    result = {
        name: (each.tune.learning_rate, each.tune.epochs, each.tune.optimizer, each.tune.batches, each.tune.batch_size)
        for name, each in RECIPES.items()
    }
    assert result == {
        "waterbirds": (1e-3, 40, "sgd", 200, 128),
        "celeba": (1e-3, 40, "sgd", 200, 128),
        "imagenet9": (1e-3, 1, "sgd", 200, 128),
        "multinli": (1e-5, 60, "adamw", 200, 128),
        "civilcomments": (1e-3, 60, "adamw", 200, 128),
    }
    assert {name: each.config for name, each in TABLE_10.items()} == {name: each.tune for name, each in RECIPES.items()}
    assert {"erm", "masking_off", "neurontune", "dfr", "afr", "self"} <= set(RECIPES["waterbirds"].methods)
    assert {"lff", "lwbc", "ssl_erm"} <= set(RECIPES["imagenet9"].methods)


def test_other_methods_run_with_what_was_published_for_the_data_set() -> None:
    afr = {
        name: METHODS["afr"].settings(**each.settings["afr"]) for name, each in RECIPES.items() if name != "imagenet9"
    }
    grids = {name: (len(each.gammas), min(each.gammas), max(each.gammas), each.steps) for name, each in afr.items()}
    assert grids == {
        "waterbirds": (33, 4, 20, 500),
        "celeba": (10, 1, 3, 1000),
        "multinli": (10, 1e2, 1e5, 200),
        "civilcomments": (7, 0, 1e2, 50),
    }
    assert (afr["multinli"].penalties[1], len(afr["multinli"].penalties), afr["multinli"].penalties[-1]) == (2, 26, 50)
    assert afr["waterbirds"].penalties == (0.0, 0.1, 0.2, 0.3)
    assert (afr["celeba"].penalties, afr["celeba"].learning_rate) == ((1e-3, 1e-2, 1e-1), 2e-2)
    assert all((each.held_back, each.select) == (0.2, "worst_group_accuracy") for each in afr.values())
    text = METHODS["self"].settings(**RECIPES["multinli"].settings["self"])
    assert (text.learning_rates, text.batches, text.batch_size) == ((1e-6, 1e-5, 1e-4), 500, 16)
    assert RECIPES["civilcomments"].settings["self"] == RECIPES["multinli"].settings["self"]
    assert [RECIPES[name].settings["george"]["adjustment"] for name in ("waterbirds", "celeba")] == [2, 3]
    for each in RECIPES.values():
        assert set(each.settings) <= set(each.methods)


def test_a_reproduction_runs_them_and_gives_each_seed_its_own_part_kept_back(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    root = waterbirds(tmp_path / "data")
    recipe = replace(recipe_for("waterbirds"), settings={"afr": {"gammas": (4.0,), "steps": 3, "held_back": 0.5}})
    runs = reproduce(
        recipe, root, tmp_path / "out", TINY, seeds=2, shared_training=True, training=SHORT, methods=("afr",)
    )
    made = [each["settings"] for each in runs if each["method"] == "afr"]
    assert [(each["gammas"], each["held_back"], each["split_seed"]) for each in made] == [
        ((4.0,), 0.5, 0),
        ((4.0,), 0.5, 1),
    ]


def test_what_is_not_the_data_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    root = waterbirds(tmp_path / "data")
    with pytest.raises(InputError, match="is not CelebA as it is unpacked"):
        run("celeba", root, tmp_path / "out")
    with pytest.raises(InputError, match='no recipe for "metashift"'):
        recipe_for("metashift")


def test_the_command_line_writes_the_table_and_asks_for_weights(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    waterbirds(tmp_path / "data")
    words = ["reproduce", "waterbirds", "--root", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert "resnet50 starts from torchvision's ImageNet weights, as a file; give --weights" in result.stderr
    both = CliRunner().invoke(app, [*words, "--weights", "random", "--from-scratch"])
    assert "Give either --weights or --from-scratch" in both.stderr
    words += ["--family", "cifar_resnet", "--architecture", "resnet20", "--from-scratch", "--image-size", "24"]
    words += ["--epochs", "1", "--batch-size", "8", "--seeds", "1", "--method", "erm", "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.stderr
    content = json.loads(result.stdout)
    assert [row["method"] for row in content["table"]] == ["ERM", "No masking"]
    assert (tmp_path / "out" / "table.md").read_text().startswith("# Waterbirds\n")


def test_runs_of_an_earlier_training_are_not_mixed_with_those_of_a_later_one(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    root = waterbirds(tmp_path / "data")
    run("waterbirds", root, tmp_path / "out", methods=("erm",))
    results = tmp_path / "out" / "results.json"
    results.write_text(results.read_text().replace('"accuracy": 0.', '"accuracy": -0.'))  # to be recognized
    for number, file in enumerate(sorted(root.rglob("*.jpg"))):  # the data were unpacked again, and differ
        shade = np.random.default_rng(number).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(shade).save(file)
    shutil.rmtree(tmp_path / "out" / "seed-0")
    messages: list[str] = []
    again = run(
        "waterbirds", root, tmp_path / "out", report=lambda **progress: messages.append(progress.get("message", ""))
    )
    assert again == run("waterbirds", root, tmp_path / "fresh")
    assert [each["method"] for each in again] == ["erm", "masking_off", *FEW]
    kept = json.loads(results.read_text())["runs"]
    assert sorted(each["method"] for each in kept) == sorted(["erm", "masking_off", *FEW])
    assert all(each["accuracy"] >= 0 for each in kept)
    assert any("another training" in message for message in messages)


def test_all_seeds_of_a_shared_training_are_of_the_same_one(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    root = waterbirds(tmp_path / "data")
    run("waterbirds", root, tmp_path / "out", seeds=1, shared_training=True)
    head = tmp_path / "out" / "seed-0" / "project" / "head.safetensors"
    file = tmp_path / "out" / "results.json"
    content = json.loads(file.read_text())
    content["origins"]["seed-0"]["head"] = "of another training"
    content["runs"][0]["accuracy"] = -1.0
    file.write_text(json.dumps(content))
    assert head.is_file()
    runs = run("waterbirds", root, tmp_path / "out", seeds=2, shared_training=True)
    erm = [each["accuracy"] for each in runs if each["method"] == "erm"]
    assert len(erm) == 2
    assert erm[0] == erm[1] >= 0


def test_a_run_with_other_settings_of_the_recipe_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    root = waterbirds(tmp_path / "data")
    recipe = recipe_for("waterbirds")
    options = {"seeds": 1, "training": SHORT, "methods": ("neurontune",)}
    few, more = (replace(recipe, tune=replace(recipe.tune, epochs=epochs, batches=3)) for epochs in (1, 2))
    reproduce(few, root, tmp_path / "out", TINY, **options)
    runs = reproduce(more, root, tmp_path / "out", TINY, **options)
    assert {each["method"]: each["settings"].get("epochs") for each in runs} == {
        "erm": None,
        "masking_off": 2,
        "neurontune": 2,
    }


def test_imagenet_a_that_is_given_later_is_measured_for_the_runs_of_before(tmp_path: Path) -> None:
    (tmp_path / "nine").mkdir()
    root, adversarial = imagenet9(tmp_path / "nine"), imagenet_a(tmp_path)
    before = run("imagenet9", root, tmp_path / "out", methods=("erm",))
    assert "imagenet_a" not in before[0]
    after = run("imagenet9", root, tmp_path / "out", methods=("erm",), imagenet_a=adversarial)
    assert all(0 <= each["imagenet_a"] <= 1 for each in after)
    assert [each["accuracy"] for each in after] == [each["accuracy"] for each in before]
    assert run("imagenet9", root, tmp_path / "out", methods=("erm",)) == after


def test_sets_with_different_groups_have_no_reweighted_average() -> None:
    data = EmbeddingSet(np.eye(4), [0, 1, 0, 1], ("a", "b"), groups=[0, 1, 2, 3], group_names=("k", "l", "m", "n"))
    tuning = EmbeddingSet(np.eye(4), [0, 1, 0, 1], ("a", "b"), groups=[0, 1, 4, 4], group_names=tuple("klmno"))
    head = LinearHead(np.ones((2, 4)), np.zeros(2))
    assert measures(head, data, tuning)["reweighted"] is None
    assert measures(head, data, data)["reweighted"] == 0.5


def test_runs_made_without_imagenet_a_are_made_once(tmp_path: Path) -> None:
    (tmp_path / "nine").mkdir()
    root, adversarial = imagenet9(tmp_path / "nine"), imagenet_a(tmp_path)
    run("imagenet9", root, tmp_path / "out", methods=("erm",), imagenet_a=adversarial)
    run("imagenet9", root, tmp_path / "out", methods=("neurontune",))
    messages: list[str] = []
    run(
        "imagenet9", root, tmp_path / "out", methods=("neurontune",), report=lambda **facts: messages.append(str(facts))
    )
    assert messages == []
    whole = run("imagenet9", root, tmp_path / "out", methods=("neurontune",), imagenet_a=adversarial)
    assert all("imagenet_a" in each for each in whole)


@pytest.mark.parametrize("content", ["[]", "{}", '{"asked": {}, "runs": [{}]}'])
def test_damaged_results_are_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(InputError, match=r"results\.json does not hold whole results"):
        Results.open(tmp_path / "results.json", {}, None)
