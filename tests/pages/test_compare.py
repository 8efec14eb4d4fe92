"""The Compare screen without a browser: asking, watching, reading, and what it says when something is missing."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from neurontune_core import evaluate
from neurontune_core.experiments.comparison import compare_project, comparison_config, comparisons
from neurontune_core.jobs.store import JobStore
from neurontune_core.workspace.workspace import Workspace
from tests.support.pages import opened, text_of
from tests.support.paths import ROUTER
from tests.support.projects import write_project

FEW = {"neurontune": {"epochs": "2", "batches": "5"}, "masking_off": {"epochs": "2", "batches": "5"}}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))
    return Workspace(tmp_path)


def leaderboard(shown: AppTest):
    return next(each.value for each in shown.dataframe if "uses groups" in each.value)


@pytest.mark.long
def test_asking_starts_a_job_with_the_settings_and_its_result_is_shown(workspace: Workspace) -> None:
    sets = write_project(workspace.new_folder("birds"))
    shown = opened("birds", "compare")
    assert "Nothing is compared yet" in text_of(shown)
    shown.multiselect(key="methods").set_value(["neurontune"])
    shown.number_input(key="seeds").set_value(1)
    shown.selectbox(key="settings_of").set_value("neurontune").run()
    shown.text_input(key="set-neurontune-epochs").set_value("2").run()
    shown.selectbox(key="settings_of").set_value("masking_off").run()
    shown.text_input(key="set-masking_off-epochs").set_value("3").run()
    shown.button(key="compare").click().run()
    (job,) = JobStore(workspace.jobs).list()
    assert job.config["settings"] == {"masking_off": {"epochs": 3}, "neurontune": {"epochs": 2}}
    end = time.monotonic() + 200
    while not job.status().finished:
        assert time.monotonic() < end, job.log()
        time.sleep(0.1)
    assert job.status().state == "done", job.log()
    shown = opened("birds", "compare")
    rows = leaderboard(shown).set_index("method")
    worst = evaluate(workspace.open("birds").load_head(), sets["test"]).worst_group_accuracy
    assert worst is not None
    assert rows.loc["ERM", "worst group"] == f"{100 * worst:.1f}"
    assert set(rows.index) == {"ERM", "No masking", "NeuronTune"}
    assert len(shown.get("download_button")) == 4
    assert "Average against worst" in text_of(shown)
    names = shown.switch_page(str(ROUTER.with_name("check.py"))).run().selectbox(key="after").options
    assert any(name.startswith("No masking, compared") for name in names)


def test_a_value_out_of_range_is_a_sentence_and_starts_nothing(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    shown = opened("birds", "compare")
    shown.selectbox(key="settings_of").set_value("neurontune").run()
    shown.text_input(key="set-neurontune-mask_value").set_value("7").run()
    shown.button(key="compare").click().run()
    assert r"Expected mask\_value between 0 and 1" in text_of(shown)
    assert JobStore(workspace.jobs).list() == []


def test_without_group_labels_a_method_that_needs_them_is_refused_in_words(workspace: Workspace) -> None:
    write_project(workspace.new_folder("bare"), groups=False)
    project = workspace.open("bare")
    shown = opened("bare", "compare")
    shown.multiselect(key="methods").set_value(["dfr"]).run()
    assert "DFR needs group labels, and the identification set of this project has none" in text_of(shown)
    compare_project(comparison_config(project, "bare", ["dfr"], 1, FEW), lambda **_: None)
    shown = opened("bare", "compare")
    assert "**DFR** did not run: DFR uses group labels" in text_of(shown)
    assert "worst group" not in leaderboard(shown)


def test_published_numbers_are_laid_beside_with_what_to_know(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    compare_project(comparison_config(workspace.open("birds"), "birds", [], 1, FEW), lambda **_: None)
    shown = opened("birds", "compare")
    assert "from" not in leaderboard(shown)
    shown.selectbox(key="published").set_value("celeba").run()
    rows = leaderboard(shown)
    measured = rows[rows["from"] == "measured"]
    assert set(measured["method"]) == {"ERM", "No masking"}
    assert "92.6 ± 0.5" in set(rows[rows["from"] == "published"]["average"])
    assert "Published numbers come from the paper's own networks and data" in text_of(shown)


def test_groups_of_ones_own_are_measured_under_every_head(workspace: Workspace) -> None:
    sets = write_project(workspace.new_folder("bare"), groups=False)
    project = workspace.open("bare")
    compare_project(comparison_config(project, "bare", [], 1, FEW), lambda **_: None)
    assert "groups of your own" not in text_of(opened("bare", "compare"))
    rows = np.arange(0, 240, 3)
    project.own_groups.add("every third", sets["test"], rows.tolist(), "by hand")
    shown = opened("bare", "compare")
    table = next(each.value for each in shown.dataframe if "every third" in each.value).set_index("method")
    right = project.load_head().predict(sets["test"].embeddings[rows]) == sets["test"].labels[rows]
    assert table.loc["ERM", "every third"] == f"{100 * right.mean():.1f} %"


def test_a_comparison_of_other_embeddings_says_so(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    project = workspace.open("birds")
    compare_project(comparison_config(project, "birds", [], 1, FEW), lambda **_: None)
    assert "extracted anew" not in text_of(opened("birds", "compare"))
    project.load_set("tuning").take(np.arange(100)).save(project.set_folder("tuning"))
    later = time.time() + 10
    os.utime(project.source / "project.json", (later, later))  # an extraction writes it last
    assert "extracted anew" in text_of(opened("birds", "compare"))
    assert len(comparisons(project)) == 1


def test_a_head_that_was_deleted_is_a_sentence_on_check_and_no_choice_on_compare(workspace: Workspace) -> None:
    write_project(workspace.new_folder("birds"))
    project = workspace.open("birds")
    compare_project(comparison_config(project, "birds", ["neurontune"], 1, FEW), lambda **_: None)
    (kept,) = comparisons(project)
    kept.head_file("neurontune").unlink()
    shown = opened("birds", "check")
    assert f"The head of NeuronTune of the comparison {kept.id} does not exist" in text_of(shown)
    names = shown.selectbox(key="after").options
    assert not any(name.startswith("NeuronTune, compared") for name in names)
    assert any(name.endswith(f"compared {kept.id}") for name in names)
    assert "NeuronTune" not in opened("birds", "compare").selectbox(key="download_method").options


def test_heads_of_another_extraction_are_offered_nowhere_to_be_measured(workspace: Workspace) -> None:
    sets = write_project(workspace.new_folder("birds"))
    project = workspace.open("birds")
    compare_project(comparison_config(project, "birds", [], 1, FEW), lambda **_: None)
    project.own_groups.add("every third", sets["test"], list(range(0, 240, 3)), "by hand")
    assert "groups of your own" in text_of(opened("birds", "compare"))
    project.load_set("tuning").take(np.arange(100)).save(project.set_folder("tuning"))
    later = time.time() + 10
    os.utime(project.source / "project.json", (later, later))  # an extraction writes it last
    assert "groups of your own" not in text_of(opened("birds", "compare"))
    assert not any("compared" in name for name in opened("birds", "check").selectbox(key="after").options)
