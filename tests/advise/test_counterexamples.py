"""Counter-examples are counted on samples that a head has not seen, and a case is named only beyond chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurontune_core import EmbeddingSet, LinearHead, TuneConfig
from neurontune_core.advise.counterexamples import CounterExamples, count_counterexamples
from neurontune_core.advise.crossfit import Candidate, CrossFitter, Key
from neurontune_core.advise.memorized import spread_growth
from neurontune_core.advise.rule import Advice, Case, _case
from neurontune_core.advise.sentences import remarks
from neurontune_core.evaluation.accuracy import evaluate_predictions


def noise(samples: int, seed: int, neurons: int = 300) -> EmbeddingSet:
    rng = np.random.default_rng(seed)
    return EmbeddingSet(np.abs(rng.normal(size=(samples, neurons))), np.arange(samples) % 2, ("a", "b"))


def test_heads_that_learned_their_half_by_heart_are_measured_on_the_other_one() -> None:
    tuning, identification = noise(200, 0), noise(400, 1)
    config = TuneConfig(epochs=10, batches=50, learning_rate=0.02)
    fitter = CrossFitter(LinearHead(np.zeros((2, 300)), np.zeros(2)), identification, tuning, config)
    half, _ = tuning.halves(config.seed)
    head = fitter.run(half, identification, fitter.late(init="zero", epochs=40, average_epochs=20)).head
    assert (head.predict(half.embeddings) == half.labels).mean() > 0.95  # by heart
    measured = count_counterexamples(fitter)
    for accuracy in (measured.tuning_accuracy, measured.identification_accuracy):
        assert accuracy.mean() == pytest.approx(0.5, abs=0.12)
    assert not measured.more


@pytest.mark.parametrize(("errors", "more"), [([0.0, 5.2], True), ([2.1, -4.0], True), ([2.0, 1.0], False)])
def test_one_class_with_more_counterexamples_is_enough(errors: list[float], more: bool) -> None:
    measured = CounterExamples(np.ones(2), np.ones(2), np.array(errors))
    assert measured.more == more
    assert measured.label == errors.index(max(errors))


LABELS = np.repeat([0, 1], 100)


def draft(**mistakes: list[int]) -> Advice:
    """Return advice in which each candidate is wrong on these samples of the first class, and nowhere else."""
    samples, candidates = EmbeddingSet(np.zeros((200, 1)), LABELS, ("a", "b")), dict[Key, Candidate]()
    for name, rows in mistakes.items():
        key: Key = name  # type: ignore[assignment]
        predictions = LABELS.copy()
        predictions[rows] = 1
        head = LinearHead(np.zeros((2, 1)), np.zeros(2))
        evaluation = evaluate_predictions(predictions, samples)
        candidates[key] = Candidate(key, head, predictions, evaluation, labels=LABELS)
    return Advice("erm", "too_few", candidates, None, {}, LABELS, ("a", "b"), np.zeros(2, int), ("val", "train"))


@pytest.mark.parametrize(
    ("off", "masked", "case"),
    [
        ([0], [1, 2], "masking_off"),  # one sample of a hundred behind, 1.7 points of standard error
        ([], [1, 2, 3, 4, 5, 6], "masking_harms"),  # six behind, 2.4 points
        ([1, 2, 3, 4, 5, 6], [], "masking_off"),
    ],
)
def test_masking_is_said_to_harm_only_where_chance_does_not_explain_it(
    off: list[int], masked: list[int], case: Case
) -> None:
    advice = draft(erm=[0], masking_off=off, neurontune=masked, weighted_up=[0])
    assert _case(advice, "masking_off") == case


def test_retraining_is_said_to_harm_only_where_chance_does_not_explain_it() -> None:
    assert _case(draft(erm=[0], masking_off=[1, 2]), "erm") == "nothing_to_mend"
    assert _case(draft(erm=[], masking_off=[1, 2, 3, 4, 5, 6]), "erm") == "retraining_harms"


def test_a_small_difference_of_every_class_is_seen_together() -> None:
    apart = np.array([1.7, 1.6])
    assert not CounterExamples(np.ones(2), np.ones(2), apart, 1.9).more
    assert CounterExamples(np.ones(2), np.ones(2), apart, 2.3).more


def test_the_sum_over_the_classes_is_measured_with_its_own_error() -> None:
    tuning, identification = noise(200, 0), noise(400, 1)
    fitter = CrossFitter(LinearHead(np.zeros((2, 300)), np.zeros(2)), identification, tuning, TuneConfig(epochs=4))
    measured = count_counterexamples(fitter)
    difference = measured.tuning_accuracy - measured.identification_accuracy
    errors = difference / measured.standard_errors
    assert measured.together == pytest.approx(difference.sum() / np.sqrt(np.square(errors).sum()))


@pytest.mark.parametrize(
    ("tuning", "wrong", "growth", "expected"),
    [
        ((1.0, 0.995), range(12), 1.0, True),  # separated, and 88 % where it was not trained
        (
            (1.0, 0.995),
            range(0),
            1.3,
            True,
        ),  # as good elsewhere, but less apart: a validation set as biased as training
        ((1.0, 0.97), range(12), 1.3, False),  # mistakes are left in the tuning set
        ((1.0, 0.995), range(0), 1.0, False),  # classes that are simply easy
    ],
)
def test_a_network_that_has_memorized_its_training_set_is_recognized_and_said(
    tuning: tuple[float, float], wrong: range, growth: float, expected: bool
) -> None:
    measured = CounterExamples(np.array(tuning), np.array([0.9, 0.9]), np.zeros(2))
    made = draft(erm=list(wrong), masking_off=[0], weighted_up=[0])
    advice = replace(made, counterexamples=measured, growth=growth)
    assert advice.memorized == expected
    assert any("seems to have memorized train" in remark for remark in remarks(advice)) == expected


def test_a_body_that_has_learned_its_training_set_by_heart_spreads_others_wider() -> None:
    rng = np.random.default_rng(4)
    train, other = noise(60, 0, 200), noise(60, 1, 200)
    assert spread_growth(other, train) == pytest.approx(1.0, abs=0.4)
    weights = np.linalg.pinv(train.embeddings) @ (2.0 * train.labels - 1)  # interpolates random labels

    def seen(samples: EmbeddingSet) -> EmbeddingSet:
        hidden = np.stack([samples.embeddings @ weights, 0.05 * rng.normal(size=60)], axis=1)
        return replace(samples, embeddings=hidden)

    assert spread_growth(seen(other), seen(train)) > 5
