"""What an extraction takes: rates from timed batches, and sentences on what there is no room for."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurontune_core.preflight import cost as module
from neurontune_core.preflight.cost import estimate, in_words, judge_cost, size
from neurontune_core.preflight.report import ExtractionCost
from neurontune_core.preflight.sample import Answers, Predictions

FINE = ExtractionCost("cpu", 1000, 64, 50.0, 20.0, 10**9, 2 * 10**9, 10**6)


def answers(*rates: tuple[int, float]) -> Answers:
    return Answers("val", np.empty(0, np.int64), Predictions(), {}, list(rates))


def test_the_first_batch_warms_up_unless_it_is_the_only_one() -> None:
    assert answers((32, 8.0), (32, 1.0), (16, 0.5)).rate == (48, pytest.approx(32.0))
    assert answers((20, 4.0)).rate == (20, pytest.approx(5.0))


def test_time_and_disk_are_those_of_the_whole_dataset_and_memory_includes_the_weights() -> None:
    cost = estimate(answers((32, 9.0), (32, 2.0)), 300, 5000, "cpu", samples=800, neurons=10)
    assert (cost.measured, cost.samples_per_second, cost.seconds) == (32, pytest.approx(16), pytest.approx(50))
    assert (cost.samples, cost.memory, cost.disk) == (800, 5300, 16_000)  # two bytes a number on disk


def test_what_there_is_room_for_is_not_mentioned(tmp_path: Path) -> None:
    assert judge_cost(FINE, tmp_path) == []
    assert judge_cost(replace(FINE, seconds=module.LONG, memory=FINE.free_memory), tmp_path) == []


def test_hours_and_missing_memory_are_warnings(tmp_path: Path) -> None:
    (long,) = judge_cost(replace(FINE, seconds=4 * 3600.0), tmp_path)
    assert (long.level, long.about) == ("warning", "cost")
    assert "about 4.0 h" in long.sentence
    (memory,) = judge_cost(replace(FINE, memory=3 * 10**9), tmp_path)
    assert (memory.level, memory.about) == ("warning", "cost")
    assert "needs about 3.0 GB of memory, and 2.0 GB are free" in memory.sentence


def test_a_disk_without_room_is_a_blocker_also_where_the_folder_is_still_to_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    usage = namedtuple("usage", "total used free")

    def disk(place: Path) -> object:
        asked.append(place)
        return usage(10**9, 10**9 - FINE.disk + 1, FINE.disk - 1)

    monkeypatch.setattr(module.shutil, "disk_usage", disk)
    (finding,) = judge_cost(FINE, tmp_path / "not" / "made")
    assert asked == [tmp_path]
    assert (finding.level, finding.about) == ("blocker", "cost")
    assert finding.sentence.startswith("The vectors take 1.0 MB")
    assert judge_cost(replace(FINE, disk=FINE.disk - 1), tmp_path) == []


def test_durations_and_sizes_are_written_for_people() -> None:
    assert [in_words(seconds) for seconds in (0.2, 40, 720, 12_600)] == ["1 s", "40 s", "12 min", "3.5 h"]
    assert [size(count) for count in (1_500_000, 12_000_000, 1_200_000_000)] == ["1.5 MB", "12 MB", "1.2 GB"]
