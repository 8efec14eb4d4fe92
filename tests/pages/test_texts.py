"""A project of texts on the screens' side: its texts, the words a neuron goes by, and what the pages show of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from neurontune_core import InputError
from neurontune_core.cli import app
from neurontune_core.datasets import guess_dataset, open_dataset
from neurontune_core.models import load_model
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.gallery import Gallery
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.tasks import extract_project
from neurontune_core.workspace.workspace import Workspace
from tests.support.paths import ROUTER
from tests.support.text_layouts import pair_tables, text_table
from tests.support.tiny_huggingface import text_folder


def text_project(home: Path, *, pairs: bool) -> Project:
    (home / "data").mkdir()
    guess = guess_dataset((pair_tables if pairs else text_table)(home / "data"))
    classes = len(open_dataset(guess.spec, home).class_names)
    text_folder(home / "model", "bert", num_labels=classes)
    out = Workspace(home).new_folder("texts")
    model = {"family": "huggingface_text", "weights": str(home / "model"), "tokenization": {"pairs": pairs}}
    extract_project({"model": model, "dataset": guess.spec, "base": str(home), "out": str(out)}, lambda **_: None)
    return Workspace(home).open("texts")


@pytest.mark.parametrize("pairs", [False, True])
def test_words_add_up_to_what_the_text_does_to_the_neuron(tmp_path: Path, pairs: bool) -> None:
    project = text_project(tmp_path, pairs=pairs)
    gallery, network = Gallery(project), load_model(project.content["model"], project.source)
    assert gallery.has_texts
    assert not gallery.has_images
    parts = gallery.texts("val", 0)
    assert len(parts) == 1 + pairs
    attribution = gallery.words("val", 0, 3)
    tokenizer = network.tokenization.tokenizer
    encoded = network.tokenization.encode([parts if pairs else parts[0]])
    batch = network.tokenization.tensors(encoded)
    empty = dict(batch)
    text = [part is not None for part in encoded.sequence_ids(0)]
    empty["input_ids"] = batch["input_ids"].clone()
    empty["input_ids"][0, text] = tokenizer.pad_token_id
    fires = float(network.embed(batch)[0, 3])
    expected = (fires - float(network.embed(empty)[0, 3])) * np.sign(fires)
    assert sum(value for *_, value in attribution["words"]) == pytest.approx(expected, abs=0.02 * max(1, abs(expected)))
    later = Gallery(project)
    assert later.words("val", 0, 3) == attribution
    assert "_model" not in vars(later)  # they were kept on disk
    for start, end, part, _ in attribution["words"]:
        assert parts[part][start:end].strip()


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    gallery = Gallery(text_project(tmp_path, pairs=False))
    for use in (
        lambda: gallery.texts("val", 10**6),
        lambda: gallery.words("val", 0, 10**6),
        lambda: gallery.thumbnail("val", 0),
    ):
        with pytest.raises(InputError):
            use()


def test_distinctive_words_are_those_of_the_strongest_samples(tmp_path: Path) -> None:
    project = text_project(tmp_path, pairs=False)
    diagnosis = Diagnosis(project)
    count = diagnosis.identification.num_samples
    order = abs(diagnosis.activations(2)).argsort()[::-1]

    def texts(_: str, row: int) -> tuple[str, ...]:
        return ("rare zebra" if row in order[: max(1, count // 10)] else "plain horse",)

    assert {word.word for word in diagnosis.distinctive_words(2, texts)} == {"rare", "zebra"}


@pytest.mark.long
@pytest.mark.parametrize("page", ["overview", "neurons", "check", "groups"])
def test_every_screen_opens_on_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))
    text_project(tmp_path, pairs=False)
    shown = AppTest.from_file(ROUTER, default_timeout=60)
    shown.query_params["project"] = "texts"
    shown.run()
    if page != "overview":
        shown.switch_page(str(ROUTER.with_name(f"{page}.py"))).run()
    assert not shown.exception
    assert not shown.error


def test_the_command_line_extracts_texts(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    text_folder(tmp_path / "model", "bert", num_labels=2)
    arguments = ["extract", "--family", "huggingface_text", "--weights", tmp_path / "model"]
    arguments += ["--data", text_table(tmp_path / "data"), "--out", tmp_path / "project", "--json"]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.stderr
    assert Project.at(tmp_path / "project").load_head().num_classes == 2
