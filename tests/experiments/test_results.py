"""The runs of a reproduction: each belongs to its own training, and the others outlive a new one."""

from __future__ import annotations

from pathlib import Path

from neurontune_core.experiments.reproduction_results import Results
from neurontune_core.files import read_json


def results(folder: Path) -> Results:
    kept = Results.open(folder / "results.json", {"seeds": 2}, None)
    for seed in (0, 1):
        assert not kept.bind(f"seed-{seed}", [seed], {"tuning": f"vectors {seed}", "head": f"head {seed}"})
        for method in ("erm", "neurontune"):
            kept.add({"method": method, "seed": seed, "settings": {}, "error": ""})
    return kept


def test_another_training_of_one_seed_drops_the_runs_of_that_seed_alone(tmp_path: Path) -> None:
    kept = results(tmp_path)
    assert kept.bind("seed-0", [0], {"tuning": "vectors 0", "head": "another head"})
    assert sorted(kept.runs) == [("erm", 1), ("neurontune", 1)]
    kept.add({"method": "erm", "seed": 0, "settings": {}, "error": ""})
    again = Results.open(tmp_path / "results.json", {"seeds": 2}, None)
    assert sorted(again.runs) == [("erm", 0), ("erm", 1), ("neurontune", 1)]
    assert not again.bind("seed-0", [0], {"tuning": "vectors 0", "head": "another head"})


def test_the_same_training_drops_nothing_and_may_be_known_better(tmp_path: Path) -> None:
    kept = results(tmp_path)
    assert not kept.bind("seed-1", [1], {"tuning": "vectors 1", "head": "head 1", "extra": "ImageNet-A"})
    assert len(kept.runs) == 4
    kept.add({"method": "dfr", "seed": 1, "settings": {}, "error": ""})
    assert read_json(tmp_path / "results.json")["origins"]["seed-1"]["extra"] == "ImageNet-A"
    assert kept.bind("seed-1", [1], {"extra": "other images"})
    assert {seed for _, seed in kept.runs} == {0}
