"""The verb cue, and --cue of the other verbs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.workspace.workspace import Workspace
from tests.support import brightness
from tests.support.cli import ask, call, complaint
from tests.support.projects import NEURONS, SHORTCUT, write_project


@pytest.fixture
def birds(tmp_path: Path) -> Path:
    write_project(tmp_path / "birds")
    return tmp_path / "birds"


def point(birds: Path, *more: object) -> dict:
    return ask("cue", "--project", birds, "--name", "water", "--with", "water", "--without", "land", *more)


def test_groups_that_a_person_names_are_a_cue_with_its_neurons_and_its_mask(birds: Path) -> None:
    answer = point(birds, "--effect", "1")
    assert {"cue", "pairs", "changed", "control_changed", "neurons", "mask_alone"} <= set(answer)
    assert (answer["cue"], answer["pairs"], answer["changed"], answer["control_changed"]) == ("water", 0, None, None)
    [neuron] = answer["neurons"]
    assert set(neuron) == {"neuron", "effect", "p_adjusted"}
    assert (neuron["neuron"], neuron["p_adjusted"] < 1e-9) == (SHORTCUT, True)
    test, head = EmbeddingSet.load(birds / "embeddings" / "test"), LinearHead.load(birds / "head.safetensors")
    kept = np.arange(NEURONS) != SHORTCUT
    correct = (np.asarray(test.embeddings) @ (head.weight * kept).T + head.bias).argmax(axis=1) == test.labels
    by_class = [correct[test.labels == label].mean() for label in (0, 1)]
    assert answer["mask_alone"]["worst_class_accuracy"] == pytest.approx(min(by_class))
    groups = [correct[test.groups == group].mean() for group in range(4)]
    assert answer["mask_alone"]["worst_group_accuracy"] == pytest.approx(min(groups))


def test_picks_are_drawn_and_a_file_of_ids_does_it_without_groups(birds: Path, tmp_path: Path) -> None:
    assert point(birds, "--picks", "10", "--effect", "1")["neurons"][0]["neuron"] == SHORTCUT
    val = EmbeddingSet.load(birds / "embeddings" / "val")
    assert val.groups is not None
    (tmp_path / "ids.txt").write_text("\n".join(map(str, val.sample_ids[val.groups % 2 == 1])))
    again = ask("cue", "--project", birds, "--name", "ids", "--with", tmp_path / "ids.txt", "--effect", "1")
    assert again["neurons"][0]["neuron"] == SHORTCUT


def test_a_cue_is_listed_repeated_by_its_name_and_removed(birds: Path) -> None:
    first = point(birds)
    assert ask("cue", "--project", birds, "--name", "water") == first
    assert ask("cue", "--project", birds, "--list") == {"cues": [{"cue": "water", "kind": "samples"}]}
    assert ask("cue", "--project", birds, "--remove", "water") == {"cues": []}
    assert "There is no cue" in complaint("cue", "--project", birds, "--name", "water")
    assert point(birds) == first
    assert "rank correlation" in call("cue", "--project", birds, "--name", "water").output


def test_identify_tune_and_export_mask_the_cue(birds: Path, tmp_path: Path) -> None:
    point(birds)
    identified = ask("identify", "--project", birds, "--cue", "water:1")
    assert identified["cue"]["neurons"] == identified["cue"]["masked"] == [SHORTCUT]
    both = ask("identify", "--project", birds, "--cue", "water:1", "--mask-by", "both")["cue"]["masked"]
    assert set(both) == {SHORTCUT, *identified["biased"]}
    quick = ["--epochs", "2", "--batches", "5"]
    tuned = ask("tune", "--project", birds, "--cue", "water:1", "--out", tmp_path / "tuned", *quick)
    assert (tuned["cue"], tuned["effect"], tuned["num_biased"]) == ("water", 1.0, 1)
    head = LinearHead.load(tmp_path / "tuned" / "head.safetensors")
    assert np.flatnonzero((head.weight == 0).all(axis=0)).tolist() == [SHORTCUT]
    mask = json.loads((tmp_path / "tuned" / "mask.json").read_text())
    assert (mask["cue"]["name"], sorted(mask["cue"]["groups"])) == (
        "water",
        ["land, land", "land, water", "water, land", "water, water"],
    )
    exported = ask("export", "--project", birds, "--head", "mask", "--cue", "water:1", "--out", tmp_path / "exported")
    assert exported["num_masked"] == 1
    content = json.loads((tmp_path / "exported" / "mask.json").read_text())
    assert content["neurons"][0]["reasons"] == ["cue"]
    assert "whose group labels were read" in (tmp_path / "exported" / "MODEL_CARD.md").read_text()
    without = ask("export", "--project", birds, "--head", "mask", "--out", tmp_path / "by-score")
    assert without["num_masked"] == identified["num_biased"]


def test_the_faces_are_pointed_at_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))
    picture = "images/val/unhappy-051-tag.jpg"
    answer = ask(
        "cue", "--project", "faces", "--name", "tag", "--picture", picture, "--box", "77,131,80,24", "--pairs", 8
    )
    assert answer["pairs"] == 8
    assert answer["direction"] == "unhappy"
    assert (tmp_path / "projects" / "faces" / "cues" / "tag" / "cutout-0.png").is_file()
    base = ["cue", "--project", "faces", "--name", "other"]
    for box, sentence in (
        ("0,0,1,1", "takes the whole picture"),
        ("0.5,0.5,0,0", "is empty"),
        ("100,100,80,80", "outside the picture"),
        ("0.5,0.5", "write four numbers"),
    ):
        assert sentence in complaint(*base, "--picture", picture, "--box", box)
    assert 'No split has a sample "gone.jpg"' in complaint(*base, "--picture", "gone.jpg", "--box", "0.1,0.1,0.2,0.2")
    assert "are no texts" in complaint(*base, "--words", "room")
    assert Workspace().open("faces").journal.cues() == ("tag",)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--name", "a"], "give --picture and --box, --words, or --with"),
        ([], "Give the cue a --name"),
        (["--name", "a", "--with", "lake"], 'There is no group or attribute "lake"'),
        (["--name", "a", "--with", "water", "--with", "land"], "Every sample has the cue"),
        (["--name", "a", "--without", "land"], "give --with"),
        (["--name", "a", "--with", "land", "--words", "b"], "of one kind"),
        (["--name", "a", "--picture", "1", "--box", "0.1,0.1,0.2,0.2"], "are no pictures"),
        (["--name", "a", "--picture", "1"], "one --box for each --picture"),
        (["--name", "a b", "--with", "water"], "cannot be a name"),
        (["--remove", "tag"], 'There is no cue "tag"'),
    ],
)
def test_bad_input_is_one_sentence(birds: Path, arguments: list[str], sentence: str) -> None:
    assert sentence in complaint("cue", "--project", birds, *arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--cue", "tag"], 'There is no cue "tag"'),
        (["--cue", "water:much"], 'has the effect "much"'),
        (["--cue", "water:-1"], "0 or more standard deviations"),
        (["--mask-by", "both"], "needs a cue"),
    ],
)
def test_a_cue_that_is_none_is_one_sentence(birds: Path, arguments: list[str], sentence: str) -> None:
    point(birds)
    assert sentence in complaint("identify", "--project", birds, *arguments)
    val, head = birds / "embeddings" / "val", birds / "head.safetensors"
    needs = complaint("identify", "--identification", val, "--head", head, "--cue", "water")
    assert "give --project" in needs


def test_a_cue_has_to_be_measured_on_the_vectors_of_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))
    from neurontune_core.cues.cue import Box, Cue, Pointed

    Workspace().open("faces").cues.save(Cue("tag", (Pointed("val", "a", Box(0.1, 0.1, 0.2, 0.2)),)))
    assert "was not measured" in complaint("identify", "--project", "faces", "--cue", "tag")


def test_a_network_of_python_code_runs_where_the_person_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neurontune_core.workspace.tasks import extract_project

    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    request = brightness.planted(tmp_path)
    config = {"base": str(tmp_path), "out": str(tmp_path / "shades"), "model": request.model().spec}
    extract_project(config | {"dataset": request.dataset().spec}, lambda **_: None, allow_python=True)
    project = ["cue", "--project", tmp_path / "shades", "--name", "corner", "--picture"]
    picture = str(EmbeddingSet.load(tmp_path / "shades" / "embeddings" / "val").sample_ids[0])
    point_at = [*project, picture, "--box", "0,0,0.4,0.4"]
    assert "neurontune cue --entry" in complaint(*point_at)
    answer = ask(*point_at, "--entry", request.entry, "--pairs", 6)
    assert answer["pairs"] == 6
    assert not answer["distinct"]  # a corner of a gray picture is like any other corner
    assert answer["neurons"] == []
    assert answer["mask_alone"]["num_masked"] == 0
