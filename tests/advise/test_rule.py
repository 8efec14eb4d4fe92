"""Advice without group labels, on data whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from neurontune_core import EmbeddingSet, InputError, LinearHead, TuneConfig, evaluate, neurontune
from neurontune_core.advise import Advice, advise, crossfit
from neurontune_core.advise.counterexamples import count_counterexamples
from neurontune_core.advise.crossfit import FOLDS, CrossFitter, Stopped, fold_numbers
from neurontune_core.advise.sentences import CASES, evidence, reasons, remarks, sentence
from neurontune_core.evaluation.accuracy import evaluate_predictions
from neurontune_core.evaluation.worst_class import worst_class_lead
from tests.support.projects import planted_set
from tests.support.shortcut import ROBUST_WORST_GROUP, Problem, shortcut_problem, shortcut_set

SHORT = TuneConfig(epochs=10, batches=50)


def erm(train: EmbeddingSet) -> LinearHead:
    model = LogisticRegression().fit(train.embeddings, train.labels)
    return LinearHead(np.concatenate([-model.coef_, model.coef_]) / 2, np.array([-1, 1]) * model.intercept_[0] / 2)


def worst_group(head: LinearHead, test: EmbeddingSet) -> float:
    right = head.predict(test.embeddings) == test.labels
    return float(min(right[test.groups == group].mean() for group in range(4)))


def noise(samples: int, seed: int, neurons: int = 60) -> EmbeddingSet:
    """Draw [samples, neurons] that are independent of the labels."""
    rng = np.random.default_rng(seed)
    return EmbeddingSet(np.abs(rng.normal(size=(samples, neurons))), np.arange(samples) % 2, ("a", "b"))


@pytest.fixture(scope="module")
def problem() -> Problem:
    return shortcut_problem(0)


@pytest.fixture(scope="module")
def advice(problem: Problem) -> Advice:
    return advise(problem.head, problem.identification, problem.tuning, SHORT)


def test_a_strong_shortcut_is_mended_nearly_as_well_as_any_rule_that_ignores_it_could(
    problem: Problem, advice: Advice
) -> None:
    before, after = (evaluate(head, problem.test).worst_group_accuracy for head in (problem.head, advice.head))
    assert before is not None
    assert after is not None
    assert before < 0.1
    assert after > ROBUST_WORST_GROUP - 0.03
    assert advice.more_counterexamples
    assert advice.chosen in ("masking_off_held_out", "neurontune_held_out")


@pytest.mark.parametrize("seed", range(3))
def test_without_a_shortcut_the_advised_head_does_no_harm(seed: int) -> None:
    train, val = planted_set("train", 0.5, 1000, seed=seed), planted_set("val", 0.5, 300, seed=seed)
    head, test = erm(train), planted_set("test", 0.5, 8000, seed=seed)
    result = advise(head, val, train, SHORT)
    assert not result.more_counterexamples
    assert worst_group(result.head, test) > worst_group(head, test) - 0.02


@pytest.mark.parametrize("seed", range(5))
def test_a_shortcut_that_validation_shares_is_mended_from_the_few_counterexamples_of_both(seed: int) -> None:
    train, val = shortcut_set(3 * seed, 4000, 0.95), shortcut_set(3 * seed + 1, 1000, 0.95)
    head, test = shortcut_problem(seed).head, shortcut_set(3 * seed + 2, 8000, 0.5)
    result = advise(head, val, train, SHORT)
    assert result.more_counterexamples or (result.chosen, result.case) == ("weighted_up", "hard_samples")
    off = neurontune(head, val, train, replace(SHORT, masking=False)).head
    assert worst_group(head, test) < 0.1
    assert worst_group(result.head, test) > max(worst_group(off, test) + 0.1, ROBUST_WORST_GROUP - 0.06)


def test_without_a_hard_sample_the_advice_is_masking_off_itself() -> None:
    train, val = shortcut_set(0, 1000, 1.0), shortcut_set(1, 400, 1.0)
    head = erm(train)
    result = advise(head, val, train, SHORT)
    assert (result.chosen, result.case) == ("masking_off", "little_evidence")
    off = neurontune(head, val, train, replace(SHORT, masking=False)).head
    np.testing.assert_array_equal(result.head.weight, off.weight)
    np.testing.assert_array_equal(result.head.bias, off.bias)
    assert "none stands out as a counter-example" in sentence(result)


def test_a_head_that_is_clearly_worse_on_unseen_samples_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    train, val = shortcut_set(0, 1000, 0.95), shortcut_set(1, 400, 0.95)
    upweighted = CrossFitter.upweighted

    def spoilt(fitter: CrossFitter, share: float) -> crossfit.Candidate:
        made = upweighted(fitter)
        assert made is not None
        wrong = np.random.default_rng(0).random(400) < share
        predictions = np.where(wrong, 1 - val.labels, val.labels)
        return replace(made, predictions=predictions, evaluation=evaluate_predictions(predictions, val))

    for share, expected in ((0.2, {"erm", "masking_off"}), (0.01, {"weighted_up"})):
        monkeypatch.setattr(CrossFitter, "upweighted", lambda fitter, share=share: spoilt(fitter, share))
        assert advise(erm(train), val, train, SHORT).chosen in expected


def test_a_validation_set_as_biased_as_training_is_recognized() -> None:
    """Draw the same distribution twice: the head makes no more mistakes on one than on the other."""
    train = shortcut_set(0, 4000, 0.95)
    same, balanced = shortcut_set(1, 1000, 0.95), shortcut_set(2, 1000, 0.5)
    head = erm(train)
    assert not count_counterexamples(CrossFitter(head, same, train, SHORT)).more
    result = count_counterexamples(CrossFitter(head, balanced, train, SHORT))
    assert result.more
    assert np.all(result.tuning_accuracy > 0.9)
    assert np.all(result.identification_accuracy < 0.8)


@pytest.mark.parametrize("seed", range(3))
def test_on_noise_the_head_is_kept(seed: int) -> None:
    head = LinearHead(np.random.default_rng(seed).normal(size=(2, 60)), np.zeros(2))
    result = advise(head, noise(400, seed), noise(800, seed + 100), SHORT)
    assert (result.chosen, result.case) == ("erm", "no_signal")


def test_no_head_is_judged_on_what_made_it() -> None:
    """Learn nothing from noise: a head that is judged on samples that chose it looks better than a coin."""
    val, train = noise(400, 7, 300), noise(800, 8, 300)
    head = LinearHead(0.01 * np.random.default_rng(7).normal(size=(2, 300)), np.zeros(2))
    fitter = CrossFitter(head, val, train, replace(SHORT, learning_rate=0.02))
    made = [fitter.neurontune(), fitter.upweighted(), fitter.masking_off_held_out(), fitter.neurontune_held_out()]
    error = (0.25 / 400) ** 0.5
    for each in made:
        assert each is not None
        assert abs(each.evaluation.accuracy - 0.5) < 3 * error
        if each.key != "neurontune":  # the heads that are tuned here would look far better on what tuned them
            assert evaluate(each.head, val).accuracy > 0.65


def test_every_sample_is_judged_once_by_a_run_that_had_not_seen_it(
    problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    run = crossfit.neurontune

    def spy(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, config: TuneConfig, **rest: object):  # type: ignore[no-untyped-def]
        chosen_by = set(identification.sample_ids) if config.select != "last" else set()
        held_out = tuning.num_samples < problem.identification.num_samples
        result = run(head, identification, tuning, config, **rest)  # type: ignore[arg-type]
        by_head[id(result)] = chosen_by | (set(tuning.sample_ids) if held_out else set())
        seen.append(by_head[id(result)])
        kept.append(result)
        return result

    by_head: dict[int, set[str]] = {}
    kept: list[object] = []
    monkeypatch.setattr(crossfit, "neurontune", spy)
    fitter = CrossFitter(problem.head, problem.identification, problem.tuning, TuneConfig(epochs=2, batches=5))
    for made in (fitter.neurontune(), fitter.masking_off_held_out(), fitter.neurontune_held_out()):
        assert made is not None
        for member, rows in zip(made.members, made.judged, strict=True):
            assert by_head[id(member)].isdisjoint(problem.identification.sample_ids[rows])
        np.testing.assert_array_equal(np.sort(np.concatenate(made.judged)), np.arange(1000))
    assert len(seen) == 2 + FOLDS + FOLDS


def test_group_labels_change_nothing(problem: Problem, advice: Advice) -> None:
    rng = np.random.default_rng(0)

    def permuted(each: EmbeddingSet) -> EmbeddingSet:
        assert each.groups is not None
        return replace(each, groups=rng.permutation(each.groups))

    variants: list[Callable[[EmbeddingSet], EmbeddingSet]] = [permuted, lambda each: replace(each, groups=None)]
    for changed in variants:
        other = advise(problem.head, changed(problem.identification), changed(problem.tuning), SHORT)
        assert other.chosen == advice.chosen
        assert sentence(other) == sentence(advice)
        np.testing.assert_array_equal(other.head.weight, advice.head.weight)
        np.testing.assert_array_equal(other.head.bias, advice.head.bias)


def test_the_same_seed_gives_the_same_advice_to_the_bit(problem: Problem, advice: Advice) -> None:
    again = advise(problem.head, problem.identification, problem.tuning, SHORT)
    assert evidence(again) == evidence(advice)
    for key, each in advice.candidates.items():
        np.testing.assert_array_equal(again.candidates[key].head.weight, each.head.weight)
    other = advise(problem.head, problem.identification, problem.tuning, replace(SHORT, seed=1))
    assert not np.array_equal(other.head.weight, advice.head.weight)


def test_an_averaged_head_gives_the_mean_of_its_members_logits(problem: Problem, advice: Advice) -> None:
    for each in advice.candidates.values():
        if each.members:
            members = np.mean([member.head.logits(problem.test.embeddings) for member in each.members], axis=0)
            np.testing.assert_allclose(each.head.logits(problem.test.embeddings), members, atol=1e-4)
            for member in each.members:
                assert not member.head.weight[:, each.masked].any()
                assert member.config.masking or not each.masked.any()


@pytest.mark.parametrize("mistakes", [0, 1, 4])
def test_few_mistakes_are_no_reason_to_keep_a_head_that_leans_on_a_shortcut(problem: Problem, mistakes: int) -> None:
    right = problem.head.predict(problem.identification.embeddings) == problem.identification.labels
    rows = np.concatenate([np.flatnonzero(right), np.flatnonzero(~right)[:mistakes]])
    result = advise(problem.head, problem.identification.take(rows), problem.tuning, SHORT)
    assert int(result.mistakes.sum()) == mistakes
    assert any(each.startswith("Few mistakes do not prove that there is no shortcut") for each in remarks(result))
    assert worst_group(result.head, problem.test) > ROBUST_WORST_GROUP - 0.1


def test_a_class_of_one_sample_is_too_few_to_say(problem: Problem) -> None:
    labels = problem.identification.labels
    rows = np.sort(np.concatenate([np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)[:1]]))
    result = advise(problem.head, problem.identification.take(rows), problem.tuning, SHORT)
    assert (result.chosen, result.case) == ("erm", "too_few")
    assert "too few samples" in sentence(result)


def test_a_class_without_mistakes_is_no_obstacle(problem: Problem) -> None:
    each = problem.identification
    right = problem.head.predict(each.embeddings) == each.labels
    result = advise(problem.head, each.take(np.flatnonzero(right | (each.labels == 0))), problem.tuning, SHORT)
    assert result.mistakes[1] == 0 < result.mistakes[0]
    assert result.chosen in result.candidates


def test_silent_neurons_change_nothing(problem: Problem, advice: Advice) -> None:
    def widened(each: EmbeddingSet) -> EmbeddingSet:
        return replace(each, embeddings=np.pad(each.embeddings, ((0, 0), (0, 3))))

    head = LinearHead(np.pad(problem.head.weight, ((0, 0), (0, 3))), problem.head.bias)
    result = advise(head, widened(problem.identification), widened(problem.tuning), SHORT)
    assert result.chosen == advice.chosen
    np.testing.assert_allclose(result.head.weight[:, :-3], advice.head.weight, atol=1e-4)
    assert not result.head.weight[:, -3:].any()


def test_sets_that_do_not_belong_together_are_refused(problem: Problem) -> None:
    other = replace(problem.tuning, embeddings=problem.tuning.embeddings[:, :5])
    with pytest.raises(InputError, match="do not belong together"):
        advise(problem.head, problem.identification, other)
    with pytest.raises(InputError, match="does not fit"):
        advise(LinearHead(problem.head.weight[:, :5], problem.head.bias), problem.identification, problem.tuning)


def test_verdicts_hold_in_every_masked_run(problem: Problem) -> None:
    always, never = np.zeros(10, dtype=bool), np.zeros(10, dtype=bool)
    always[8], never[1] = True, True
    result = advise(problem.head, problem.identification, problem.tuning, SHORT, always=always, never=never)
    for key in ("neurontune", "neurontune_held_out"):
        for member in result.candidates[key].members:  # type: ignore[index]
            assert member.biased[8]
            assert not member.biased[1]


def test_progress_reaches_what_was_expected_and_stopping_stops(problem: Problem) -> None:
    steps: list[tuple[int, int]] = []
    advise(problem.head, problem.identification, problem.tuning, SHORT, on_step=lambda *step: steps.append(step))
    assert sorted(done for done, _ in steps) == list(range(1, 20))
    assert max(expected for _, expected in steps) == 19
    steps.clear()
    biased = shortcut_set(1, 400, 0.95)
    advise(problem.head, biased, problem.tuning, SHORT, on_step=lambda *step: steps.append(step))
    assert sorted(steps) == [(done, 11) for done in range(1, 12)]
    asked = iter([False] * 5)
    with pytest.raises(Stopped):
        advise(problem.head, problem.identification, problem.tuning, SHORT, should_stop=lambda: next(asked, True))


def test_folds_hold_as_many_of_each_class_to_within_one() -> None:
    labels = np.repeat([0, 1, 2], [21, 10, 4])
    numbers = fold_numbers(labels, 3)
    for label in range(3):
        counts = np.bincount(numbers[labels == label], minlength=FOLDS)
        assert counts.max() - counts.min() <= 1
    assert np.ptp(np.bincount(numbers)) <= 1


def test_a_lead_in_the_same_class_is_paired() -> None:
    labels = np.repeat([0, 1], [10, 10])
    one, other = np.ones(20, dtype=bool), np.ones(20, dtype=bool)
    one[:2], other[1:5] = False, False  # 8 and 6 of 10 right; they differ on samples 0, 2, 3 and 4
    lead, error = worst_class_lead(one, other, labels)
    differences = np.array([-1, 0, 1, 1, 1, 0, 0, 0, 0, 0])
    assert lead == pytest.approx(differences.mean())
    assert error == pytest.approx(np.sqrt(differences.var() / 10))
    assert worst_class_lead(one, one, labels) == (0.0, pytest.approx(0.1 / 10**0.5))


def test_a_lead_between_two_classes_adds_their_variances() -> None:
    labels = np.repeat([0, 1], [10, 40])
    one, other = np.ones(50, dtype=bool), np.ones(50, dtype=bool)
    one[:2], other[10:30] = False, False
    lead, error = worst_class_lead(one, other, labels)
    assert lead == pytest.approx(0.8 - 0.5)
    assert error == pytest.approx((0.8 * 0.2 / 10 + 0.5 * 0.5 / 40) ** 0.5)


def test_the_evidence_is_what_numpy_counts(problem: Problem, advice: Advice) -> None:
    labels = problem.identification.labels
    kept = advice.candidates["erm"].predictions == labels
    rows = {row["head"]: row for row in evidence(advice)}
    row, each = rows["no masking, on the identification set"], advice.candidates["masking_off_held_out"]
    right = each.predictions == labels
    assert row["fixed"] == str((right & ~kept).sum())
    assert row["broken"] == str((kept & ~right).sum())
    assert row["worst class, %"] == f"{100 * min(right[labels == label].mean() for label in (0, 1)):.1f}"
    assert [row["advised"] for row in rows.values()].count("yes") == 1
    masks = [set(np.flatnonzero(member.biased)) for member in advice.candidates["neurontune"].members]
    overlap = advice.candidates["neurontune"].mask_overlap
    assert overlap == pytest.approx(len(masks[0] & masks[1]) / len(masks[0] | masks[1]))


def test_the_sentence_names_what_to_do_the_data_and_why(advice: Advice) -> None:
    text = sentence(replace(advice, splits=("val", "train")))
    assert text.startswith("On your data: ")
    assert ", because val holds more counter-examples than train" in text
    assert text.endswith(".")
    assert advice.case in CASES
    assert len(reasons(advice)) == 4
