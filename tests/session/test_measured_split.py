"""Heads measured on any split of a project, held against plain numpy; the neurons stay where they were found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.measured_split import MeasuredSplit
from neurontune_core.workspace.project import Project
from tests.support.odd_projects import one_split_only
from tests.support.projects import CORE, NEURONS, SHORTCUT, planted_head, write_project

SPLITS = ("train", "val", "test")


@pytest.fixture
def diagnosis(tmp_path: Path) -> Diagnosis:
    write_project(tmp_path)
    return Diagnosis(Project.at(tmp_path))


def on(diagnosis: Diagnosis, split: str) -> MeasuredSplit:
    return MeasuredSplit(diagnosis.project, diagnosis.erm, diagnosis.samples(split))


@pytest.mark.parametrize("split", SPLITS)
def test_heads_are_measured_on_the_split_that_is_asked_for(diagnosis: Diagnosis, split: str) -> None:
    measured, head = on(diagnosis, split), planted_head()
    samples = Project.at(diagnosis.project.source).load_set(split)
    right = (samples.embeddings @ head.weight.T + head.bias).argmax(axis=1) == samples.labels
    assert measured.name == split
    assert measured.erm_evaluation.overall.correct == right.sum()
    masked = np.arange(NEURONS) == SHORTCUT
    vectors = samples.embeddings * np.where(masked, 0.25, 1.0)
    without = (vectors @ head.weight.T + head.bias).argmax(axis=1) == samples.labels
    assert measured.evaluate(diagnosis.masked_head(masked, 0.25)).overall.correct == without.sum()
    assert list(measured.misclassified()) == [row for row in range(240) if not right[row]]
    assert samples.groups is not None
    of_group = [row for row in range(240) if not right[row] and samples.groups[row] == 1]
    assert list(measured.misclassified(group="land, water")) == of_group
    of_class = [row for row in range(240) if not right[row] and samples.labels[row] == 0]
    assert list(measured.misclassified(label=0)) == of_class


def test_changes_are_those_of_the_two_heads_that_are_asked_for(diagnosis: Diagnosis) -> None:
    measured, samples = on(diagnosis, "test"), diagnosis.samples("test")
    spared = diagnosis.masked_head(np.arange(NEURONS) == SHORTCUT, 0.0)
    right = [head.predict(samples.embeddings) == samples.labels for head in (planted_head(), spared)]
    for first, second in ((0, 1), (1, 0), (1, 1)):
        heads = [(planted_head(), spared)[place] for place in (first, second)]
        moved = measured.changes(*heads)
        assert list(moved.fixed) == list(np.flatnonzero(~right[first] & right[second]))
        assert list(moved.broken) == list(np.flatnonzero(right[first] & ~right[second]))
    assert (right[0] != right[1]).any()


def test_the_splits_differ_where_the_shortcut_holds_in_some(diagnosis: Diagnosis) -> None:
    train, val = (on(diagnosis, split).erm_evaluation.accuracy for split in ("train", "val"))
    assert train > val + 0.2


@pytest.mark.parametrize("split", SPLITS)
def test_the_curve_is_the_mask_alone_at_every_threshold_and_follows_the_verdicts(
    diagnosis: Diagnosis, split: str
) -> None:
    measured = on(diagnosis, split)

    def compare() -> None:
        always, never = (diagnosis.judged(verdict) for verdict in ("spurious", "core"))
        scores = diagnosis.scores.neuron_scores
        before = measured.mask_alone(scores, 0.05, 0.25, always=always, never=never)
        curve = measured.curve(scores, 0.25, always=always, never=never)
        assert measured.mask_alone(scores, 0.05, 0.25, always=always, never=never) == before
        for threshold in (0.0, 0.05, 0.5, 3.0):
            place = np.searchsorted(curve.thresholds, np.float32(threshold), side="right") - 1
            alone = measured.evaluate(diagnosis.masked_head(diagnosis.masked_neurons(threshold), 0.25))
            assert curve.accuracy[place] == alone.accuracy
            assert measured.mask_alone(scores, threshold, 0.25, always=always, never=never) == alone
            assert curve.worst_group_accuracy is not None
            assert curve.worst_group_accuracy[place] == alone.worst_group_accuracy

    compare()
    diagnosis.project.journal.judge([SHORTCUT], "core")
    diagnosis.project.journal.judge([CORE], "spurious")
    compare()


def test_the_same_curve_is_computed_once_and_another_one_anew(diagnosis: Diagnosis) -> None:
    measured, nobody = on(diagnosis, "test"), np.zeros(NEURONS, dtype=bool)
    scores = diagnosis.scores.neuron_scores
    first = measured.curve(scores, 0.0, always=nobody, never=nobody)
    assert measured.curve(scores.copy(), 0.0, always=nobody, never=nobody) is first
    assert measured.curve(scores, 0.5, always=nobody, never=nobody) is not first
    assert measured.curve(scores + 1, 0.0, always=nobody, never=nobody) is not first


def test_only_a_split_that_made_the_mask_or_the_head_is_cautioned_against(diagnosis: Diagnosis) -> None:
    assert [on(diagnosis, split).caution for split in SPLITS] == [
        "Heads were fitted on these samples; figures are optimistic.",
        "Neurons and some heads were fitted on these samples; figures are optimistic.",
        "",
    ]


def test_a_split_that_did_everything_says_both(tmp_path: Path) -> None:
    write_project(tmp_path, roles={"identification": "val", "tuning": "val", "evaluation": "val"})
    caution = on(Diagnosis(Project.at(tmp_path)), "evaluation").caution
    assert caution == "Neurons and heads were fitted on these samples; figures are optimistic."


def test_a_split_is_called_what_the_project_calls_it(tmp_path: Path) -> None:
    one_split_only(tmp_path)
    assert on(Diagnosis(Project.at(tmp_path)), "evaluation").name == "all"


def test_vectors_in_half_precision_stay_on_disk(tmp_path: Path) -> None:
    for split, each in write_project(tmp_path).items():
        replace(each, embeddings=each.embeddings.astype(np.float16)).save(tmp_path / "embeddings" / split)
    diagnosis = Diagnosis(Project.at(tmp_path))
    for each in (on(diagnosis, "val").samples, diagnosis.identification):
        assert each.embeddings.dtype == np.float16
        assert isinstance(each.embeddings, np.memmap)


def test_without_groups_nothing_is_said_about_groups(tmp_path: Path) -> None:
    write_project(tmp_path, groups=False)
    evaluation = on(Diagnosis(Project.at(tmp_path)), "test").erm_evaluation
    assert evaluation.worst_group is None
    assert evaluation.worst_class_accuracy < 1
