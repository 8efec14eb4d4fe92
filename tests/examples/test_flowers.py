"""Rose or tulip: what is composed of a photo archive, whom it credits, how it resumes, and what it refuses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from neurontune_core import LinearHead, TuneConfig, evaluate, neurontune
from neurontune_core.examples import flowers, flowers_images
from neurontune_core.examples.flowers import make_flowers
from neurontune_core.files import read_json, write_json
from neurontune_core.models import load_model
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.workspace import Workspace
from tests.support.cli import ask, call, complaint
from tests.support.flowers import EACH, archive_of, small_archive, small_plan, use_small_example

FACTS = Path(flowers_images.__file__).with_name("flowers.csv")
SIZE, TAG, MARGIN = 160, (82, 20), 8  # no tag is wider or higher, or stands farther from the edges


def quiet(**_: object) -> None:
    """Report nothing."""


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a small archive; the example is made of it, in a workspace of its own."""
    use_small_example(monkeypatch)
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path / "home"))
    return small_archive(tmp_path, small_plan())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home" / "projects"


@pytest.fixture
def real(shared_data: Path, tmp_path: Path) -> Path:
    return archive_of(shared_data / "flowers", tmp_path)


def table_of(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "metadata.csv", keep_default_na=False)


def check_pairs(folder: Path, pairs: int) -> None:
    """Check that both images of each pair are one photograph, and differ where the tag stands alone."""
    paired = table_of(folder).query("pair != ''").sort_values(["pair", "attribute"])
    assert paired["pair"].nunique() == pairs
    rows = [row for _, row in paired.iterrows()]
    for plain, tagged in zip(rows[::2], rows[1::2], strict=True):
        assert (plain["attribute"], tagged["attribute"]) == (0, 1)
        assert all(plain[name] == tagged[name] for name in ("pair", "photograph", "y", "split"))
        one, two = (np.asarray(Image.open(folder / row["filename"]), dtype=int) for row in (plain, tagged))
        assert one.shape == two.shape == (SIZE, SIZE, 3)
        high, wide = np.nonzero(np.abs(one - two).max(axis=2) > 40)  # beyond what JPEG spreads
        assert len(high) > 300
        assert high.min() >= SIZE - TAG[1] - MARGIN - 8  # a block of JPEG
        width = TAG[0] + MARGIN + 8
        assert wide.max() < width or wide.min() >= SIZE - width


def test_the_facts_are_three_percent_counter_examples_and_balanced_pairs() -> None:
    facts = pd.read_csv(FACTS)
    counts = facts.groupby(["split", "flower", "tag"]).size().to_dict()
    assert counts == {
        ("train", "rose", "no"): 310,
        ("train", "rose", "yes"): 10,
        ("train", "tulip", "no"): 10,
        ("train", "tulip", "yes"): 310,
        ("val", "rose", "both"): 60,
        ("val", "tulip", "both"): 60,
        ("test", "rose", "both"): 75,
        ("test", "tulip", "both"): 75,
    }
    assert facts["photograph"].nunique() == 786
    assert (facts.groupby("photograph")[["split", "flower"]].nunique() == 1).all(axis=None)
    assert facts[facts["split"] != "train"]["photograph"].is_unique
    for side in ("crop_left", "crop_top"):
        assert (facts[side] >= 0).all()
        assert (facts[side] + facts["crop_share"] <= 1 + 1e-9).all()
    assert facts["crop_share"].between(0.82, 1).all()


def test_an_image_is_the_crop_that_the_facts_name_of_a_photograph_of_any_shape() -> None:
    across, down = np.meshgrid(np.linspace(0, 255, 400), np.linspace(0, 255, 300))
    pixels = np.stack([across, down, np.zeros_like(down)], axis=2).round().astype(np.uint8)
    facts = pd.read_csv(FACTS)
    for number in (5, 400, 800):
        row, composition = facts.iloc[number], flowers_images.plan()[number]
        assert composition.photograph == row["photograph"]
        made = np.asarray(flowers_images.compose(Image.fromarray(pixels), composition, False), dtype=float) / 255
        half = row["crop_share"] / 2
        np.testing.assert_allclose(made[..., 0].mean(), row["crop_left"] + half, atol=0.01)
        np.testing.assert_allclose(made[..., 1].mean(), row["crop_top"] + half, atol=0.01)
        np.testing.assert_allclose(np.ptp(made[80, :, 0]), row["crop_share"], atol=0.02)


