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
from neurontune_core.baselines import METHODS
from neurontune_core.cli import app
from neurontune_core.compare_methods import compare_methods, standings_table
from tests.planted import planted_head, planted_set, write_project

SETS = [planted_set(split, share) for split, share in (("val", 0.5), ("train", 0.95), ("test", 0.5))]


def test_a_standing_is_mean_and_spread_of_the_runs_themselves() -> None:
    val, train, test = SETS
    (found,) = (
        each
        for each in compare_methods(planted_head(), *SETS, ["neurontune"], seeds=3)
        if each.method.key == "neurontune"
    )
    heads = [neurontune(planted_head(), val, train, TuneConfig(seed=seed)).head for seed in range(3)]
    worst = [evaluate(head, test).worst_group_accuracy for head in heads]
    assert found.worst_group_accuracy is not None
    assert found.worst_group_accuracy.mean == pytest.approx(np.mean(worst))
    assert found.worst_group_accuracy.sd == pytest.approx(np.std(worst))
    assert train.groups is not None
    share = np.bincount(train.groups) / 240
    by_group = [[group.correct / group.n for group in evaluate(head, test).groups] for head in heads]
    assert found.adjusted_accuracy is not None
    assert found.adjusted_accuracy.mean == pytest.approx((np.array(by_group) @ share).mean())


def test_erm_and_masking_off_are_always_there_and_the_best_stands_first() -> None:
    found = compare_methods(planted_head(), *SETS, ["dfr"], seeds=1)
    assert {each.method.key for each in found} == {"erm", "masking_off", "dfr"}
    worst = [each.worst_group_accuracy.mean for each in found if each.worst_group_accuracy]
    assert worst == sorted(worst, reverse=True)
    assert {each.method.key: each.uses_groups for each in found} == {"erm": False, "masking_off": False, "dfr": True}


def test_a_method_that_lacks_groups_says_so_and_the_others_finish() -> None:
    bare = [replace(each, groups=None) for each in SETS]
    found = compare_methods(planted_head(), *bare, ["dfr", "afr"], seeds=1)
    failed = {each.method.key: each.error for each in found if each.error}
    assert list(failed) == ["dfr"]
    assert "uses group labels" in failed["dfr"]
    assert found[-1].method.key == "dfr"
    assert all(each.worst_group_accuracy is None for each in found)
    assert standings_table(found)[-1]["worst group"] == failed["dfr"]


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(InputError, match="no method"):
        compare_methods(planted_head(), *SETS, ["magic"])


def test_the_command_line_writes_the_same_leaderboard_three_ways(tmp_path: Path) -> None:
    write_project(tmp_path / "birds")
    arguments = ["compare", "--project", tmp_path / "birds", "--method", "afr", "--seeds", 1, "--json"]
    arguments += ["--markdown", tmp_path / "table.md", "--csv", tmp_path / "table.csv"]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)["methods"]
    rows = list(csv.DictReader((tmp_path / "table.csv").open(encoding="utf-8")))
    assert [row["method"] for row in rows] == [each["name"] for each in said]
    assert [row["worst group"] for row in rows] == [
        f"{100 * each['worst_group_accuracy']['mean']:.1f}" for each in said
    ]
    assert len((tmp_path / "table.md").read_text(encoding="utf-8").splitlines()) == 2 + len(said)


@pytest.mark.parametrize("key", list(METHODS))
def test_every_method_runs_on_the_planted_project(key: str) -> None:
    standing = next(each for each in compare_methods(planted_head(), *SETS, [key], seeds=1) if each.method.key == key)
    assert not standing.error
    assert standing.worst_class_accuracy is not None
