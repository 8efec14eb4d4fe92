"""The ablations: what each varies, that every row is what a separate run gives, and that bad rows are rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurontune_core import InputError, TuneConfig, evaluate, neurontune, neurontune_halves
from neurontune_core.experiments.ablation_run import ablation_table, run_ablation
from neurontune_core.experiments.ablations import ABLATIONS, thresholds
from neurontune_core.experiments.studies import study
from tests.support.projects import planted_head, planted_set

SETS = {
    role: planted_set(split, share)
    for role, split, share in (("identification", "val", 0.5), ("tuning", "train", 0.95), ("evaluation", "test", 0.5))
}
FEW = TuneConfig(epochs=3, batches=8, threshold=0.05, learning_rate=0.01)


def measured(head) -> tuple[float | None, float, float]:
    result = evaluate(head, SETS["evaluation"])
    return result.worst_group_accuracy, result.worst_class_accuracy, result.accuracy


def test_table_4_is_three_ways_to_split_with_and_without_a_mask() -> None:
    rows = run_ablation(ABLATIONS["sets"], planted_head(), SETS, seeds=2, base=FEW)
    val, train = SETS["identification"], SETS["tuning"]
    for row in rows:
        on = row.at["masking"] == "on"
        for seed in range(2):
            config = replace(FEW, seed=seed, masking=on)
            result = {
                "identify on train, tune on train": lambda config=config: neurontune(
                    planted_head(), train, train, config
                ),
                "identify on val, tune on train": lambda config=config: neurontune(planted_head(), val, train, config),
                "halves of val": lambda config=config: neurontune_halves(planted_head(), val, config),
            }[str(row.at["sets"])]()
            values = tuple(row.values[name][seed] for name in ("worst group", "worst class", "average"))
            assert values == pytest.approx(measured(result.head))
            assert row.values["biased"][seed] == result.biased.sum()
    assert len(rows) == 6


def test_table_5_and_6_vary_what_the_paper_varies() -> None:
    head, ide = planted_head(), SETS["identification"]
    values = ABLATIONS["mask-value"].variants(head, ide, FEW)
    assert [variant.config.mask_value for variant in values] == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert {variant.sets for variant in values} == {"halves"}
    assert {replace(variant.config, mask_value=0.0) for variant in values} == {FEW}
    rules = [variant.config for variant in ABLATIONS["rules"].variants(head, ide, FEW) if variant.config.masking]
    assert [(each.select, each.average_epochs) for each in rules] == [
        ("sfit", 1), ("worst_class_accuracy", 1), ("last", 1), ("worst_class_accuracy", 5)
    ]  # fmt: skip
    assert ABLATIONS["mask-value"].published()[0] == {
        "published": "mask value 0, CelebA",
        "worst group": "87.3 ± 0.4",
        "average": "90.3 ± 0.5",
    }


def test_every_row_of_the_rules_is_what_a_run_by_that_rule_keeps() -> None:
    result = run_ablation(ABLATIONS["rules"], planted_head(), SETS, seeds=1, base=FEW)
    variants = ABLATIONS["rules"].variants(planted_head(), SETS["identification"], FEW)
    for row, variant in zip(result, variants, strict=True):
        head = neurontune(planted_head(), SETS["identification"], SETS["tuning"], variant.config).head
        assert row.values["worst group"][0] == pytest.approx(measured(head)[0])


def test_thresholds_leave_the_shares_that_they_say() -> None:
    head, ide = planted_head(), SETS["identification"]
    wrong = head.predict(ide.embeddings) != ide.labels
    best = np.full(12, -np.inf)
    for label in range(2):
        mine = ide.labels == label
        parts = [np.median(np.abs(ide.embeddings[mine & outcome]), axis=0) for outcome in (wrong, ~wrong)]
        best = np.maximum(best, parts[0] - parts[1])
    positive = best[best > 0]
    result = thresholds(head, ide, (0.5,))
    assert result[0] == 0.0
    assert (positive > result[1]).sum() == len(positive) // 2
    perfect = replace(ide, labels=head.predict(ide.embeddings))
    assert thresholds(head, perfect, (0.5,)) == [0.0]


@pytest.mark.parametrize("key", ["threshold", "surface", "steps", "mask-value-tuning"])
def test_the_others_run_and_every_row_is_there(key: str) -> None:
    result = run_ablation(ABLATIONS[key], planted_head(), SETS, seeds=1, base=TuneConfig(epochs=2))
    assert all("average" in row.values for row in result if not row.error)
    assert len(ablation_table(result)) == len(
        ABLATIONS[key].variants(planted_head(), SETS["identification"], TuneConfig())
    )


def test_a_row_that_fails_carries_its_sentence_and_the_others_go_on() -> None:
    every = {role: replace(each, embeddings=each.embeddings[:, :2] + 0.1) for role, each in SETS.items()}
    head = planted_head()
    head = type(head)(head.weight[:, :2], head.bias)
    result = run_ablation(ABLATIONS["mask-value-tuning"], head, every, seeds=1, base=replace(FEW, threshold=-10.0))
    assert "would be masked" in result[0].error
    assert not result[1].error
    rows = ablation_table(result)
    assert rows[0]["worst group"] == "–"
    assert rows[0]["failed"] == result[0].error


def test_without_groups_there_is_no_worst_group() -> None:
    bare = {role: replace(each, groups=None, group_names=()) for role, each in SETS.items()}
    rows = ablation_table(run_ablation(ABLATIONS["mask-value"], planted_head(), bare, seeds=1, base=FEW))
    assert "worst group" not in rows[0]


def test_progress_reaches_its_end_and_seeds_come_one_by_one() -> None:
    ticks, seeds = [], []
    run_ablation(
        ABLATIONS["sets"], planted_head(), SETS, seeds=2, base=FEW,
        on_epoch=lambda done, total: ticks.append((done, total)),
        on_seed=lambda rows: seeds.append(len(rows[0].values["average"])),
    )  # fmt: skip
    assert ticks[-1] == (18, 18)
    assert seeds == [1, 2]


def test_what_is_varied_cannot_be_set_too() -> None:
    with pytest.raises(InputError, match="varies mask_value itself"):
        run_ablation(ABLATIONS["mask-value"], planted_head(), SETS, seeds=1, base=replace(FEW, mask_value=0.5))
    with pytest.raises(InputError, match='no ablation "color"; use one of sets, mask-value'):
        study("color")
    with pytest.raises(InputError, match="at least one seed"):
        run_ablation(ABLATIONS["sets"], planted_head(), SETS, seeds=0)