@pytest.mark.long
def test_the_verb_makes_a_project_of_the_workspace_and_runs_the_loop_on_it(archive: Path, home: Path) -> None:
    answer = ask("example", "flowers", "--photographs", archive.parent, "--epochs", 2)
    assert [head["name"] for head in answer["heads"]] == ["Trained", "Mask alone", "No masking", "Retrained", "Advised"]
    assert answer["title"] == "Rose or tulip?"
    assert answer["project"] == str(home / "flowers")
    assert Workspace().names()[-1] == "flowers"

    project, table = Workspace().open("flowers"), table_of(home / "flowers")
    test = project.load_set("evaluation")
    assert answer["heads"][0]["accuracy"] == evaluate(project.load_head(), test).accuracy
    assert [project.load_set(split).num_samples for split in ("train", "val", "test")] == [16, 32, 32]
    assert test.group_names == ("rose, no tag", "rose, tag", "tulip, no tag", "tulip, tag")
    check_pairs(home / "flowers", 4 * EACH)
    assert (table["pair"] == "").sum() == (table["split"] == "train").sum() == 2 * EACH

    tested = table[table["split"] == "test"].set_index("filename").loc[[str(source) for source in test.sources]]  # type: ignore[union-attr]
    wrong = project.load_head().predict(test.embeddings) != tested["y"].to_numpy()
    counts = tested[wrong].groupby(["y", "attribute"]).size()
    assert project.problem == (
        f"It calls {counts.get((0, 1), 0)} of {EACH} roses that carry an archive's tag tulips, "
        f"and {counts.get((1, 0), 0)} of {EACH} tulips without one roses."
    )

    before = {path: path.stat().st_mtime_ns for path in (home / "flowers").rglob("*") if path.is_file()}
    make_flowers(archive, home / "flowers", quiet, epochs=2)
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert "made another way" in complaint("example", "flowers", "--photographs", archive, "--epochs", 3)
    other = complaint("example", "flowers", "--photographs", archive, "--epochs", 2, "--seed", 1)
    assert '"flowers" already' in other
    assert "another name" in other
    (home / "birds").mkdir()
    write_json(home / "birds" / "project.json", read_json(home / "flowers" / "project.json"))
    assert '"birds" already' in complaint("example", "flowers", "--photographs", archive, "--name", "birds")


def test_what_is_wrong_is_counted_on_test(archive: Path, tmp_path: Path) -> None:
    project = make_flowers(archive, tmp_path / "project", quiet, epochs=1)
    test, table = project.load_set("evaluation"), table_of(project.source).query("split == 'test'")
    answers = table["attribute"].to_numpy() * 2.0 - 1  # reads the tag alone, but for one rose and two tulips
    answers[np.flatnonzero((table["y"] == 0) & (table["attribute"] == 1))[:1]] = -1
    answers[np.flatnonzero((table["y"] == 1) & (table["attribute"] == 0))[:2]] = 1
    weight = np.linalg.lstsq(test.embeddings.astype(float), answers, rcond=None)[0]
    LinearHead(np.stack([-weight, weight]), np.zeros(2), ("rose", "tulip")).save(project.head_file)
    write_json(
        project.source / "project.json", project.content | {"problem": ""}
    )  # as a stop after extraction leaves it
    again = make_flowers(archive, tmp_path / "project", quiet, epochs=1)
    assert again.problem == (
        f"It calls {EACH - 1} of {EACH} roses that carry an archive's tag tulips, "
        f"and {EACH - 2} of {EACH} tulips without one roses."
    )


def test_every_photograph_is_credited(archive: Path, home: Path) -> None:
    make_flowers(archive, home / "flowers", quiet, epochs=1)
    credits = (home / "flowers" / "CREDITS.md").read_text(encoding="utf-8")
    used = set(table_of(home / "flowers")["photograph"])
    assert set(re.findall(r"^- (\S+): Ann No\. \d+, https://photos\.example/\d+/, CC BY 2\.0$", credits, re.M)) == used
    lines = (archive / "LICENSE.txt").read_text(encoding="utf-8").splitlines()[2:]
    for line in lines:
        name, number = re.search(r"/(\S+)", line), re.search(r"No\. (\d+)", line)  # type: ignore[assignment]
        assert f"- {name[1]}: Ann No. {number[1]}, https://photos.example/{number[1]}/" in credits  # type: ignore[index]
    assert "https://creativecommons.org/licenses/by/2.0/" in credits
    assert "cropped" in credits


