"""A comparison as a job: kept after every run, gone on with after a cancel, read again as it was."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurontune_core import InputError, evaluate
from neurontune_core.baselines.registry import method
from neurontune_core.experiments.comparison import Comparison, compare_project, comparison_config, comparisons
from neurontune_core.experiments.methods import compare_methods
from neurontune_core.experiments.published import published_on
from neurontune_core.figures.methods import part_bars, tradeoff
from neurontune_core.jobs.store import JobStore
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.workspace import Workspace
from tests.support.projects import write_project

FEW = {"neurontune": {"epochs": "2", "batches": "5"}, "masking_off": {"epochs": "2", "batches": "5"}}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    workspace = Workspace(tmp_path)
    write_project(workspace.new_folder("birds"))
    return workspace.open("birds")


def quiet(**_: Any) -> None:
    """Ignore the progress."""


class Stop(BaseException):
    """What a cancel is to a task."""


def test_what_is_kept_is_what_was_measured(project: Project) -> None:
    config = comparison_config(project, "birds", ["neurontune", "dfr"], 2, FEW)
    outcome = compare_project(json.loads(json.dumps(config)), quiet)
    (result,) = comparisons(project)
    assert outcome == {"comparison": result.id, "failed": []}
    sets = [project.load_set(role) for role in ("identification", "tuning", "evaluation")]
    settings = {each.method.key: each.settings for each in result.summaries}
    assert settings["neurontune"].epochs == 2
    direct = compare_methods(project.load_head(), *sets, ["neurontune", "dfr"], seeds=2, settings=settings)
    assert [each.method.key for each in result.summaries] == [each.method.key for each in direct]
    for kept, measured in zip(result.summaries, direct, strict=True):
        assert [run.evaluation for run in kept.runs] == [run.evaluation for run in measured.runs]
        assert kept.adjusted_accuracy == measured.adjusted_accuracy
        assert evaluate(result.head(kept.method.key), sets[2]) == kept.runs[0].evaluation
    assert result.head("neurontune").provenance["seed"] == 0
    assert result.complete
    roles = dict(zip(("identification", "tuning", "evaluation"), sets, strict=True))
    assert result.fits(project.load_head(), roles)
    sets[1].take(np.arange(100)).save(project.set_folder("tuning"))
    assert not result.fits(project.load_head(), roles | {"tuning": project.load_set("tuning")})


def test_a_stopped_comparison_keeps_its_runs_and_goes_on_without_repeating_them(project: Project) -> None:
    config, words = comparison_config(project, "birds", ["neurontune"], 3, FEW), []

    def stop_early(**progress: Any) -> None:
        words.append(progress)
        if progress["done"] == 3:
            raise Stop

    with pytest.raises(Stop):
        compare_project(config, stop_early)
    (kept,) = comparisons(project)
    assert {each.method.key: each.seeds for each in kept.summaries} == {"erm": 1, "masking_off": 2}
    assert not kept.complete
    rest: list[str] = []
    compare_project(config, lambda **progress: rest.append(progress.get("message", "")))
    assert [word for word in rest if word] == [
        "No masking, seed 3 of 3", "NeuronTune, seed 1 of 3", "NeuronTune, seed 2 of 3", "NeuronTune, seed 3 of 3"
    ]  # fmt: skip
    (whole,) = comparisons(project)
    assert whole.complete
    assert words[-1]["total"] == 7


@pytest.mark.long
def test_the_job_runs_in_a_child_and_a_cancel_keeps_what_is_done(project: Project, tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs")
    slow = {"neurontune": {"epochs": "100000", "threshold": "1000"}}  # λ spares all, so it never runs out of neurons
    job = store.submit("compare", comparison_config(project, "birds", ["neurontune"], 1, FEW | slow))
    end = time.monotonic() + 60
    while not comparisons(project) or len(comparisons(project)[0].summaries) < 2:
        assert time.monotonic() < end, job.log()
        time.sleep(0.05)
    job.cancel()
    while not job.status().finished:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert job.status().state == "cancelled"
    assert [each.method.key for each in comparisons(project)[0].summaries if each.runs]


def test_a_refused_method_is_kept_with_its_sentence(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write_project(workspace.new_folder("bare"), groups=False)
    project = workspace.open("bare")
    compare_project(comparison_config(project, "bare", ["dfr"], 1, FEW), quiet)
    (result,) = comparisons(project)
    assert "uses group labels, but the identification set has none" in result.summaries[-1].error
    assert result.complete
    assert not (result.folder / "heads" / "dfr.safetensors").exists()


def test_bad_requests_are_refused_before_a_job_starts(project: Project) -> None:
    with pytest.raises(InputError, match="no method"):
        comparison_config(project, "birds", ["magic"], 1, {})
    with pytest.raises(InputError, match="mask_value between"):
        comparison_config(project, "birds", ["neurontune"], 1, {"neurontune": {"mask_value": "7"}})


@pytest.mark.parametrize("content", ["{}", "nothing", '{"format": "neurontune-comparison/1"}'])
def test_a_damaged_comparison_is_left_out(project: Project, content: str) -> None:
    folder = project.new_comparison_folder()
    (folder / "comparison.json").write_text(content)
    with pytest.raises(InputError):
        Comparison.load(folder)
    assert comparisons(project) == []


def test_figures_say_who_uses_groups_and_keep_published_points_apart(project: Project) -> None:
    compare_project(comparison_config(project, "birds", ["dfr"], 1, FEW), quiet)
    summaries = comparisons(project)[0].summaries
    front, free, with_groups, published = tradeoff(summaries, published_on("waterbirds")).data
    assert set(free.customdata) == {"ERM", "No masking"}
    assert list(with_groups.customdata) == ["DFR"]
    assert published.name == "published"
    assert "ERM" in published.customdata
    measured = {(x, y) for trace in (free, with_groups) for x, y in zip(trace.x, trace.y, strict=True)}
    assert set(zip(front.x, front.y, strict=True)) <= measured
    bars = {bar.name: bar for bar in part_bars(summaries).data}
    assert "DFR · uses groups" in bars
    test = project.load_set("evaluation")
    right = project.load_head().predict(test.embeddings) == test.labels
    assert test.groups is not None
    assert list(bars["ERM"].y) == pytest.approx([100 * right[test.groups == group].mean() for group in range(4)])


def test_every_method_can_be_asked_for(project: Project) -> None:
    config = comparison_config(project, "birds", ["lwbc"], 1, {"lwbc": {"members": "4", "epochs": "1"}})
    assert config["settings"] == {"lwbc": {"members": 4, "epochs": 1}}
    assert method("lwbc").key in config["methods"]
