"""The mask alone and a mask of one's own among the candidates; what each brings, and when masking is said to harm."""

from __future__ import annotations

import numpy as np
import pytest

from neurontune_core import InputError, TuneConfig, spuriousness_scores
from neurontune_core.advise import advise
from neurontune_core.advise.crossfit import CrossFitter
from neurontune_core.advise.rule import Case, _case
from neurontune_core.advise.sentences import brings, evidence, reasons
from tests.advise.test_counterexamples import draft
from tests.support.projects import CORE, NEURONS, SHORTCUT, planted_head, planted_set
from tests.support.shortcut import shortcut_problem

SHORT = TuneConfig(epochs=3, batches=5)


@pytest.fixture(scope="module")
def fitter() -> CrossFitter:
    never = np.arange(NEURONS) == CORE
    return CrossFitter(planted_head(), planted_set("val", 0.5), planted_set("train", 0.95), SHORT, never=never)


def test_the_mask_alone_is_the_mask_of_the_whole_set_judged_by_the_masks_of_its_halves(fitter: CrossFitter) -> None:
    made, samples = fitter.mask_alone(), fitter.identification
    assert made is not None
    predictions = fitter.head.predict(samples.embeddings)

    def biased(rows: np.ndarray) -> np.ndarray:
        scores = spuriousness_scores(samples.embeddings[rows], samples.labels[rows], predictions[rows], 2)
        return (scores.delta > 0).any(axis=0) & (np.arange(NEURONS) != CORE)

    masked = biased(np.arange(samples.num_samples))
    np.testing.assert_array_equal(made.masked, masked)
    np.testing.assert_array_equal(made.head.weight, fitter.head.weight * ~masked)
    halves = [np.flatnonzero(fitter.fold < 2), np.flatnonzero(fitter.fold >= 2)]
    for identifying, judging in (halves, halves[::-1]):
        head = fitter.head.masked(~biased(identifying))
        np.testing.assert_array_equal(made.predictions[judging], head.predict(samples.embeddings[judging]))


def test_a_mask_of_ones_own_is_measured_as_it_is_with_the_verdicts() -> None:
    sets = planted_set("val", 0.5), planted_set("train", 0.95)
    own = np.isin(np.arange(NEURONS), [SHORTCUT, CORE])
    advice = advise(planted_head(), *sets, SHORT, mask=own, never=np.arange(NEURONS) == CORE)
    candidate = advice.candidates["own_mask"]
    assert np.flatnonzero(candidate.masked).tolist() == [SHORTCUT]
    expected = planted_head().masked(np.arange(NEURONS) != SHORTCUT)
    np.testing.assert_array_equal(candidate.predictions, expected.predict(sets[0].embeddings))
    assert [row["head"] for row in evidence(advice)][:3] == ["your head", "the mask alone", "your mask alone"]
    assert "your mask alone" in brings(advice)


def test_a_mask_that_is_the_automatic_one_is_no_second_candidate() -> None:
    sets = planted_set("val", 0.5), planted_set("train", 0.95)
    first = advise(planted_head(), *sets, SHORT)
    again = advise(planted_head(), *sets, SHORT, mask=first.candidates["mask_alone"].masked)
    assert "own_mask" not in again.candidates
    with pytest.raises(InputError, match="mask"):
        advise(planted_head(), *sets, SHORT, mask=np.ones(3, dtype=bool))


def test_a_mask_of_everything_is_left_out_in_one_sentence() -> None:
    sets = planted_set("val", 0.5), planted_set("train", 0.95)
    advice = advise(planted_head(), *sets, SHORT, mask=np.ones(NEURONS, dtype=bool))
    assert "own_mask" not in advice.candidates
    assert advice.failures["own_mask"] == "Every neuron would be masked; raise the threshold."


SIX, TWELVE = list(range(1, 7)), list(range(1, 13))


@pytest.mark.parametrize(
    ("mistakes", "case"),
    [
        ({"erm": [], "masking_off": [], "mask_alone": TWELVE, "neurontune": SIX}, "masking_harms"),
        ({"erm": TWELVE, "masking_off": [], "mask_alone": SIX, "neurontune": SIX}, "masking_off"),
        ({"erm": SIX, "masking_off": [], "mask_alone": TWELVE, "neurontune": SIX}, "masking_off"),
        ({"erm": [], "masking_off": [], "mask_alone": TWELVE, "neurontune": SIX, "robust": []}, "masking_off"),
        ({"erm": [], "masking_off": []}, "masking_off"),
    ],
)
def test_a_mask_that_betters_the_trained_head_is_not_said_to_harm_where_another_head_is_better_still(
    mistakes: dict[str, list[int]], case: Case
) -> None:
    assert _case(draft(**mistakes, weighted_up=[0]), "masking_off") == case


def test_the_reasons_say_what_each_kind_of_head_would_bring_at_best() -> None:
    problem = shortcut_problem(0)
    advice = advise(problem.head, problem.identification, problem.tuning, SHORT)
    (clause,) = [reason for reason in reasons(advice) if reason.startswith("in the worst class on unseen samples")]
    worst = {}
    for key, candidate in advice.candidates.items():
        correct = candidate.predictions == advice.labels
        worst[key] = min(correct[advice.labels == label].mean() for label in (0, 1))
    masked = max(worst[key] for key in worst if key.startswith(("neurontune", "robust")))
    without = max(worst["masking_off"], worst["masking_off_held_out"])
    expected = {"your head": worst["erm"], "the mask alone": worst["mask_alone"], "with a mask": masked}
    for kind, value in (expected | {"without one": without}).items():
        assert f"{kind} {100 * value:.0f} %" in clause.replace("\u202f", " ").replace("\xa0", " ")
