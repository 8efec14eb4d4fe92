"""The command line as a whole: from images to a bundle, the examples, Ctrl-C, and the program itself."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from neurontune_core import EmbeddingSet, LinearHead, TuneConfig
from neurontune_core.cli import arrays, projects
from neurontune_core.cli.command import head_command
from neurontune_core.mask import Mask
from neurontune_core.session.background_run import BackgroundRun
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.named_heads import named_head
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.run import HALVES
from tests.support.cli import M, ask, call, tune
from tests.support.paths import ROOT
from tests.support.projects import SHORTCUT, write_project


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    rows = []
    for number in range(24):
        name = f"{number:02d}.png"
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(tmp_path / name)
        rows.append({"filename": name, "y": number % 2, "split": number % 3, "place": number // 2 % 2})
    pd.DataFrame(rows).to_csv(tmp_path / "metadata.csv", index=False)
    return tmp_path


def test_from_pictures_to_a_checked_bundle_by_the_command_line_alone(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "project"
    answer = ask("extract", "--family", "torchvision", "--architecture", "resnet18", "--weights", "random",
               "--num-classes", 2, "--image-size", 32, "--data", pictures, "--device", "cpu", "--out", out)  # fmt: skip
    assert answer["embeddings"] == {split: f"embeddings/{split}" for split in ("train", "val", "test")}
    assert EmbeddingSet.load(out / "embeddings" / "val").num_samples == 8
    tuned = tmp_path / "tuned"
    ask("tune", "--identification", out / "embeddings" / "val", "--tuning", out / "embeddings" / "train",
        "--head", out / "head.safetensors", "--epochs", 2, "--batches", 3, "--out", tuned)  # fmt: skip
    answer = ask("export", "--project", out, "--head", tuned / "head.safetensors", "--mask", tuned / "mask.json",
                 "--out", tmp_path / "bundle")  # fmt: skip
    assert list(answer["files"]) == [
        "mask.json",
        "head.safetensors",
        "model_state_dict.safetensors",
        "load_head.py",
        "MODEL_CARD.md",
    ]
    assert "logits on 8 samples" in answer["checks"]["model_state_dict.safetensors"]
    card = (tmp_path / "bundle" / "MODEL_CARD.md").read_text()
    assert "| Identification | val, 8 samples of 512 neurons |" in card
    assert "| `batches` | `3` |" in card


def test_export_works_from_files_without_a_project(folder: Path) -> None:
    ask(*tune(folder, "--tuning", folder / "train", "--epochs", 1, "--batches", 5))
    erm, out = folder / "head.safetensors", folder / "out"
    answer = ask("export", "--erm", erm, "--evaluation", folder / "test", "--masking-off", erm, "--out",
               folder / "bundle", "--head", out / "head.safetensors", "--mask", out / "mask.json")  # fmt: skip
    assert list(answer["files"]) == ["mask.json", "head.safetensors", "load_head.py", "MODEL_CARD.md"]
    assert "No masking" in (folder / "bundle" / "MODEL_CARD.md").read_text()


@pytest.fixture
def small_example(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = {
        "format": "neurontune-project/1",
        "title": "Land or water?",
        "problem": "It looks at the background.",
        "embeddings": {split: split for split in ("train", "val", "test")},
        "head": "head.safetensors",
        "roles": {"identification": "val", "tuning": "train", "evaluation": "test"},
    }
    (folder / "project.json").write_text(json.dumps(project))
    monkeypatch.setitem(projects.EXAMPLES, "faces", folder)
    return folder


@pytest.mark.long
def test_the_example_shows_the_heads_in_the_order_of_the_screens(small_example: Path, tmp_path: Path) -> None:
    answer = ask("example")
    assert [head["name"] for head in answer["heads"]] == ["Trained", "Mask alone", "No masking", "Retrained", "Advised"]
    erm = ask("evaluate", "--embeddings", small_example / "test", "--head", small_example / "head.safetensors")
    assert answer["heads"][0]["worst_group_accuracy"] == erm["worst_group_accuracy"]
    out = tmp_path / "advised"
    advised = ask(
        "advise", "--identification", small_example / "val", "--tuning", small_example / "train",
        "--head", small_example / "head.safetensors", "--out", out,
    )  # fmt: skip
    assert answer["advice"] == advised["sentence"]
    measured = ask("evaluate", "--embeddings", small_example / "test", "--head", out / "head.safetensors")
    assert answer["heads"][4]["worst_group_accuracy"] == measured["worst_group_accuracy"]
    shown = call("example").stdout
    assert "NeuronTune masked" in shown
    assert answer["advice"] in shown


def test_app_starts_streamlit_on_this_machine_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(projects, "APP", tmp_path / "app.py")
    monkeypatch.setattr(projects.sys, "argv", ["neurontune"])
    monkeypatch.setattr(projects.runpy, "run_module", lambda name, run_name: started.append((name, projects.sys.argv)))
    assert complaint_without_json("app").startswith("There is no ")
    (tmp_path / "app.py").touch()
    assert call("app", "--port", 8600, "--headless").exit_code == 0
    ((module, argv),) = started
    assert (module, argv[1:3]) == ("streamlit", ["run", str(tmp_path / "app.py")])
    assert argv[3:] == ["--server.address", "127.0.0.1", "--server.port", "8600", "--server.headless", "true"]


def complaint_without_json(*arguments: object) -> str:
    result = call(*arguments)
    assert result.exit_code == 2
    return result.stderr.strip()


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("verb", ["identify", "tune", "advise", "evaluate", "export", "import", "compare", "ablate"])
def test_ctrl_c_ends_a_verb_with_one_line_and_exit_code_130(
    small_example: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr(EmbeddingSet, "load", interrupted)
    monkeypatch.setattr("neurontune_core.extraction.import_embeddings.read_embeddings", interrupted)
    sets = ["--identification", "val", "--tuning", "train", "--head", small_example / "head.safetensors"]
    Mask(np.zeros(M, dtype=bool), 0.0, 0.0).save(small_example / "mask.json")
    out = ["--out", small_example / "out"]
    arguments = {
        "identify": [*sets[:2], *sets[4:]],
        "tune": [*sets, *out],
        "advise": [*sets, *out],
        "evaluate": ["--embeddings", "val", *sets[4:]],
        "export": [*sets[4:], "--mask", small_example / "mask.json", "--project", small_example, *out],
        "import": ["vectors.npz", *out],
        "ablate": ["rules"],
    }
    result = call(verb, *arguments.get(verb, []), "--json")
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr.splitlines() == ["Stopped before it was done."]
    assert not (small_example / "out").exists()


def test_ctrl_c_or_a_full_disk_leaves_the_files_of_an_earlier_tuning_together(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(*tune(folder, "--halves", "--epochs", 1, "--batches", 2))
    before = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    assert set(before) == {"head.safetensors", "mask.json", "history.json"}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "history.json")

    for failing, code in ((interrupted, 130), (full, 1)):
        monkeypatch.setattr(arrays, "write_json", failing)
        result = call(*tune(folder, "--halves", "--epochs", 2, "--batches", 5, "--seed", 7))
        assert result.exit_code == code, result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert {path.name: path.read_bytes() for path in (folder / "out").iterdir()} == before


def test_a_bundle_that_is_not_read_back_right_ends_with_exit_code_1_and_the_reason(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(*tune(folder, "--halves", "--epochs", 1, "--batches", 2))
    save = LinearHead.save

    def damaged(self: LinearHead, path: Path) -> None:
        save(replace(self, weight=self.weight + np.float32(1e-3)), path)

    monkeypatch.setattr(LinearHead, "save", damaged)
    out = folder / "out"
    files = ["--head", out / "head.safetensors", "--mask", out / "mask.json", "--erm", folder / "head.safetensors"]
    result = call("export", *files, "--evaluation", folder / "test", "--out", folder / "bundle", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    (sentence,) = result.stderr.splitlines()
    assert sentence.startswith("head.safetensors was read back, and its logits differ by")
    assert not (folder / "bundle").exists()


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_program_prints_one_json_object_and_nothing_else(folder: Path) -> None:
    done = program("-m", "neurontune_core", "identify", "--identification", str(folder / "val"), "--head",
                   str(folder / "head.safetensors"), "--json")  # fmt: skip
    assert done.returncode == 0
    assert json.loads(done.stdout)["num_neurons"] == M
    assert done.stderr == ""


def test_the_program_refuses_bad_input_without_a_traceback() -> None:
    done = program("-m", "neurontune_core", "evaluate", "--embeddings", "nowhere", "--head", "nowhere", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "There is no head file nowhere.\n"
    done = program("-m", "neurontune_core", "tune", "--epochs", "many")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "verb", ["", "example", "inspect", "import", "extract", "identify", "tune", "evaluate", "export", "app"]
)
def test_every_verb_explains_itself(verb: str) -> None:
    result = call(*filter(None, [verb]), "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage:")
    assert "│" not in result.stdout  # no boxes


def test_help_does_not_wait_for_heavy_libraries() -> None:
    code = """
import sys
from neurontune_core.cli import main
sys.argv = ["neurontune", "--help"]
try:
    main()
except SystemExit:
    heavy = ("torch", "torchvision", "pandas", "sklearn", "numba", "streamlit", "transformers")
    print([name for name in heavy if name in sys.modules])
"""
    assert program("-c", code).stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("tuning", ["train", HALVES])
def test_the_command_of_a_run_gives_the_same_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tuning: str) -> None:
    write_project(tmp_path / "a project")
    project = Project.at(tmp_path / "a project")
    project.journal.judge([SHORTCUT], "spurious")
    config = TuneConfig(epochs=2, batches=5, threshold=0.3, mask_value=0.5, magnitude=False, seed=3)
    live = BackgroundRun(Diagnosis(project), config, tuning)
    live.wait(60)
    assert live.run is not None
    monkeypatch.chdir(tmp_path)
    named = named_head(Diagnosis(project), "retrained", run=live.run)
    ask(*shlex.split(head_command(project, named))[1:])
    np.testing.assert_array_equal(LinearHead.load("tuned/head.safetensors").weight, live.run.head.weight)
