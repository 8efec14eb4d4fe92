"""The questions that the screens ask, held against plain numpy."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from neurontune_core import EmbeddingSet, LinearHead, TuneConfig, neurontune
from neurontune_core.errors import InputError
from neurontune_core.identification.agreement import STABLE
from neurontune_core.identification.confidence import CONFIDENCES
from neurontune_core.identification.scores import NoMistakes
from neurontune_core.session import diagnosis as diagnosis_module
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.neuron_table import listed_neurons, neuron_table
from neurontune_core.workspace.project import Project
from tests.support.projects import CORE, NEURONS, SHORTCUT, planted_head, write_project


@pytest.fixture
def diagnosis(tmp_path: Path) -> Diagnosis:
    write_project(tmp_path)
    return Diagnosis(Project.at(tmp_path))


def test_by_the_paper_the_shortcut_ranks_first_and_the_neighbors_go_round(diagnosis: Diagnosis) -> None:
    ranking = diagnosis.ranking("paper")
    assert ranking.first == SHORTCUT
    assert ranking.rank(SHORTCUT) == 1
    last = int(ranking.neurons[-1])
    assert ranking.neighbor(last, 1) == SHORTCUT
    assert ranking.neighbor(SHORTCUT, -1) == last
    assert ranking.neighbor(SHORTCUT, 1) == ranking.neurons[1]


def test_the_class_with_most_mistakes_ranks_until_another_is_chosen(diagnosis: Diagnosis) -> None:
    samples = diagnosis.identification
    wrong = planted_head().predict(samples.embeddings) != samples.labels
    mistakes = [int((wrong & (samples.labels == label)).sum()) for label in (0, 1)]
    assert mistakes[1] > mistakes[0] >= 5
    assert diagnosis.classes == [1, 0]
    confidence = diagnosis.confidence(wait=60)
    assert confidence is not None
    for label, ranking in ((1, diagnosis.ranking()), (0, diagnosis.ranking("class", 0))):
        lower_ends, _ = confidence.interval(label)
        assert (ranking.label, ranking.by_interval) == (label, True)
        np.testing.assert_array_equal(ranking.values, lower_ends)  # also where no p-value has been computed yet
        score = diagnosis.scores.delta[label]
        expected = sorted(range(NEURONS), key=lambda neuron: (score[neuron] <= 0, -lower_ends[neuron]))
        assert list(ranking.neurons) == expected
    # The shortcut is what water birds lack when they are misclassified: only the other class shows it.
    assert diagnosis.ranking().rank(SHORTCUT) == NEURONS
    assert diagnosis.ranking("class", 0).first == SHORTCUT


def test_the_order_changes_nothing_about_what_is_masked_nor_which_neurons_there_are(diagnosis: Diagnosis) -> None:
    before = diagnosis.masked_neurons(0.0)
    for ranking in (diagnosis.ranking("class", 0), diagnosis.ranking("class", 1), diagnosis.ranking("paper")):
        assert sorted(ranking.neurons) == list(range(NEURONS))
        np.testing.assert_array_equal(diagnosis.masked_neurons(0.0), before)


def test_a_large_class_ranks_by_score_until_the_intervals_are_computed(
    diagnosis: Diagnosis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neurontune_core.session.diagnosis._VALUES_SORTED_AT_ONCE", 0)
    finished = Event()
    compute = diagnosis_module.Confidence

    def late(*arguments: Any, **options: Any) -> Any:
        finished.wait(60)
        return compute(*arguments, **options)

    monkeypatch.setattr(diagnosis_module, "Confidence", late)
    first = diagnosis.ranking()
    assert not first.by_interval
    np.testing.assert_array_equal(first.values, diagnosis.scores.delta[1])
    finished.set()
    assert diagnosis.confidence(wait=60) is not None
    then = diagnosis.ranking()
    assert then.by_interval
    assert then.key != first.key  # so that a press that counted on the first one finds it


def test_with_pairs_the_neurons_rank_by_what_the_attribute_does_to_them(tmp_path: Path) -> None:
    write_project(tmp_path)
    samples = EmbeddingSet.load(tmp_path / "embeddings" / "val")
    attribute = samples.groups % 2
    pairs = np.full(len(attribute), None, dtype=object)
    for label in (0, 1):
        sides = [np.flatnonzero((samples.labels == label) & (attribute == side))[:20] for side in (0, 1)]
        for rows in sides:
            pairs[rows] = [f"{label}-{number}" for number in range(20)]
    replace(samples, pairs=pairs).save(tmp_path / "embeddings" / "val")
    diagnosis = Diagnosis(Project.at(tmp_path))
    assert diagnosis.orders == ("class", "paper", "response")
    first = [np.flatnonzero((pairs == pair) & (attribute == 1))[0] for pair in dict.fromkeys(pairs) if pair]
    other = [np.flatnonzero((pairs == pair) & (attribute == 0))[0] for pair in dict.fromkeys(pairs) if pair]
    vectors = np.asarray(samples.embeddings, dtype=np.float64)
    change = (vectors[first] - vectors[other]).mean(axis=0) / vectors.std(axis=0)
    ranking = diagnosis.ranking("response")
    assert list(ranking.neurons) == sorted(range(NEURONS), key=lambda neuron: -abs(change[neuron]))
    assert ranking.first == SHORTCUT
    table = neuron_table(diagnosis, ranking, ranking.neurons, diagnosis.masked_neurons(0.0), 0.0, None)
    (name,) = (name for name in table if name.startswith("responds to "))
    np.testing.assert_allclose(table[name], change[ranking.neurons], rtol=1e-5)


def test_without_pairs_there_is_no_order_by_response(diagnosis: Diagnosis) -> None:
    assert diagnosis.orders == ("class", "paper")
    assert diagnosis.ranking("response") is diagnosis.ranking()


def test_the_mask_is_score_or_spurious_but_not_core(diagnosis: Diagnosis) -> None:
    spared, added = SHORTCUT, int(diagnosis.ranking("paper").neurons[-1])
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
    ranking = diagnosis.ranking("paper")
    table = neuron_table(diagnosis, ranking, ranking.neurons, masked, 0.0, confidence)
    assert list(table["rank"]) == list(range(1, NEURONS + 1))
    assert list(table["score"]) == sorted(diagnosis.scores.delta.max(axis=0), reverse=True)
    assert dict(zip(table["neuron"], table["verdict"], strict=True))[CORE] == "core"
    assert table["confidence"][0] == "biased, sure"
    assert table["from"][0] < table["score"][0] < table["to"][0]
    np.testing.assert_array_equal(table["weight · water bird"], planted_head().weight[1, ranking.neurons])
    np.testing.assert_array_equal(
        listed_neurons(diagnosis, ranking, "masked", masked, 0.0, None), table["neuron"][masked[table["neuron"]]]
    )
    assert list(listed_neurons(diagnosis, ranking, "labeled manually", masked, 0.0, None)) == [CORE]
    assert SHORTCUT in listed_neurons(diagnosis, ranking, "sure", masked, 0.0, confidence)
    assert confidence is not None
    levels = [CONFIDENCES[level] for level in confidence.verdicts(0.0)[ranking.neurons]]
    assert "biased, could be chance" in levels
    sure = [neuron for neuron, level in zip(ranking.neurons, levels, strict=True) if level == "biased, sure"]
    assert list(listed_neurons(diagnosis, ranking, "sure", masked, 0.0, confidence)) == sure


def test_the_table_of_a_class_has_its_score_interval_and_verdict(diagnosis: Diagnosis) -> None:
    masked, confidence = diagnosis.masked_neurons(0.0), diagnosis.confidence(wait=60)
    assert confidence is not None
    ranking = diagnosis.ranking("class", 1)
    table = neuron_table(diagnosis, ranking, ranking.neurons, masked, 0.0, confidence)
    low, high = confidence.interval(1)
    np.testing.assert_array_equal(table["score"], diagnosis.scores.delta[1, ranking.neurons])
    np.testing.assert_array_equal(table["from"], low[ranking.neurons])
    np.testing.assert_array_equal(table["to"], high[ranking.neurons])
    row = list(table["neuron"]).index(SHORTCUT)
    assert table["confidence"][row] == "not biased"  # in this class; the other one says that it is
    assert table["masked"][row]
    assert SHORTCUT not in listed_neurons(diagnosis, ranking, "sure", masked, 0.0, confidence)
    assert SHORTCUT in listed_neurons(diagnosis, diagnosis.ranking("class", 0), "sure", masked, 0.0, confidence)


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


def test_the_stable_mask_is_what_a_retraining_with_that_margin_begins_with(diagnosis: Diagnosis) -> None:
    sets = [diagnosis.samples(role) for role in ("identification", "tuning")]
    plain = diagnosis.masked_neurons(0.0)
    stable = diagnosis.masked_neurons(0.0, STABLE)
    first = neurontune(diagnosis.erm, *sets, TuneConfig(stability=2.0, epochs=1, batches=1, select="last"))
    assert np.array_equal(stable, first.biased)
    assert stable[SHORTCUT]
    assert 0 < stable.sum() < plain.sum()
    assert not (stable & ~plain).any()
    diagnosis.project.journal.judge([CORE], "spurious")
    diagnosis.project.journal.judge([SHORTCUT], "core")
    judged = diagnosis.masked_neurons(0.0, STABLE)
    assert judged[CORE]
    assert not judged[SHORTCUT]


def test_the_halves_are_compared_in_the_background_once(diagnosis: Diagnosis, monkeypatch: pytest.MonkeyPatch) -> None:
    going_on = Event()
    compute = diagnosis_module.HalfScores.of

    def slow(*words: Any, **named: Any) -> Any:
        going_on.wait(60)
        return compute(*words, **named)

    monkeypatch.setattr(diagnosis_module.HalfScores, "of", slow)
    assert diagnosis.half_scores() is None
    going_on.set()
    halves = diagnosis.half_scores(wait=60)
    assert halves is not None
    assert halves is diagnosis.half_scores()
    stable = halves.agreement(0.0, stable=True)
    assert stable is not None
    assert not stable.is_noise  # the shortcut is planted
