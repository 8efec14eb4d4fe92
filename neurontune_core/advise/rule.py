"""The rule: which candidate to take, and the case that the data is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits

from neurontune_core.advise.counterexamples import CounterExamples, count_counterexamples
from neurontune_core.advise.crossfit import FOLDS, Candidate, CrossFitter, Key
from neurontune_core.embeddings import EmbeddingSet, check_compatible
from neurontune_core.head import LinearHead
from neurontune_core.tuning.config import TuneConfig

Case = Literal[
    "too_few",
    "no_signal",
    "little_evidence",
    "hard_samples",
    "nothing_to_mend",
    "retraining_harms",
    "masking_off",
    "masking_harms",
    "neurontune",
]

_MARGIN = 1.0  # standard errors by which another candidate must beat the simpler one
_CLEARLY = 2.5  # and by which where the identification set shows no counter-examples
_ABOVE_CHANCE = 2.0  # standard errors above guessing
_FEWEST = 2 * FOLDS  # samples of a class, so that every quarter can judge and every half can tune
_SHORT, _LONG = 9, 13  # runs


@dataclass(frozen=True, eq=False)
class Advice:
    """What to do with this head, on this data.

    Attributes:
        chosen: the advised candidate's key.
        case: the kind of answer.
        candidates: those that were made, by key; always with "erm".
        counterexamples: None where it could not be asked.
        failures: candidates that could not be made -> why.
        labels: [N] of the identification set.
        class_names: the C class names.
        mistakes: [C] of the ERM head on the identification set.
        splits: what the identification and the tuning set are called.
    """

    chosen: Key
    case: Case
    candidates: dict[Key, Candidate]
    counterexamples: CounterExamples | None
    failures: dict[Key, str]
    labels: np.ndarray
    class_names: tuple[str, ...]
    mistakes: np.ndarray
    splits: tuple[str, str]

    @property
    def counterexamples_found(self) -> bool:
        return self.counterexamples is not None and self.counterexamples.more

    @property
    def candidate(self) -> Candidate:
        return self.candidates[self.chosen]

    @property
    def head(self) -> LinearHead:
        """The advised head."""
        return self.candidate.head

    def lead(self, key: Key, over: Key) -> tuple[float, float]:
        """Worst-class accuracy of one candidate minus that of another, and its standard error; both in 0..1."""
        one, other = (self.candidates[each].predictions == self.labels for each in (key, over))
        return worst_class_lead(one, other, self.labels)


def advise(
    head: LinearHead,
    identification: EmbeddingSet,
    tuning: EmbeddingSet,
    config: TuneConfig = TuneConfig(),
    *,
    always: np.ndarray | None = None,
    never: np.ndarray | None = None,
    on_step: Callable[[int, int], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Advice:
    """Choose between the head as it is, masking off, NeuronTune and hard samples weighted up, without any group label.

    The ERM head is kept where a class has too few samples, and where no head beats guessing. Where the identification
    set holds more counter-examples than the tuning set (`CounterExamples`), tuning on it is tried too; masking off on
    it stands first, and another candidate must lead it by one standard error of its cross-fitted worst-class accuracy.
    Elsewhere that accuracy cannot see what a biased set hides: the head with hard samples weighted up stands (without
    any hard sample masking off), unless another candidate leads it clearly.

    Args:
        head: the ERM head.
        identification, tuning: D_Ide and D_Tune; their groups are taken off before anything else.
        config: settings of the runs; which epoch is kept, and ``masking``, are decided here.
        always, never: [M] bool, a person's verdicts: neurons masked, or spared, whatever their score.
        on_step: called with the runs done and those expected.
        should_stop: asked often; True raises `Stopped`.

    Raises:
        InputError: as `neurontune` does.
        Stopped: when ``should_stop`` said so.
    """
    check_compatible(identification, tuning)
    head.check_fits(tuning.num_neurons, tuning.num_classes)
    identification, tuning = (replace(each, groups=None) for each in (identification, tuning))
    done, expected = 0, _SHORT

    def step() -> None:
        nonlocal done
        done += 1
        if on_step is not None:
            on_step(done, expected)

    fitter = CrossFitter(head, identification, tuning, config, always, never, should_stop, step)
    erm = fitter.erm()
    candidates: dict[Key, Candidate] = {"erm": erm}
    classes = identification.num_classes
    labels = identification.labels
    mistakes = np.bincount(labels[erm.predictions != labels], minlength=classes)

    def advice(chosen: Key, case: Case, found: CounterExamples | None = None) -> Advice:
        names = identification.class_names
        splits = (identification.split or "the identification set", tuning.split or "the tuning set")
        return Advice(chosen, case, candidates, found, fitter.failures, labels, names, mistakes, splits)

    fewest = min(np.bincount(each.labels, minlength=classes).min() for each in (identification, tuning))
    if fewest < _FEWEST:
        return advice("erm", "too_few")
    with threadpool_limits(1):  # around all runs: each sets and restores it, and two of them run at a time
        found = count_counterexamples(fitter)
        expected = _LONG if found.more else _SHORT
        made: list[Candidate | None] = [fitter.masking_off(), fitter.neurontune()]
        if found.more:
            made += [fitter.masking_off_held_out(), fitter.neurontune_held_out()]
        else:
            made += [fitter.weighted_up()]
    candidates.update({each.key: each for each in made if each is not None})
    if not any(_beats_guessing(each) for each in candidates.values()):
        return advice("erm", "no_signal", found)
    ready = advice("erm", "too_few", found)
    chosen = _with_counterexamples(ready) if found.more else _without_counterexamples(ready)
    return replace(ready, chosen=chosen, case=_case(ready, chosen))


def _beats_guessing(candidate: Candidate) -> bool:
    """Its mean accuracy over the classes is above that of a coin with as many sides, beyond chance."""
    parts = [part for part in candidate.evaluation.classes if part.n]
    mean = np.mean([part.correct / part.n for part in parts])
    chance = 1 / len(parts)
    error = (sum(chance * (1 - chance) / part.n for part in parts)) ** 0.5 / len(parts)
    return bool(mean > chance + _ABOVE_CHANCE * error)


def _with_counterexamples(ready: Advice) -> Key:
    chosen: Key = "masking_off_held_out"
    for key in ("masking_off", "neurontune_held_out", "neurontune", "erm"):
        chosen = _better(ready, key, chosen, _MARGIN)  # type: ignore[arg-type]
    return chosen


def _without_counterexamples(ready: Advice) -> Key:
    chosen: Key = "weighted_up" if "weighted_up" in ready.candidates else "masking_off"
    for key in ("masking_off", "erm", "neurontune"):
        chosen = _better(ready, key, chosen, _CLEARLY)  # type: ignore[arg-type]
    return chosen


def _better(ready: Advice, key: Key, than: Key, margin: float) -> Key:
    if key not in ready.candidates or key == than:
        return than
    lead, error = ready.lead(key, than)
    return key if lead > margin * error else than


def _case(ready: Advice, chosen: Key) -> Case:
    if chosen == "erm":
        lead, error = ready.lead("erm", "masking_off")
        return "retraining_harms" if lead > _MARGIN * error else "nothing_to_mend"
    if chosen.startswith("neurontune"):
        return "neurontune"
    if chosen == "weighted_up":
        return "hard_samples"
    if not ready.counterexamples_found and "weighted_up" not in ready.candidates:
        return "little_evidence"
    masked: Key = "neurontune" if chosen == "masking_off" else "neurontune_held_out"
    if masked in ready.candidates:
        lead, error = ready.lead(chosen, masked)
        return "masking_harms" if lead > _MARGIN * error else "masking_off"
    return "masking_off"


def worst_class_lead(one: np.ndarray, other: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """How far one head's worst class is ahead of another's, and the standard error of that.

    Where both have the same worst class the samples are paired; a difference without any spread counts as one sample.

    Args:
        one, other: [N] bool, right or wrong on the same samples.
        labels: [N].
    """
    present = np.unique(labels)
    accuracies = [[outcome[labels == label].mean() for label in present] for outcome in (one, other)]
    worst = [present[int(np.argmin(each))] for each in accuracies]
    lead = min(accuracies[0]) - min(accuracies[1])
    a, b = one[labels == worst[0]].astype(float), other[labels == worst[1]].astype(float)
    if worst[0] == worst[1]:
        error = max((a - b).std(), 1 / len(a)) / len(a) ** 0.5
    else:
        error = (max(a.var(), 1 / len(a)) / len(a) + max(b.var(), 1 / len(b)) / len(b)) ** 0.5
    return float(lead), float(error)
