"""Findings: in the order of their weight, doubted only beyond chance, and counted as the page prints them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurontune_core.preflight.accuracy import PER_CLASS, best_order, judge
from neurontune_core.preflight.background import Inspections
from neurontune_core.preflight.inspection import inspect_dataset
from neurontune_core.preflight.page import data_lines
from neurontune_core.preflight.report import Count, DataFacts, Finding, Level, Report, SampleAccuracy
from neurontune_core.preflight.request import Request
from tests.support.brightness import planted


def test_blockers_come_first_then_warnings_then_notes(tmp_path: Path) -> None:
    report = inspect_dataset(planted(tmp_path, swapped=True), tmp_path, allow_python=True, device="cpu")
    levels = [finding.level for finding in report.findings]
    assert {"blocker", "note"} == set(levels)  # notes on the data are made before the model is asked
    assert levels == sorted(levels, key=["blocker", "warning", "note"].index)


@pytest.mark.parametrize(
    ("levels", "status"),
    [
        ([], "OK"),
        (["note"], "OK"),
        (["note", "warning"], "warnings"),
        (["warning", "blocker"], "blockers"),
        (["blocker", "note"], "blockers"),
    ],
)
def test_the_heaviest_finding_is_the_status(levels: list[Level], status: str) -> None:
    findings = tuple(Finding(level, "data", "A sentence.") for level in levels)
    assert Report(None, None, None, None, findings, None, None).status == status


@pytest.mark.parametrize(
    ("n", "correct", "level"),
    [
        (200, 150, None),
        (40, 24, "warning"),  # 60 %, but the interval from 45 % to 74 % holds the half that one answer gets
        (200, 100, "warning"),
        (16, 8, "note"),  # too few to tell
    ],
)
def test_a_model_may_be_guessing_where_the_interval_holds_chance(n: int, correct: int, level: str | None) -> None:
    accuracy = SampleAccuracy("val", n, correct, 0.5, (), None, "")
    findings = list(judge(accuracy, ("cat", "dog"), False))
    assert [finding.level for finding in findings] == ([] if level is None else [level])
    assert all(finding.about == "accuracy" for finding in findings)


def test_the_order_of_labels_is_checked_from_two_samples_of_a_class_on() -> None:
    assert PER_CLASS == 2
    enough, few = np.repeat([0, 1], [2, 20]), np.repeat([0, 1, 2], 1)
    order, _ = best_order(enough, 1 - enough, 2)
    assert order is not None
    assert (order.before, order.fixed, order.broken) == (0, 22, 0)
    order, sentence = best_order(few, (few + 1) % 3, 3)
    assert order is None
    assert "no class has them in the sample" in sentence


def test_the_page_counts_what_can_be_read() -> None:
    counts = (Count("train", "cat", "", 700), Count("train", "dog", "", 300))
    facts = DataFacts("", "birds", "image", 1000, ("cat", "dog"), (), {}, counts, (), 30, 4, ())
    assert data_lines(facts)[-1] == "30 of 1,000 images were opened; 26 can be read."


def test_a_screen_inspects_without_the_entry_point_of_a_request(tmp_path: Path) -> None:
    inspections, request = Inspections(), Request(str(tmp_path / "nothing"), entry="some.module:function")
    name = inspections.start(request, tmp_path)
    inspection = inspections.get(name)
    assert inspection is not None
    assert inspection.request.entry is None
    inspection.wait(60)
    assert inspection.report is not None
    assert inspection.report.status == "blockers"
    assert inspections.get("another") is None
