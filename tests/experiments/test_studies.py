"""Studies by name: stability and cost, the job, the command line, the screen."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurontune_core import InputError, evaluate, spuriousness_scores
from neurontune_core.baselines.registry import METHODS
from neurontune_core.experiments.cost import exponent, measure_cost
from neurontune_core.experiments.cost_twins import measure_twins, twin_runs
from neurontune_core.experiments.stability import stability
from neurontune_core.experiments.studies import (
    STUDIES,
    StudyResult,
    run_study,
    saved_study,
    study_config,
    study_project,
)
from neurontune_core.figures.studies import study_figure
from neurontune_core.jobs.store import JobStore
from neurontune_core.tuning.sweep import neurontune_sweep
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.workspace import Workspace
from tests.support.cli import call
from tests.support.pages import opened, text_of
from tests.support.projects import planted_head, planted_set, write_project

FEW = {"epochs": "2", "batches": "5", "threshold": "0.05"}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))
    workspace = Workspace(tmp_path)
    write_project(workspace.new_folder("birds"))
    return workspace


@pytest.fixture
def project(workspace: Workspace) -> Project:
    return workspace.open("birds")


def quiet(**_: Any) -> None:
    """Ignore the progress."""


def test_stability_is_the_jaccard_of_numpy() -> None:
    each, head = planted_set("val", 0.5), planted_head()
    predictions = head.predict(each.embeddings)
    whole = spuriousness_scores(each.embeddings, each.labels, predictions, 2).biased(0.0)
    full, half = stability(head, each, shares=(1.0, 0.5), draws=6)
    assert (full.jaccard.mean, full.jaccard.sd, full.masked.mean) == (1.0, 0.0, whole.sum())
    assert half.samples == 120
    overlaps = []
    for draw in range(6):
        rng = np.random.default_rng(draw)
        rows = np.sort(np.concatenate([rng.permutation(np.flatnonzero(each.labels == label))[:60] for label in (0, 1)]))
        part = spuriousness_scores(each.embeddings[rows], each.labels[rows], predictions[rows], 2).biased(0.0)
        overlaps.append(len(set(np.flatnonzero(part)) & set(np.flatnonzero(whole))) / (part | whole).sum())
    assert half.jaccard.mean == pytest.approx(np.mean(overlaps))


def test_by_chance_is_what_random_sets_share() -> None:
    each, head = planted_set("val", 0.5), planted_head()
    (half,) = stability(head, each, shares=(0.5,), draws=1)
    whole = round(stability(head, each, shares=(1.0,), draws=1)[0].masked.mean)
    rng, part = np.random.default_rng(0), round(half.masked.mean)
    drawn = []
    for _ in range(20_000):
        first, second = (set(rng.choice(12, size, replace=False)) for size in (part, whole))
        drawn.append(len(first & second) / len(first | second))
    assert half.by_chance == pytest.approx(np.mean(drawn), abs=0.03)


def test_the_exponent_of_a_power_law_is_its_power() -> None:
    sizes = [100, 200, 400, 800]
    assert exponent(sizes, [3e-4 * size**1.37 for size in sizes]) == pytest.approx(1.37)


def test_the_cost_of_more_epochs_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurontune_core.experiments.cost.GROWS", {"epochs": [(80, 80, 16, 1), (80, 80, 16, 2)]})
    ticks: list[tuple[int, int]] = []
    (result,) = measure_cost(("epochs",), repeats=2, on_run=lambda done, total: ticks.append((done, total)))
    assert result.sizes == (1, 2)
    assert all(value > 0 for value in result.seconds)
    assert ticks == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_afr_and_dfr_are_measured_beside_neurontune(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {"AFR": {"epochs": [(80, 16, 1), (80, 16, 2)]}, "DFR": {"retraining samples": [(40, 8, 1), (80, 8, 1)]}}
    monkeypatch.setattr("neurontune_core.experiments.cost_twins.TWINS", few)
    ticks: list[int] = []
    afr, dfr = measure_twins(lambda: ticks.append(1))
    assert (afr.method, afr.grows, afr.sizes) == ("AFR", "epochs", (1, 2))
    assert (dfr.method, dfr.grows, dfr.sizes) == ("DFR", "retraining samples", (40, 80))
    assert min(*afr.seconds, *dfr.seconds) > 0
    assert len(ticks) == twin_runs() == 12


def test_table_6_has_all_its_rows_in_one_table(project: Project) -> None:
    sets = {role: project.load_set(role) for role in ("identification", "tuning", "evaluation")}
    result = run_study("rules", project.load_head(), sets, seeds=2, options=FEW)
    rows = {(row["rule"], row["masking"]): row for row in result.table()}
    afr = METHODS["afr"].run(project.load_head(), sets["identification"], sets["tuning"]).head
    measured = evaluate(afr, sets["evaluation"]).worst_group_accuracy
    assert rows["AFR, worst class", "–"]["worst group"] == f"{100 * measured:.1f}"
    printed = {key: row["published, Waterbirds / CelebA"] for key, row in rows.items()}
    assert printed["AFR, worst class", "–"] == "89.0 ± 2.6 / 68.7 ± 1.7"
    assert printed["worst class", "on"] == "91.8 ± 0.8 / 83.0 ± 2.8"
    assert printed["SFit (the paper)", "on"] == "92.2 ± 0.3 / 83.1 ± 1.1"
    assert printed["last epoch", "off"] == "–"
    assert rows["JTT, worst class", "–"]["worst group"] == "trains the network"
    assert result.published() == []


@pytest.mark.long
@pytest.mark.parametrize("key", [key for key in STUDIES if key != "cost"])
def test_every_study_is_kept_as_it_was_found_and_has_a_figure(project: Project, key: str) -> None:
    options = FEW if key not in ("threshold", "surface", "steps") else {"epochs": "1"}
    options = options | ({"threshold": "0"} if key == "stability" else {})
    study_project(json.loads(json.dumps(study_config(project, "birds", key, 1, options))), quiet)
    result = saved_study(project, key)
    assert result is not None
    sets = {role: project.load_set(role) for role in ("identification", "tuning", "evaluation")}
    direct = run_study(key, project.load_head(), sets, seeds=1, options=options)
    assert result.parts == direct.parts
    assert result.table() == direct.table()
    figure = study_figure(result)
    assert len(figure.data) >= 1
    if key == "surface":
        worst = {(part.at["λ"], part.at["mask value"]): part.values["worst group"][0] for part in result.parts}
        assert figure.data[0].z[0][0] == pytest.approx(100 * worst[0.0, 0.0])


def test_the_cost_is_kept_and_drawn(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurontune_core.experiments.cost.GROWS", {"epochs": [(80, 80, 16, 1), (80, 80, 16, 2)]})
    monkeypatch.setattr("neurontune_core.experiments.cost.measure_cost.__defaults__", (("epochs",),))
    monkeypatch.setattr("neurontune_core.experiments.cost_twins.TWINS", {})
    study_project(study_config(project, "birds", "cost", 1, {}), quiet)
    result = saved_study(project, "cost")
    assert result is not None
    assert result.table()[0]["what grows"] == "epochs"
    assert list(study_figure(result).data[0].x) == [1.0, 2.0]


def test_a_stopped_study_keeps_the_seeds_that_are_done(project: Project) -> None:
    class Stop(BaseException):
        pass

    def stop(**progress: Any) -> None:
        if progress["done"] > progress["total"] / 2:
            raise Stop

    with pytest.raises(Stop):
        study_project(study_config(project, "birds", "rules", 4, FEW), stop)
    result = saved_study(project, "rules")
    assert result is not None
    assert (result.seeds, result.asked) == (2, 4)


def test_ctrl_c_prints_the_seeds_that_are_done_and_ends_with_130(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps: list[int] = []

    def sweep(*args: Any, **options: Any) -> Any:
        sweeps.append(len(sweeps))
        if len(sweeps) > 2:
            raise KeyboardInterrupt
        return neurontune_sweep(*args, **options)

    monkeypatch.setattr("neurontune_core.experiments.ablation_run.neurontune_sweep", sweep)
    few = [word for name, value in FEW.items() for word in ("--set", f"{name}={value}")]
    result = call("ablate", "rules", "--project", project.source, "--seeds", 4, *few, "--json")
    assert result.exit_code == 130, result.stderr
    rows = json.loads(result.stdout)["rows"]
    own = [row for row in rows if row["at"]["rule"] != "AFR, worst class"]  # AFR has no seed
    (done,) = {len(values) for row in own for values in row["values"].values()}
    assert f"Stopped; the table has the {done} of 4 seeds that were done by then." in result.stderr


def test_bad_requests_and_damaged_files_are_sentences(project: Project) -> None:
    with pytest.raises(InputError, match='no ablation "magic"; use one of sets'):
        study_config(project, "birds", "magic", 1, {})
    with pytest.raises(InputError, match="Expected epochs between"):
        study_config(project, "birds", "rules", 1, {"epochs": "0"})
    path = project.study_file("rules")
    path.parent.mkdir(parents=True)
    for content in ("[]", "{}", '{"format": "neurontune-study/1", "key": "rules", "parts": [{}]}'):
        path.write_text(content)
        with pytest.raises(InputError, match="not a whole study"):
            StudyResult.load(path)
        assert saved_study(project, "rules") is None


def test_the_command_line_writes_measured_rows_and_marks_published_ones(project: Project, tmp_path: Path) -> None:
    arguments = ["ablate", "mask-value", "--project", project.source, "--seeds", 1, "--csv", tmp_path / "t.csv"]
    arguments += [word for name, value in FEW.items() for word in ("--set", f"{name}={value}")]
    arguments += ["--latex", tmp_path / "t.tex", "--markdown", tmp_path / "t.md"]
    result = call(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    value = json.loads(result.stdout)
    rows = list(csv.DictReader((tmp_path / "t.csv").open(encoding="utf-8")))
    assert [row["mask value"] for row in rows] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert [row["worst group"] for row in rows] == [
        f"{100 * row['values']['worst group'][0]:.1f}" for row in value["rows"]
    ]
    assert len(value["published"]) == 6
    assert (tmp_path / "t.tex").read_text(encoding="utf-8").count(r"\\") == 7
    plain = call(*arguments)
    assert "mask value 0.2, CelebA" in plain.stdout


@pytest.mark.long
def test_the_screen_runs_a_study_and_shows_it(workspace: Workspace, project: Project) -> None:
    shown = opened("birds", "ablations")
    assert "Not run on this project yet" in text_of(shown)
    shown.selectbox(key="study").set_value("rules").run()
    shown.number_input(key="study_seeds").set_value(1)
    shown.text_input(key="set-neurontune-epochs").set_value("2").run()
    shown.button(key="run_study").click().run()
    (job,) = JobStore(workspace.jobs).list()
    assert (job.config["study"], job.config["settings"]) == ("rules", {"epochs": 2})
    end = time.monotonic() + 200
    while not job.status().finished:
        assert time.monotonic() < end, job.log()
        time.sleep(0.1)
    assert job.status().state == "done", job.log()
    shown.run()
    result = saved_study(project, "rules")
    assert result is not None
    tables = [each.value for each in shown.dataframe]
    assert list(tables[0]["worst group"]) == [row["worst group"] for row in result.table()]
    assert "JTT, worst class" in list(tables[0]["rule"])  # the published figures are a column of the table
    assert len(shown.get("download_button")) == 3
