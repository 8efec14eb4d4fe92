"""Hostile JSON: deep, endless digits, infinities and wrong kinds end in one sentence wherever files are read."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from neurontune_core.datasets import guess_dataset, open_dataset
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.own_groups import OwnGroups
from neurontune_core.files import depths, read_json
from neurontune_core.head import LinearHead
from neurontune_core.limits import MAX_JSON_DEPTH
from neurontune_core.mask import Mask
from neurontune_core.models.detect import guess_model
from neurontune_core.workspace.journal import Journal
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.run import Run

DEEP = "[" * 5000 + "]" * 5000
DIGITS = '{"a": ' + "9" * 5000 + "}"
HOSTILE = {
    "deep": DEEP,
    "deep objects": '{"a":' * 3000 + "1" + "}" * 3000,
    "unclosed": "[" * 100_000,
    "digits": DIGITS,
    "infinity": '{"a": Infinity, "b": -Infinity, "c": NaN}',
    "exponent": '{"a": 1e999999}',
    "null": "null",
    "list": "[1, 2]",
    "text": '"text"',
    "number": "7",
    "empty": "",
    "no text": "\udcff\udcfe",
    "surrogate": '{"\\ud800": "\\udfff"}',
    "nested in text": '{"a": "' + "[" * 500 + '"}',
}


def written(file: Path, content: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    return file


def reads(read: Callable[[], Any]) -> None:
    """Read, and let nothing but a sentence come of it."""
    sentence = ""
    try:
        read()
    except InputError as error:
        sentence = str(error)
    assert "\n" not in sentence.strip()
    assert len(sentence) < 1500


@pytest.mark.parametrize("name", ["deep", "deep objects", "unclosed", "digits", "empty", "no text"])
def test_what_is_no_json_or_beyond_the_limits_is_one_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"a\.json is not"):
        read_json(written(tmp_path / "a.json", HOSTILE[name]))


def test_brackets_in_texts_are_no_depth(tmp_path: Path) -> None:
    assert read_json(written(tmp_path / "a.json", HOSTILE["nested in text"]))["a"].count("[") == 500
    deepest = "[" * MAX_JSON_DEPTH + "]" * MAX_JSON_DEPTH
    assert read_json(written(tmp_path / "a.json", deepest)) is not None


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=25,
    )
)
def test_the_depth_is_that_of_the_parsed_value(value: Any) -> None:
    def deep(part: Any) -> int:
        if isinstance(part, dict):
            return 1 + max(map(deep, part.values()), default=0)
        return 1 + max(map(deep, part), default=0) if isinstance(part, list) else 0

    assert depths(json.dumps(value)) == (deep(value), 0)
    assert depths(json.dumps(value, ensure_ascii=False)) == (deep(value), 0)


READERS: dict[str, Callable[[Path, str], Any]] = {
    "project.json": lambda root, text: Project.at(written(root / "project.json", text).parent),
    "run.json": lambda root, text: Run.load(written(root / "run.json", text).parent),
    "mask.json": lambda root, text: Mask.load(written(root / "mask.json", text)),
    "verdicts.json": lambda root, text: Journal(written(root / "verdicts.json", text)).current(),
    "own_groups.json": lambda root, text: OwnGroups(written(root / "own_groups.json", text)).all(),
    "meta.json": lambda root, text: EmbeddingSet.load(written(root / "meta.json", text).parent),
    "config.json": lambda root, text: guess_model(written(root / "config.json", text).parent),
    "model.json": lambda root, text: guess_model(written(root / "model.json", text).parent),
    "dataset_dict.json": lambda root, text: guess_dataset(written(root / "dataset_dict.json", text).parent),
    "state.json": lambda root, text: guess_dataset(written(root / "state.json", text).parent),
    "model.safetensors.index.json": lambda root, text: guess_model(
        written(root / "model.safetensors.index.json", text).parent
    ),
    "across lines": lambda root, text: guess_dataset(
        written(root / "metadata.jsonl", '{"file_name": "a.png", "label":\n' + "[\n" * 9000 + text).parent
    ),
    "metadata.jsonl": lambda root, text: guess_dataset(written(root / "metadata.jsonl", text).parent),
}


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("name", HOSTILE)
def test_every_file_of_json_ends_in_a_sentence(tmp_path: Path, kind: str, name: str) -> None:
    reads(lambda: READERS[kind](tmp_path, HOSTILE[name]))


WHOLE: dict[str, dict[str, Any]] = {
    "project.json": {
        "format": "neurontune-project/1", "title": "x", "embeddings": {"val": "e"}, "head": None,
        "roles": {"identification": "val", "tuning": "val", "evaluation": "val"}, "model": {}, "dataset": {},
    },
    "run.json": {
        "config": {}, "tuning": "val", "epoch": 1, "seconds": 1.0, "warnings": [], "history": [], "off_history": [],
        "created": 1.0,
    },
    "mask.json": {
        "format": "neurontune-mask/1", "num_neurons": 3, "biased": [1], "threshold": 0.0, "mask_value": 0.0,
        "verdicts": {"1": "core"}, "source": {}, "neurons": [],
    },
    "verdicts.json": {
        "format": "neurontune-verdicts/1", "applied": 1,
        "edits": [{"neurons": [1], "verdict": "core", "note": "", "at": 1.0, "by": ""}],
    },
}  # fmt: skip
STRANGE = [None, 1e400, -1, 10**30, "text", [], {}, [[]], {"a": [1]}, True, "\ud800", [None], {"0": None}]


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("strange", range(len(STRANGE)))
def test_a_value_of_another_kind_in_any_place_ends_in_a_sentence(tmp_path: Path, kind: str, strange: int) -> None:
    READERS[kind](tmp_path, json.dumps(WHOLE[kind]))  # the whole file is read
    for key in WHOLE[kind]:
        content = json.dumps(WHOLE[kind] | {key: STRANGE[strange]})
        reads(lambda content=content: READERS[kind](tmp_path, content))  # type: ignore[misc]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_journals_and_masks_of_any_content_end_in_a_sentence(tmp_path: Path, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(WHOLE)))
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    )
    content = dict(WHOLE[kind])
    for key in data.draw(st.lists(st.sampled_from(sorted(content)), max_size=2)):
        content[key] = data.draw(anything)
    text = json.dumps(content)
    reads(lambda: READERS[kind](tmp_path, text))


@pytest.mark.parametrize("name", ["deep", "digits", "list", "number", "null", "text", "infinity"])
@pytest.mark.parametrize("key", ["class_names", "provenance"])
def test_a_heads_own_words_end_in_a_sentence(tmp_path: Path, name: str, key: str) -> None:
    file = tmp_path / "head.safetensors"
    save_file({"weight": np.eye(2, dtype=np.float32), "bias": np.zeros(2, np.float32)}, file, {key: HOSTILE[name]})
    reads(lambda: LinearHead.load(file))


def test_deep_lines_of_json_do_not_kill_the_process(tmp_path: Path) -> None:
    """Read ten kilobytes of brackets in a process of its own: a reader in C++ would overflow its stack."""
    for place in ("metadata.jsonl", "texts.jsonl"):
        file = written(tmp_path / place, '{"text": "a", "label": ' + DEEP + '}\n{"text": "b", "label": 1}\n')
        code = (
            "import sys; from neurontune_core.datasets import guess_dataset\n"
            "try: guess_dataset(sys.argv[1])\n"
            "except ValueError as error: print(error)"
        )
        done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr[-500:]
        assert "brackets stand 5,001 deep in line 1" in done.stdout


def test_lines_of_ordinary_json_are_read(tmp_path: Path) -> None:
    lines = [
        {"text": f"a text with [[[ brackets {'[' * 90} number {n}", "label": n % 2, "more": {"a": [[n]]}}
        for n in range(8)
    ]
    file = written(tmp_path / "texts.jsonl", "\n".join(map(json.dumps, lines)))
    dataset = open_dataset(guess_dataset(file).spec, ".")
    assert [dataset.open_text(row) for row in range(8)] == [line["text"] for line in lines]


@pytest.mark.parametrize(("name", "begin"), [("verdicts.json", "verdicts"), ("own_groups.json", "groups")])
def test_a_damaged_file_of_edits_is_set_aside_once_and_the_project_goes_on(
    tmp_path: Path, name: str, begin: str
) -> None:
    project = Project.at(written(tmp_path / "project.json", json.dumps(WHOLE["project.json"])).parent)
    assert project.set_aside_damaged() == ()
    written(tmp_path / name, DEEP)
    (sentence,) = project.set_aside_damaged()
    assert f"and {begin} begin anew" in sentence
    assert project.set_aside_damaged() == ()
    (aside,) = tmp_path.glob(f"{Path(name).stem}.damaged-*.json")
    assert aside.read_text() == DEEP
    project.journal.judge([1], "core")
    assert project.journal.verdicts() == {1: "core"}
    assert project.own_groups.all() == []
    assert project.set_aside_damaged() == ()  # what is whole stays
    assert project.journal.verdicts() == {1: "core"}


def test_reading_hostile_json_takes_no_memory(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, text in HOSTILE.items():
        reads(lambda text=text, name=name: read_json(written(tmp_path / f"{name}.json", text)))  # type: ignore[misc]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes
