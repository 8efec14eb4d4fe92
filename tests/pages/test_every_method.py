"""Every method of the registry on every built-in example: from the Compare screen, with the command line's numbers."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from neurontune_core.baselines.registry import METHODS
from neurontune_core.baselines.settings_io import changeable_fields
from neurontune_core.cli import app
from neurontune_core.experiments.methods import ALWAYS
from neurontune_core.jobs.store import JobStore
from neurontune_core.workspace.workspace import EXAMPLES, Workspace
from tests.support.pages import opened, text_of
from tests.support.projects import write_project

FEW = {"epochs": "2", "batches": "5", "steps": "5", "refits": "1", "strengths": "0.1", "counts": "20", "members": "3"}
SETTINGS = {
    key: {name: FEW[name] for setting in changeable_fields(entry) if (name := setting.name) in FEW}
    for key, entry in METHODS.items()
}


def compared(project: str, workspace: Workspace) -> tuple[AppTest, dict[str, dict[str, str]]]:
    """Run all methods on the Compare screen, and return it and the rows of its leaderboard by method."""
    shown = opened(project, "compare")
    picker = shown.multiselect(key="methods")
    picker.set_value([key for key in METHODS if key not in ALWAYS])
    shown.number_input(key="seeds").set_value(2)
    for key, settings in SETTINGS.items():  # as if each method's form had been opened and filled in
        for name, value in settings.items():
            shown.session_state[f"set-{key}-{name}"] = value
    shown.button(key="compare").click().run()
    (job,) = JobStore(workspace.jobs).list()
    assert job.config["settings"].keys() == {key for key, settings in SETTINGS.items() if settings}
    end = time.monotonic() + 500
    while not job.status().finished:
        assert time.monotonic() < end, job.log()
        time.sleep(0.1)
    assert job.status().state == "done", job.log()
    shown = opened(project, "compare")
    table = next(each.value for each in shown.dataframe if "uses groups" in each.value)
    return shown, {row["method"]: row for row in table.to_dict("records")}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))
    return Workspace(tmp_path)


@pytest.mark.long
@pytest.mark.parametrize(
    "example",
    [
        "faces",
        *(
            pytest.param(name, marks=pytest.mark.slow(reason="all methods run on the balanced faces"))
            for name in ("faces-biased", "reviews")
        ),
    ],
)
def test_all_run_from_the_screen_and_give_what_the_command_line_gives(example: str, workspace: Workspace) -> None:
    assert list(EXAMPLES) == ["faces", "faces-biased", "reviews"]
    shown, rows = compared(example, workspace)
    assert "did not run" not in text_of(shown)
    arguments = ["compare", "--project", str(EXAMPLES[example]), "--seeds", "2", "--json"]
    for key, settings in SETTINGS.items():
        for name, value in settings.items():
            arguments += ["--set", f"{key}.{name}={value}"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    numbers = {each["name"]: each for each in json.loads(result.stdout)["methods"]}
    assert rows.keys() == numbers.keys() == {entry.name for entry in METHODS.values()}
    columns = {"worst group": "worst_group_accuracy", "worst class": "worst_class_accuracy", "average": "accuracy"}
    for name, row in rows.items():
        for column, measure in columns.items():
            spread = numbers[name][measure]
            deviation = f" ± {100 * spread['sd']:.1f}" if spread["sd"] else ""
            assert row[column] == f"{100 * spread['mean']:.1f}{deviation}", name


@pytest.mark.long
def test_without_group_labels_each_has_a_row_of_numbers_or_a_sentence(workspace: Workspace) -> None:
    write_project(workspace.new_folder("bare"), groups=False)
    shown, rows = compared("bare", workspace)
    assert rows.keys() == {entry.name for entry in METHODS.values()}
    refused = {name for name, row in rows.items() if row["average"] == "–"}
    assert refused == {entry.name for entry in METHODS.values() if entry.uses_groups}
    sentences = [each.value for each in shown.warning]
    for name in refused:
        assert any(text.startswith(f"**{name}** did not run: ") and "uses group labels" in text for text in sentences)