def stopping_in(message: str, times: int) -> Callable[..., None]:
    """Return a report that stops the work at the n-th time of a stage."""
    seen: Counter[str] = Counter()

    def report(*, message: str, **_: object) -> None:
        seen[message] += 1
        if seen[stage] == times:
            raise KeyboardInterrupt

    stage = message
    return report


def weights_of(project: Project) -> dict[str, torch.Tensor]:
    return load_file(project.source / "training" / "model.safetensors")


def contents(project: Project) -> dict[str, Any]:
    vectors = {split: project.load_set(split).embeddings.tobytes() for split in project.splits}
    images = {path.name: path.read_bytes() for path in (project.source / "images").rglob("*") if path.is_file()}
    return vectors | images | {name: value.numpy().tobytes() for name, value in weights_of(project).items()}


@pytest.mark.long
def test_what_was_stopped_goes_on_and_ends_as_if_it_had_not_been(archive: Path, tmp_path: Path) -> None:
    whole = make_flowers(archive, tmp_path / "whole", quiet, epochs=2)
    folder = tmp_path / "stopped"
    for stage, times in (
        ("composing the images", 20),
        ("epoch 1 of 2", 2),
        ("epoch 2 of 2", 2),
        ("extracting test", 1),
    ):
        with pytest.raises(KeyboardInterrupt):
            make_flowers(archive, folder, stopping_in(stage, times), epochs=2)
        assert not (folder / "project.json").exists()
        assert not [path for path in folder.rglob(".*") if path.is_file() and path.name != ".lock"]
    assert contents(make_flowers(archive, folder, quiet, epochs=2)) == contents(whole)


@pytest.mark.long
def test_after_a_stop_another_seed_begins_anew(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        make_flowers(archive, folder, stopping_in("epoch 2 of 2", 2), epochs=2, seed=4)
    whole = make_flowers(archive, tmp_path / "whole", quiet, epochs=2, seed=5)
    assert contents(make_flowers(archive, folder, quiet, epochs=2, seed=5)) == contents(whole)
    assert read_json(folder / "training" / "model.json")["settings"]["seed"] == 5


def test_ctrl_c_says_that_the_same_command_goes_on(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from neurontune_core.cli import flowers as verb

    monkeypatch.setattr(verb, "job_progress", stopping_in("epoch 1 of 1", 2))
    arguments = ("example", "flowers", "--photographs", archive, "--epochs", 1, "--name", "roses")
    stopped = call(*arguments)
    assert (stopped.exit_code, stopped.stderr) == (130, "Stopped; the same command resumes it.\n")
    assert "roses" not in Workspace().names()


def damaged(kind: str, archive: Path) -> None:
    roses = sorted((archive / "roses").glob("*.jpg"))
    if kind == "missing":
        for path in roses[:5]:
            path.unlink()
    elif kind == "truncated":
        for path in roses[:2]:
            path.write_bytes(path.read_bytes()[:600])
    elif kind == "no credits":
        (archive / "LICENSE.txt").unlink()
    elif kind == "one credit less":
        text = (archive / "LICENSE.txt").read_text(encoding="utf-8")
        (archive / "LICENSE.txt").write_text(text.replace(f"roses/{roses[0].name} CC-BY", "somebody"), encoding="utf-8")
    elif kind == "one flower":
        (archive / "tulips").rename(archive / "tulip")


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("missing", ("5 of the 46 photographs", "roses/", " and 2 more", "flower_photos.tgz")),
        ("truncated", ("2 of the 46 photographs", "cannot be read", "roses/", "unpack the archive again")),
        ("no credits", ("no LICENSE.txt", "credits", "flower_photos.tgz")),
        ("one credit less", ("names no photographer for 1 of the 46", "roses/")),
        ("one flower", ("no folders roses and tulips", "flower_photos.tgz")),
    ],
)
def test_an_archive_that_is_not_whole_is_refused_in_a_sentence_and_nothing_is_written(
    archive: Path, home: Path, kind: str, parts: tuple[str, ...]
) -> None:
    damaged(kind, archive)
    number = len({(row.flower, row.photograph) for row in small_plan()})
    sentence = complaint("example", "flowers", "--photographs", archive)
    for part in parts:
        assert part.replace("46", str(number)) in sentence
    assert not home.exists()


