"""The published figures: the headline cells, and what can be checked about the others without the code."""

from __future__ import annotations

import pytest

from neurontune_core.baselines.registry import METHODS
from neurontune_core.experiments.leaderboard import with_published
from neurontune_core.experiments.published import (
    DATASETS,
    all_published,
    published,
    published_ablations,
    published_on,
)
from neurontune_core.experiments.published_tables import COARSE, OVERLAPPING, TABLE_3, TABLE_6, TABLES_1_AND_2


def test_the_headline_rows_are_those_that_the_paper_prints() -> None:
    result = {
        dataset: [(each.worst_group, each.accuracy) for each in (published("neurontune", dataset),) if each]
        for dataset in DATASETS
    }
    assert result == {
        "waterbirds": [(92.2, 94.4)],
        "celeba": [(83.1, 92.0)],
        "multinli": [(72.1, 81.1)],
        "civilcomments": [(82.4, 89.2)],
        "imagenet9": [(None, 93.7)],
        "imagenet_a": [(None, 37.3)],
    }


def test_a_method_stands_once_on_a_data_set_and_no_group_is_better_than_the_average() -> None:
    cells = [(each.method, each.dataset) for each in all_published()]
    assert len(set(cells)) == len(cells)
    for each in all_published():
        values = [value for value in (each.worst_group, each.accuracy) if value is not None]
        assert values
        assert all(0 < value < 100 for value in values)
        if len(values) == 2:
            assert values[0] <= values[1], each


def test_civilcomments_says_over_which_groups_and_nothing_else_does() -> None:
    metrics = {each.method: each.metric for each in published_on("civilcomments")}
    assert {name for name, metric in metrics.items() if metric == OVERLAPPING} == {"erm", "jtt", "cnc", "afr"}
    assert set(metrics.values()) == {COARSE, OVERLAPPING}
    assert not any(each.metric for each in all_published() if each.dataset != "civilcomments")
    assert any("two different sets of groups" in note for each in published_on("civilcomments") for note in each.notes)


def test_tables_agree_where_the_paper_prints_a_number_twice() -> None:
    for ablation in published_ablations(4):
        key = {"halves of val": "neurontune_halves", "identify on val, tune on train": "neurontune"}
        if ablation.setting in key:
            cell = published(key[ablation.setting], ablation.dataset)
            assert cell is not None
            assert cell.worst_group == ablation.worst_group
    full_suppression = next(each for each in published_ablations(5) if each.setting == "mask value 0")
    halves = published("neurontune_halves", "celeba")
    assert halves is not None
    assert (full_suppression.worst_group, full_suppression.accuracy) == (halves.worst_group, halves.accuracy)


@pytest.mark.parametrize("key", ["erm", "masking_off", "neurontune", "neurontune_halves", "dfr", "afr", "self", "lff"])
def test_methods_that_run_here_go_by_their_own_keys(key: str) -> None:
    assert key in METHODS
    assert any(each.method == key for each in all_published())


def test_what_was_not_published_is_none() -> None:
    assert published("cnc", "multinli") is None
    assert published("neurontune", "metashift") is None


def test_every_gap_is_the_average_minus_the_worst_group() -> None:
    """Hold the cells together: a typing error in either number breaks the printed difference."""
    pairs = [
        (cell.accuracy, cell.worst_group, cell) for cell in all_published() if not cell.dataset.startswith("image")
    ]
    printed = [(average, worst, cell) for average, worst, cell in pairs if cell.gap is not None]
    assert len(printed) == 4 * 10 + 2 - 1  # 10 rows with four datasets, CnC without MultiNLI, GEORGE with two
    for average, worst, cell in printed:
        assert average is not None
        assert worst is not None
        assert cell.gap == pytest.approx(average - worst, abs=0.051), cell
    for name, nine, _, adversarial, _, gap in TABLE_3.values():
        assert gap == pytest.approx(nine - adversarial, abs=0.051), name


def test_deviations_stand_where_the_paper_prints_them() -> None:
    with_deviation = {row.name for row in TABLES_1_AND_2.values() if row.cells["waterbirds"].worst_sd is not None}
    assert {row.name for row in TABLES_1_AND_2.values()} - with_deviation == {"ERM", "JTT", "BPA", "GEORGE"}
    assert {row[0] for row in TABLE_3.values() if row[2] is None} == {"LfF", "CaaM"}
    missing = published("bam_class_diff", "civilcomments")
    assert missing is not None
    assert (missing.worst_group, missing.worst_group_sd, missing.accuracy) == (79.3, 2.7, 88.3)
    assert len(list(all_published())) == 12 * 4 - 1 - 2 * 2 + 2 * 9 + 4


def test_table_3_is_one_table_with_the_gap() -> None:
    rows = with_published([{"method": "ERM", "average": "50.0", "gap": "20.0"}], published_on("imagenet9"))
    ours, *_, last = rows
    assert (ours["gap"], ours["ImageNet-A"], ours["gap to ImageNet-A"]) == ("20.0", "–", "–")
    assert (last["method"], last["average"], last["ImageNet-A"], last["gap to ImageNet-A"]) == (
        "NeuronTune", "93.7 ± 0.1", "37.3 ± 0.5", "56.4",
    )  # fmt: skip
    assert last["gap"] == "–"
    birds = with_published([{"method": "ERM", "average": "50.0"}], published_on("waterbirds"))
    best = next(row for row in birds if row["method"] == "NeuronTune")
    assert (best["worst group"], best["average"], best["gap"]) == ("92.2 ± 0.3", "94.4 ± 0.2", "2.2")


def test_table_6_is_whole() -> None:
    assert TABLE_6 == {
        "JTT": ((84.2, 0.5), (52.3, 1.8)),
        "AFR": ((89.0, 2.6), (68.7, 1.7)),
        "NeuronTune": ((91.8, 0.8), (83.0, 2.8)),
    }
