"""The questions that the screens ask, held against plain numpy."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.errors import InputError
from neurontune_core.identification.confidence import CONFIDENCES
from neurontune_core.identification.scores import NoMistakes
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.neuron_table import listed_neurons, neuron_table
from neurontune_core.workspace.project import Project
from tests.support.projects import CORE, NEURONS, SHORTCUT, planted_head, write_project


@pytest.fixture
def diagnosis(tmp_path: Path) -> Diagnosis:
    write_project(tmp_path)
    return Diagnosis(Project.at(tmp_path))


def test_the_shortcut_ranks_first_and_the_neighbors_go_round(diagnosis: Diagnosis) -> None:
    assert diagnosis.ranking[0] == SHORTCUT
    assert diagnosis.rank(SHORTCUT) == 1
    last = int(diagnosis.ranking[-1])
    assert diagnosis.neighbor(last, 1) == SHORTCUT
    assert diagnosis.neighbor(SHORTCUT, -1) == last
    assert diagnosis.neighbor(SHORTCUT, 1) == diagnosis.ranking[1]


def test_the_mask_is_score_or_spurious_but_not_core(diagnosis: Diagnosis) -> None:
    spared, added = SHORTCUT, int(diagnosis.ranking[-1])
    by_score = diagnosis.scores.delta.max(axis=0) > 0.05
    assert by_score[spared]
    assert not by_score[added]
    diagnosis.project.journal.judge([spared], "core")
    diagnosis.project.journal.judge([added], "spurious")
    diagnosis.project.journal.judge([5], "unsure")
    expected = by_score.copy()
    expected[spared], expected[added] = False, True
    np.testing.assert_array_equal(diagnosis.masked_neurons(0.05), expected)


def test_a_distribution_counts_each_sample_of_the_class_once(diagnosis: Diagnosis) -> None:
    other, distribution = diagnosis.distributions(SHORTCUT, [0, 1])
    values = np.abs(diagnosis.identification.embeddings[:, SHORTCUT])
    mine = diagnosis.identification.labels == 1
    predictions = planted_head().predict(diagnosis.identification.embeddings)
    hits, mistakes = values[mine & (predictions == 1)], values[mine & (predictions == 0)]
    assert (distribution.num_correct, distribution.num_incorrect) == (len(hits), len(mistakes))
    assert distribution.median_correct == np.float32(np.median(hits))
    assert distribution.median_incorrect == np.float32(np.median(mistakes))
    assert distribution.correct.sum() == pytest.approx(1)
    assert distribution.incorrect.sum() == pytest.approx(1)
    middle = (distribution.edges[:-1] + distribution.edges[1:]) / 2
    assert distribution.correct @ middle == pytest.approx(hits.mean(), abs=distribution.edges[1])
    np.testing.assert_array_equal(other.edges, distribution.edges)
    assert distribution.edges[-1] == values.max()


def test_the_most_activating_are_the_strongest_of_that_class_and_outcome(diagnosis: Diagnosis) -> None:
    rows = diagnosis.most_activating(SHORTCUT, label=0, correct=False, limit=5)
    predictions = planted_head().predict(diagnosis.identification.embeddings)
    values = diagnosis.identification.embeddings[:, SHORTCUT]
    wrong = np.flatnonzero((diagnosis.identification.labels == 0) & (predictions == 1))
    assert list(values[rows]) == sorted(values[wrong], reverse=True)[:5]


def test_the_table_stands_in_the_order_of_the_ranking(diagnosis: Diagnosis) -> None:
    diagnosis.project.journal.judge([CORE], "core")
    masked, confidence = diagnosis.masked_neurons(0.0), diagnosis.confidence(wait=60)
    table = neuron_table(diagnosis, diagnosis.ranking, masked, 0.0, confidence)
    assert list(table["score"]) == sorted(diagnosis.scores.delta.max(axis=0), reverse=True)
    assert dict(zip(table["neuron"], table["verdict"], strict=True))[CORE] == "core"
    assert table["confidence"][0] == "biased, sure"
    assert table["from"][0] < table["score"][0] < table["to"][0]
    np.testing.assert_array_equal(table["weight · water bird"], planted_head().weight[1, diagnosis.ranking])
    np.testing.assert_array_equal(
        listed_neurons(diagnosis, "masked", masked, 0.0, None), table["neuron"][masked[table["neuron"]]]
    )
    assert list(listed_neurons(diagnosis, "labeled manually", masked, 0.0, None)) == [CORE]
    assert SHORTCUT in listed_neurons(diagnosis, "sure", masked, 0.0, confidence)
    assert confidence is not None
    levels = [CONFIDENCES[level] for level in confidence.verdicts(0.0)[diagnosis.ranking]]
    assert "biased, could be chance" in levels
    sure = [neuron for neuron, level in zip(diagnosis.ranking, levels, strict=True) if level == "biased, sure"]
    assert list(listed_neurons(diagnosis, "sure", masked, 0.0, confidence)) == sure


def test_the_share_of_zeros_is_counted_without_a_second_array_of_the_embeddings_size(diagnosis: Diagnosis) -> None:
    vectors = np.random.default_rng(0).integers(0, 3, (20_001, 64)).astype(np.float16)
    diagnosis.identification = EmbeddingSet(vectors, np.arange(20_001) % 2, ("a", "b"))
    expected = [sum(value == 0 for value in vectors[:, neuron].tolist()) / 20_001 for neuron in range(64)]
    tracemalloc.start()
    share = diagnosis.zero_share
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert share.tolist() == pytest.approx(expected, abs=1e-12)
    assert peak < vectors.size / 2  # bytes; one boolean of each value would take twice that


def test_what_a_neuron_adds_to_the_logits(diagnosis: Diagnosis) -> None:
    assert diagnosis.logit_contributions(SHORTCUT, 1.5) == [("land bird", 0.0), ("water bird", 3.0)]
    assert diagnosis.logit_contributions(SHORTCUT, most=1) == [("water bird", 2.0)]


def test_a_model_without_mistakes_still_opens_and_says_so_when_asked_for_scores(tmp_path: Path) -> None:
    weight = np.zeros((2, NEURONS), dtype=np.float32)
    weight[1, CORE] = 1.0
    perfect = LinearHead(weight, np.array([0.0, 0.0], dtype=np.float32))
    sets = write_project(tmp_path, head=perfect)
    predictions = (sets["val"].embeddings[:, CORE] > 0).astype(int)  # all are called class 1 by this head
    relabeled = replace(sets["val"], labels=predictions, groups=None, group_names=())
    relabeled.save(tmp_path / "embeddings" / "val")
    diagnosis = Diagnosis(Project.at(tmp_path))
    assert diagnosis.num_misclassified == 0
    with pytest.raises(NoMistakes):
        _ = diagnosis.scores


def test_a_set_is_opened_once_whatever_it_is_asked_for_as(diagnosis: Diagnosis) -> None:
    assert diagnosis.samples("val") is diagnosis.samples("identification") is diagnosis.identification
    assert diagnosis.samples("test") is diagnosis.sets["evaluation"]
    with pytest.raises(InputError, match='no split "nowhere"; it has train, val, test'):
        diagnosis.samples("nowhere")
