"""Orders of the neurons, held against what they should be on numbers made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.identification.confidence import Confidence
from neurontune_core.identification.intervals import score_interval
from neurontune_core.identification.ranking import (
    class_with_higher_scores,
    classes_by_mistakes,
    explain_order,
    rank_by_class,
    rank_by_response,
    rank_over_classes,
)
from neurontune_core.identification.scorer import spuriousness_scores
from neurontune_core.identification.scores import SpuriousnessScores
from tests.support.paths import ROOT

NAMES = ("cat", "dog", "eel")


def scores_of(delta: list[list[float]], num_incorrect: list[int], num_correct: list[int]) -> SpuriousnessScores:
    array = np.array(delta, dtype=np.float32)
    return SpuriousnessScores(array, array, array * 0, np.array(num_incorrect), np.array(num_correct), 0.0, 0, ())


@pytest.fixture
def scores() -> SpuriousnessScores:
    """Return scores of four neurons: the highest rest on two misclassified eels."""
    return scores_of([[0.1, 0.4, 0.3, -0.2], [0.2, 0.1, 0.0, 0.0], [0.9, -1.0, 0.2, 0.8]], [40, 7, 2], [60, 93, 98])


def test_classes_stand_by_their_mistakes_and_those_without_a_score_last() -> None:
    assert classes_by_mistakes(np.array([3, 50, 0, 7]), np.array([9, 0, 9, 9])).tolist() == [3, 0, 1, 2]
    assert classes_by_mistakes(np.array([4, 4]), np.array([1, 1])).tolist() == [0, 1]


def test_a_class_ranks_by_lower_ends_and_by_the_score_where_they_are_equal(scores: SpuriousnessScores) -> None:
    assert rank_by_class(scores, 0).neurons.tolist() == [1, 2, 0, 3]
    ranking = rank_by_class(scores, 0, np.array([0.0, 0.1, 0.25, 0.1]))
    assert ranking.neurons.tolist() == [2, 1, 0, 3]
    assert [ranking.rank(neuron) for neuron in range(4)] == [3, 2, 1, 4]
    assert ranking.neighbor(3, 1) == 2
    silent = scores_of([[0.2, 0.0, -0.1]], [40], [60])  # the second never fires: its interval has no width
    assert rank_by_class(silent, 0, np.array([-0.3, 0.0, -0.5])).neurons.tolist() == [0, 1, 2]
    assert not ranking.few.any()
    unknown = rank_by_class(scores, 0, np.full(4, np.nan))  # a class that was not tested has no intervals
    assert (unknown.neurons.tolist(), unknown.by_interval) == ([1, 2, 0, 3], False)


def test_the_paper_ranks_by_the_largest_score_and_tells_which_rest_on_few(scores: SpuriousnessScores) -> None:
    ranking = rank_over_classes(scores)
    assert ranking.neurons.tolist() == [0, 3, 1, 2]
    assert ranking.few.tolist() == [True, False, False, True]
    assert "2 scores rest on fewer than 5 misclassified samples" in explain_order(ranking, scores, NAMES)
    assert rank_by_class(scores, 2).few.all()


def test_a_response_ranks_whether_it_raises_or_lowers(scores: SpuriousnessScores) -> None:
    ranking = rank_by_response(scores, np.array([0.2, -1.5, 1.0, 0.0]))
    assert ranking.neurons.tolist() == [1, 2, 0, 3]
    assert '"tag"' in (text := explain_order(ranking, scores, NAMES, "tag"))
    assert "group labels" in text


def test_the_sentence_names_the_class_its_mistakes_and_how_sure_that_is(scores: SpuriousnessScores) -> None:
    ends = np.zeros(4)
    first, chosen, few = (
        explain_order(ranking, scores, NAMES)
        for ranking in (rank_by_class(scores, 0, ends), rank_by_class(scores, 1), rank_by_class(scores, 2))
    )
    assert '"cat", which has most misclassified samples (40): by the lower end' in first
    assert '"dog" (7 misclassified samples).' in chosen
    assert '"eel", which has only 2 misclassified samples: too few' in few


def test_another_class_is_named_only_where_its_scores_reach_higher() -> None:
    ends = np.array([[-0.1, 0.3], [0.2, 0.5], [np.nan, np.nan]])
    assert class_with_higher_scores(ends, 0) == 1
    assert class_with_higher_scores(ends, 1) is None
    assert class_with_higher_scores(ends, 2) == 1
    assert class_with_higher_scores(np.array([[-0.5], [-0.1]]), 0) is None  # neither has a biased neuron


@pytest.mark.parametrize("magnitude", [True, False])
def test_the_interval_of_one_class_is_that_of_the_confidence(magnitude: bool) -> None:
    rng = np.random.default_rng(0)
    vectors, labels = rng.normal(size=(300, 40)).astype(np.float16), rng.integers(0, 3, 300)
    predictions = np.where(rng.random(300) < 0.3, (labels + 1) % 3, labels)
    scores = spuriousness_scores(vectors, labels, predictions, 3, magnitude=magnitude)
    confidence = Confidence(vectors, labels, predictions, scores, magnitude=magnitude)
    for label in range(3):
        expected = confidence.interval(label)
        np.testing.assert_array_equal(
            score_interval(vectors, labels, predictions, label, magnitude=magnitude), expected
        )


# --- the examples: of the first ten neurons, how many does the attribute alone move by a standard deviation? -------

ASSETS = ROOT / "assets"


def change_by_pair(vectors: np.ndarray, rows: pd.DataFrame) -> np.ndarray:
    """Return [M], the mean change from the sample without to the one with the attribute, in standard deviations.

    Args:
        vectors: [N, M] of a split.
        rows: of the table of the example, in the order of the vectors, with ``pair`` and ``with``.
    """
    with_it, without = (
        rows.assign(row=np.arange(len(rows)))[rows["with"] == side].set_index("pair")["row"].sort_index()
        for side in (True, False)
    )
    assert list(with_it.index) == list(without.index)
    vectors = vectors.astype(np.float64)
    deviation = vectors.std(axis=0)
    change = (vectors[with_it] - vectors[without]).mean(axis=0)
    return np.divide(change, deviation, out=np.zeros_like(change), where=deviation > 0)


def faces_change() -> np.ndarray:
    val = EmbeddingSet.load(ASSETS / "faces" / "embeddings" / "val")
    table = pd.read_csv(ASSETS / "faces" / "metadata.csv").set_index("filename").loc[list(val.sample_ids)]
    return change_by_pair(val.embeddings, table.assign(**{"with": table["attribute"] == 1}).reset_index())


def reviews_change() -> np.ndarray:
    val = EmbeddingSet.load(ASSETS / "reviews" / "embeddings" / "val")
    table = pd.read_csv(ASSETS / "reviews" / "reviews.csv")
    table = table[table["split"] == "val"].reset_index(drop=True)
    return change_by_pair(val.embeddings, table.assign(**{"with": table["cue"] == "room number"}))


def first_ten(folder: Path, head_file: Path) -> dict[str, np.ndarray]:
    """Return the first ten neurons by each order."""
    val = EmbeddingSet.load(folder / "embeddings" / "val")
    predictions = LinearHead.load(head_file).predict(val.embeddings)
    scores = spuriousness_scores(val.embeddings, val.labels, predictions, val.num_classes)
    label = classes_by_mistakes(scores.num_incorrect, scores.num_correct)[0]
    low, _ = score_interval(val.embeddings, val.labels, predictions, label)
    return {
        "paper": rank_over_classes(scores).neurons[:10],
        "score in the class": rank_by_class(scores, label).neurons[:10],
        "class": rank_by_class(scores, label, low).neurons[:10],
    }


def moved(change: np.ndarray, orders: dict[str, np.ndarray]) -> dict[str, int]:
    return {name: int((np.abs(change[neurons]) >= 1).sum()) for name, neurons in orders.items()}


def test_on_the_faces_all_of_the_first_ten_respond_to_the_tag_where_the_papers_order_has_six() -> None:
    orders = first_ten(ASSETS / "faces", ASSETS / "faces" / "head.safetensors")
    assert moved(faces_change(), orders) == {"paper": 6, "score in the class": 9, "class": 10}


def test_where_validation_is_biased_hardly_any_of_the_first_ten_responds_by_either_order() -> None:
    orders = first_ten(ASSETS / "faces-biased", ASSETS / "faces" / "head.safetensors")
    assert moved(faces_change(), orders) == {"paper": 0, "score in the class": 1, "class": 1}


def test_no_neuron_of_the_reviews_responds_by_a_standard_deviation_so_no_order_is_better() -> None:
    change = reviews_change()
    assert 0.8 < np.abs(change).max() < 0.9
    orders = first_ten(ASSETS / "reviews", ASSETS / "reviews" / "head.safetensors")
    means = {name: round(float(np.abs(change[neurons]).mean()), 2) for name, neurons in orders.items()}
    assert means == {"paper": 0.58, "score in the class": 0.58, "class": 0.58}