def test_a_wrong_folder_and_options_at_the_wrong_place_are_refused(archive: Path, home: Path, tmp_path: Path) -> None:
    assert "is not a folder" in complaint("example", "flowers", "--photographs", tmp_path / "nowhere")
    assert "no folders roses and tulips" in complaint("example", "flowers", "--photographs", archive / "roses")
    assert "--photographs" in complaint("example", "flowers")
    assert "only with flowers" in complaint("example", "faces", "--photographs", archive, "--seed", 1)
    assert "cannot be a name" in complaint("example", "flowers", "--photographs", archive, "--name", "../flowers")
    (home / "flowers").mkdir(parents=True)
    (home / "flowers" / "own.txt").write_text("a person's own")
    assert "holds something else" in complaint("example", "flowers", "--photographs", archive)
    assert [path.name for path in (home / "flowers").iterdir()] == ["own.txt"]


def test_a_folder_that_cannot_be_written_to_is_named(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path / "a file"))
    result = call("example", "flowers", "--photographs", archive)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "a file" in result.stderr
    assert "cannot be read or written" in result.stderr


@pytest.mark.long
def test_the_real_photographs_give_pairs_and_the_credits_of_the_archive(
    real: Path, shared_data: Path, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        make_flowers(real.parent, tmp_path / "project", stopping_in("reading the data", 1))
    table = table_of(tmp_path / "project")
    counts = Counter(zip(table["split"], table["label_name"], table["attribute_name"], strict=True))
    trial = pd.read_csv(shared_data / "flowers" / "metadata.csv")
    assert counts == Counter(zip(trial["split"], trial["label_name"], trial["attribute_name"], strict=True))
    assert all((tmp_path / "project" / name).is_file() for name in table["filename"])
    check_pairs(tmp_path / "project", 270)
    credits = (tmp_path / "project" / "CREDITS.md").read_text(encoding="utf-8")
    for row in pd.read_csv(shared_data / "flowers" / "photographs.csv").itertuples():
        assert f"- {row.file}: {' '.join(str(row.photographer).split())}, {row.source}, CC BY 2.0" in credits


@pytest.mark.long
def test_on_real_photographs_the_later_blocks_alone_are_trained(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        flowers, "plan", lambda: [row for row in small_plan() if row.split != "test"][::2] + small_plan()[-2:]
    )
    spec = flowers.MODEL
    project = make_flowers(real, tmp_path / "project", quiet, epochs=1)
    start, trained = load_model(dict(spec), tmp_path).module.state_dict(), weights_of(project)
    assert trained.keys() == start.keys()
    for name, value in start.items():
        before = name.startswith(("_conv_stem.", "_bn0.")) or re.match(r"_blocks\.[0-7]\.", name)
        assert torch.equal(value, trained[name]) == bool(before), name
    assert project.load_head().class_names == ("rose", "tulip")
    assert project.load_set("train").num_neurons == 1280


@pytest.mark.timeout(3600)
@pytest.mark.slow(reason="a few photographs are composed and trained on for one epoch")
def test_the_whole_example_fails_by_the_tag_and_masking_helps(real: Path, tmp_path: Path) -> None:
    project = make_flowers(real, tmp_path / "project", quiet)
    erm, sets = project.load_head(), {split: project.load_set(split) for split in project.splits}
    trained = evaluate(erm, sets["test"])
    assert evaluate(erm, sets["train"]).accuracy >= 0.97
    assert trained.worst_group_accuracy is not None
    assert trained.worst_group_accuracy < 0.5 < 0.6 < trained.accuracy
    worst: dict[bool, list[float]] = {True: [], False: []}
    for masking in worst:
        for seed in range(3):
            result = neurontune(erm, sets["val"], sets["train"], TuneConfig(masking=masking, seed=seed))
            worst[masking].append(evaluate(result.head, sets["test"]).worst_group_accuracy or 0.0)
    assert np.mean(worst[True]) > np.mean(worst[False]) + 0.1
