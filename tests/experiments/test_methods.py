"""The leaderboard of methods: its numbers, its order, and that one failure stops nobody else."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from neurontune_core import InputError, TuneConfig, evaluate, neurontune
from neurontune_core.baselines.registry import METHODS
from neurontune_core.cli import app
from neurontune_core.experiments.leaderboard import leaderboard_rows
from neurontune_core.experiments.methods import compare_methods, pareto_front
from tests.support.projects import planted_head, planted_set, write_project

SETS = [planted_set(split, share) for split, share in (("val", 0.5), ("train", 0.95), ("test", 0.5))]


def test_a_standing_is_mean_and_spread_of_the_runs_themselves() -> None:
    val, train, test = SETS
    (result,) = (
        each
        for each in compare_methods(planted_head(), *SETS, ["neurontune"], seeds=3)
        if each.method.key == "neurontune"
    )
    heads = [neurontune(planted_head(), val, train, TuneConfig(seed=seed)).head for seed in range(3)]
    worst = [evaluate(head, test).worst_group_accuracy for head in heads]
    assert result.worst_group_accuracy is not None
    assert result.worst_group_accuracy.mean == pytest.approx(np.mean(worst))
    assert result.worst_group_accuracy.sd == pytest.approx(np.std(worst, ddof=1))
    assert train.groups is not None
    share = np.bincount(train.groups) / 240
    by_group = [[group.correct / group.n for group in evaluate(head, test).groups] for head in heads]
    assert result.adjusted_accuracy is not None
    assert result.adjusted_accuracy.mean == pytest.approx((np.array(by_group) @ share).mean())


def test_erm_and_masking_off_are_always_there_and_the_best_stands_first() -> None:
    result = compare_methods(planted_head(), *SETS, ["dfr"], seeds=1)
    assert {each.method.key for each in result} == {"erm", "masking_off", "dfr"}
    worst = [each.worst_group_accuracy.mean for each in result if each.worst_group_accuracy]
    assert worst == sorted(worst, reverse=True)
    assert {each.method.key: each.uses_groups for each in result} == {"erm": False, "masking_off": False, "dfr": True}


def test_a_method_that_lacks_groups_says_so_and_the_others_finish() -> None:
    bare = [replace(each, groups=None) for each in SETS]
    result = compare_methods(planted_head(), *bare, ["dfr", "afr"], seeds=1)
    failed = {each.method.key: each.error for each in result if each.error}
    assert list(failed) == ["dfr"]
    assert "uses group labels" in failed["dfr"]
    assert result[-1].method.key == "dfr"
    assert all(each.worst_group_accuracy is None for each in result)
    last = leaderboard_rows(result)[-1]
    assert (last["failed"], last["worst class"], last["uses groups"]) == (failed["dfr"], "–", "yes")
    assert "worst group" not in last


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(InputError, match="no method"):
        compare_methods(planted_head(), *SETS, ["magic"])


def test_the_command_line_writes_the_same_leaderboard_every_way(tmp_path: Path) -> None:
    write_project(tmp_path / "birds")
    arguments = ["compare", "--project", tmp_path / "birds", "--method", "afr", "--seeds", 1, "--json"]
    arguments += [
        "--markdown",
        tmp_path / "table.md",
        "--csv",
        tmp_path / "table.csv",
        "--latex",
        tmp_path / "table.tex",
    ]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.stderr
    methods = json.loads(result.stdout)["methods"]
    rows = list(csv.DictReader((tmp_path / "table.csv").open(encoding="utf-8")))
    assert [row["method"] for row in rows] == [each["name"] for each in methods]
    assert [row["worst group"] for row in rows] == [
        f"{100 * each['worst_group_accuracy']['mean']:.2f}" for each in methods
    ]
    assert r"\begin{tabular}" in (tmp_path / "table.tex").read_text(encoding="utf-8")
    assert len((tmp_path / "table.md").read_text(encoding="utf-8").splitlines()) == 2 + len(methods)


def test_settings_reach_the_method_that_they_are_for() -> None:
    val, train, test = SETS
    few = TuneConfig(epochs=2, batches=5, learning_rate=0.05)
    result = compare_methods(planted_head(), *SETS, ["neurontune"], seeds=1, settings={"neurontune": few})
    mine = next(each for each in result if each.method.key == "neurontune")
    assert mine.runs[0].evaluation == evaluate(neurontune(planted_head(), val, train, few).head, test)


def test_a_method_that_breaks_down_is_a_row_and_the_others_finish(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise np.linalg.LinAlgError("SVD did not\nconverge")

    monkeypatch.setitem(METHODS, "bpa", replace(METHODS["bpa"], fit=broken))
    result = compare_methods(planted_head(), *SETS, ["bpa", "afr"], seeds=2)
    assert [each.method.key for each in result if not each.error and each.runs] == [
        each.method.key for each in result if each.method.key != "bpa"
    ]
    assert result[-1].error == "BPA (head) stopped unexpectedly (LinAlgError: SVD did not converge)."


def test_known_runs_are_not_repeated_and_stopping_keeps_what_is_done() -> None:
    ran: list[tuple[str, int]] = []

    def note(entry, seed: int) -> None:
        ran.append((entry.key, seed))

    stopped = compare_methods(
        planted_head(), *SETS, ["neurontune"], seeds=2, on_start=note, should_stop=lambda: len(ran) == 4
    )
    assert ran == [("erm", 0), ("masking_off", 0), ("masking_off", 1), ("neurontune", 0)]
    assert {each.method.key: each.seeds for each in stopped} == {"erm": 1, "masking_off": 2, "neurontune": 1}
    whole = compare_methods(planted_head(), *SETS, ["neurontune"], seeds=2, on_start=note, known=stopped)
    assert ran[4:] == [("neurontune", 1)]
    fresh = compare_methods(planted_head(), *SETS, ["neurontune"], seeds=2)
    assert [[run.evaluation for run in each.runs] for each in whole] == [
        [run.evaluation for run in each.runs] for each in fresh
    ]


def test_own_groups_are_no_group_labels() -> None:
    """Check that groups which a person drew do not count: a method that needs labels is refused."""
    bare = [replace(each, groups=None) for each in SETS]
    summary = next(
        each
        for each in compare_methods(planted_head(), *bare, ["group_dro"], seeds=1)
        if each.method.key == "group_dro"
    )
    assert "uses group labels, but the tuning set has none" in summary.error


def test_the_front_is_what_no_other_point_beats() -> None:
    rng = np.random.default_rng(0)
    points = rng.integers(0, 6, (40, 2)).astype(float)
    front = pareto_front(points)
    for mine, on_front in zip(points, front, strict=True):
        beaten = any(
            other[0] >= mine[0] and other[1] >= mine[1] and (other[0] > mine[0] or other[1] > mine[1])
            for other in points
        )
        assert on_front == (not beaten)


def test_ctrl_c_ends_with_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(METHODS, "bpa", replace(METHODS["bpa"], fit=interrupted))
    write_project(tmp_path / "birds")
    arguments = ["compare", "--project", str(tmp_path / "birds"), "--method", "bpa", "--seeds", "1", "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 130, result.stderr
    assert {each["method"] for each in json.loads(result.stdout)["methods"]} == {"erm", "masking_off"}
    assert "Stopped; the table has the 2 runs that were done by then." in result.stderr


@pytest.mark.long
@pytest.mark.parametrize("key", list(METHODS))
def test_every_method_runs_on_the_planted_project(key: str) -> None:
    summary = next(each for each in compare_methods(planted_head(), *SETS, [key], seeds=1) if each.method.key == key)
    assert not summary.error
    assert summary.worst_class_accuracy is not None
