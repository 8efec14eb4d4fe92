"""A wrong order of the classes is seen with many classes and few samples of each; nothing else is blamed for it."""

from __future__ import annotations

import numpy as np
import pytest

from neurontune_core.preflight.accuracy import best_order, better, judge, measure
from neurontune_core.preflight.sample import Answers, Predictions, balanced_rows


def sample_of(classes: int, per_class: int, order: list[int], right: float, seed: int = 0) -> Answers:
    """Draw the labels of a sample, and the outputs of a model that knows ``right`` of them and has them in an order."""
    rng = np.random.default_rng(seed)
    rows = balanced_rows(np.repeat(np.arange(classes), per_class), 128, seed)
    labels = np.repeat(np.arange(classes), per_class)[rows]
    output_of = np.argsort(order)  # of each class
    known = rng.random(len(labels)) < right
    answers = Answers("val", labels, Predictions(), {}, [(len(labels), 1.0)])
    answers.predictions.predicted = np.where(known, output_of[labels], rng.integers(0, classes, len(labels)))
    answers.predictions.log_likelihood = np.zeros(len(labels))
    return answers


def names_of(classes: int) -> tuple[str, ...]:
    return tuple(sorted(map(str, range(classes))))


@pytest.mark.parametrize(("classes", "per_class"), [(11, 1), (30, 4), (200, 2), (1000, 1), (1000, 50)])
@pytest.mark.parametrize("right", [1.0, 0.7])
def test_numbers_read_as_text_are_seen_with_any_number_of_samples(classes: int, per_class: int, right: float) -> None:
    names = names_of(classes)
    order = sorted(range(classes), key=lambda place: int(names[place]))  # output k is class number k
    accuracy = measure(sample_of(classes, per_class, order, right), classes, names)
    if (classes, per_class) == (11, 1):  # eleven samples
        return
    (finding,) = judge(accuracy, names, True)
    assert (finding.level, finding.about) == ("blocker", "labels")
    assert finding.flags == f"--classes {','.join(map(str, range(classes)))}"


@pytest.mark.parametrize(("classes", "per_class"), [(3, 40), (30, 4), (200, 10), (1000, 10)])
def test_any_other_order_is_seen_where_classes_have_a_few_samples(classes: int, per_class: int) -> None:
    order = np.roll(np.random.default_rng(1).permutation(classes), 1).tolist()
    accuracy = measure(sample_of(classes, per_class, order, 0.9), classes)
    (finding,) = judge(accuracy, tuple(f"name {number}" for number in range(classes)), True)
    assert finding.level in ("blocker", "warning")
    assert "The order of the labels is likely wrong" in finding.sentence
    complete = len(np.unique(sample_of(classes, per_class, order, 0.9).labels)) == classes
    assert ("NAME,NAME" in finding.flags) == (not complete)


@pytest.mark.parametrize("classes", [2, 12, 100, 1000])
def test_a_model_in_the_right_order_or_one_that_guesses_is_not_doubted_for_its_order(classes: int) -> None:
    doubted = 0
    for seed in range(40):
        guessing = sample_of(classes, 6, list(range(classes)), 0.0, seed)
        doubted += better(best_order(guessing.labels, guessing.predictions.predicted, classes, names_of(classes))[0])
        knowing = sample_of(classes, 6, list(range(classes)), 0.6, seed)
        reading, _ = best_order(knowing.labels, knowing.predictions.predicted, classes, names_of(classes))
        assert not better(reading)
    assert doubted <= 2


def test_an_order_that_a_person_named_is_doubted_but_not_refused() -> None:
    accuracy = measure(sample_of(2, 40, [1, 0], 1.0), 2)
    assert next(judge(accuracy, ("cat", "dog"), True, named=True)).level == "warning"
    assert next(judge(accuracy, ("cat", "dog"), True)).level == "blocker"


def test_one_answer_for_all_is_no_better_normalization_than_a_wrong_order() -> None:
    answers = sample_of(2, 40, [1, 0], 1.0)
    one_answer = Predictions()
    one_answer.predicted = np.zeros(len(answers.labels), np.int64)
    one_answer.log_likelihood = np.full(len(answers.labels), 0.1)
    answers.others["values from -1 to 1"] = one_answer
    findings = list(judge(measure(answers, 2), ("cat", "dog"), True))
    assert [finding.about for finding in findings] == ["labels"]


def test_of_many_classes_some_are_drawn_several_times() -> None:
    labels = np.repeat(np.arange(1000), 10)
    drawn = np.bincount(labels[balanced_rows(labels, 128, 0)], minlength=1000)
    assert sorted(np.unique(drawn).tolist()) == [0, 4]
    once = np.arange(250)  # one sample a class: all that there is
    assert len(np.unique(balanced_rows(once, 128, 0))) == 128
