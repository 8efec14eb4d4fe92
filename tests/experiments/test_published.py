"""The published figures: the headline cells, and what can be checked about the others without the code."""

from __future__ import annotations

import pytest

from neurontune_core.baselines.registry import METHODS
from neurontune_core.experiments.published import (
    COARSE,
    DATASETS,
    OVERLAPPING,
    all_published,
    published,
    published_ablations,
    published_on,
)


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
