"""The rule that chooses a candidate, and the case that the data is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits

from neurontune_core.advise.candidate import Candidate, Key
from neurontune_core.advise.counterexamples import CounterExamples, count_counterexamples
from neurontune_core.advise.crossfit import FOLDS, CrossFitter
from neurontune_core.advise.memorized import spread_growth
from neurontune_core.embeddings import EmbeddingSet, check_compatible
from neurontune_core.evaluation.near_duplicates import Distinct, count_distinct
from neurontune_core.evaluation.worst_class import worst_class_lead
from neurontune_core.head import LinearHead
from neurontune_core.mask import check_verdicts, with_verdicts
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.units import units_by_class

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
    "mask_alone",
]
MASK_ALONE: tuple[Key, ...] = ("mask_alone", "own_mask")
MASKED: tuple[Key, ...] = (*MASK_ALONE, "neurontune", "robust", "neurontune_held_out", "robust_held_out")

_MARGIN = 1.0  # standard errors by which another candidate must beat the simpler one
_CLEARLY = 2.5  # and by which where the identification set shows no counter-examples
_ABOVE_CHANCE = 2.0  # standard errors above guessing
_FEWEST = 2 * FOLDS  # samples of a class, so that every quarter can judge and every half can tune
_SEPARATED = 0.99  # accuracy in every class of the tuning set that leaves no mistakes to learn from
_WIDER = 1.1  # times as wide as on the tuning set
_SHORT, _LONG = 11, 19  # runs


@dataclass(frozen=True, eq=False)
class Advice:
    """What to do with this head, on this data.

    Attributes:
        chosen: the advised candidate's key.
        case: the kind of answer.
        candidates: those that were made, by key; always with "erm".
        counterexamples: None where a class has too few samples to measure it.
        failures: candidates that could not be made -> why.
        labels: [N] of the identification set.
        class_names: the C class names.
        mistakes: [C] of the ERM head on the identification set.
        splits: what the identification and the tuning set are called.
        units: [N] int of the identification set, samples with the same number belong together; None where each is one.
        distinct: how many distinct samples it holds, by their vectors.
        growth: the spread of its classes over that of the tuning set's (`spread_growth`).
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
    units: np.ndarray | None = None
    distinct: Distinct | None = None
    growth: float = 1.0

    @property
    def more_counterexamples(self) -> bool:
        """Return whether the identification set shows more counter-examples than the tuning set."""
        return self.counterexamples is not None and self.counterexamples.more

    @property
    def memorized(self) -> bool:
        """Return whether the network seems to have memorized the tuning set.

        Heads that were trained on one half of it make hardly a mistake in any class of the other half, while on
        samples that the network has not seen the head as it came makes more than chance explains, or the classes
        spread wider.
        """
        if self.counterexamples is None or self.counterexamples.tuning_accuracy.min() < _SEPARATED:
            return False
        return self.growth > _WIDER or self.candidates["erm"].worst_class_on_unseen.high < _SEPARATED

    @property
    def candidate(self) -> Candidate:
        return self.candidates[self.chosen]

    @property
    def head(self) -> LinearHead:
        """Return the advised head."""
        return self.candidate.head

    def lead(self, key: Key, over: Key) -> tuple[float, float]:
        """Return the worst-class accuracy of one candidate minus another's, and its standard error; both in 0..1."""
        ahead, behind = (self.candidates[name].predictions == self.labels for name in (key, over))
        return worst_class_lead(ahead, behind, self.labels, self.units)


def advise(
    head: LinearHead,
    identification: EmbeddingSet,
    tuning: EmbeddingSet,
    config: TuneConfig = TuneConfig(),
    *,
    always: np.ndarray | None = None,
    never: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    on_step: Callable[[int, int], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Advice:
    """Choose between the head as it is, masks alone, retraining with and without a mask, and upweighted hard samples.

    No group label is used. Samples that belong together (units, pairs) are in the same part of every split.

    The ERM head is kept where a class has too few samples or units, and where no head beats guessing. Where the
    identification set holds more counter-examples than the tuning set (`CounterExamples`), tuning on it is tried too:
    class-balanced retraining on it is the default, and another candidate must exceed it by one standard error of the
    cross-fitted worst-class accuracy, a mask alone by 2.5. Elsewhere that accuracy cannot show what a biased set hides:
    the head with upweighted hard samples is the default (class-balanced retraining when no sample is hard), unless
    another candidate exceeds it by 2.5 standard errors.

    Args:
        head: the ERM head.
        identification, tuning: D_Ide and D_Tune; their groups are removed first.
        config: settings of the runs, except ``masking`` and how the epoch is selected.
        always, never: [M] bool, the user's verdicts: neurons masked, or spared, whatever their score.
        mask: [M] bool, a mask of one's own, measured as a candidate beside those of the identification set.
        on_step: called with the number of runs done and of those expected.
        should_stop: called often; True raises `Stopped`.

    Raises:
        InputError: as `neurontune` does.
        Stopped: when ``should_stop`` returned True.
    """
    check_compatible(identification, tuning)
    head.check_fits(tuning.num_neurons, tuning.num_classes, tuning.class_names)
    own = None if mask is None else check_verdicts("mask", mask, head.num_neurons)
    identification, tuning = (replace(samples, groups=None) for samples in (identification, tuning))
    done, expected = 0, _SHORT

    def step() -> None:
        nonlocal done
        done += 1
        if on_step is not None:
            on_step(done, expected)

    fitter = CrossFitter(head, identification, tuning, config, always, never, should_stop, step)
    distinct, growth = count_distinct(identification, tuning), spread_growth(identification, tuning)
    erm = fitter.erm()
    candidates: dict[Key, Candidate] = {"erm": erm}
    classes = identification.num_classes
    labels = identification.labels
    mistakes = np.bincount(labels[erm.predictions != labels], minlength=classes)

    def advice(chosen: Key, case: Case, measured: CounterExamples | None = None) -> Advice:
        names = identification.class_names
        splits = (identification.split or "the identification set", tuning.split or "the tuning set")
        failures, units = fitter.failures, identification.unit_numbers
        return Advice(
            chosen, case, candidates, measured, failures, labels, names, mistakes, splits, units, distinct, growth
        )

    if _too_few(identification, FOLDS) or _too_few(tuning, 2):
        return advice("erm", "too_few")
    with threadpool_limits(1):  # around all runs: a run restores the limit on its end, while another one still works
        measured = count_counterexamples(fitter)
        expected = _LONG if measured.more else _SHORT
        made: list[Candidate | None] = [fitter.mask_alone()]
        if own is not None and (made[0] is None or (made[0].masked != with_verdicts(own, always, never)).any()):
            made += [fitter.own_mask(own)]
        made += [fitter.masking_off(), fitter.neurontune(), fitter.robust()]
        if measured.more:
            made += [fitter.masking_off_held_out(), fitter.neurontune_held_out(), fitter.robust_held_out()]
        else:
            made += [fitter.upweighted()]
    candidates.update({candidate.key: candidate for candidate in made if candidate is not None})
    return decided(advice("erm", "too_few", measured))


def decided(draft: Advice) -> Advice:
    """Apply the rule to candidates that are evaluated.

    Args:
        draft: advice with all but the choice.
    """
    if not any(_beats_guessing(candidate) for candidate in draft.candidates.values()):
        return replace(draft, chosen="erm", case="no_signal")
    chosen = _with_counterexamples(draft) if draft.more_counterexamples else _without_counterexamples(draft)
    return replace(draft, chosen=chosen, case=_case(draft, chosen))


def _too_few(samples: EmbeddingSet, parts: int) -> bool:
    """Return whether a class has too few samples, or too few units for so many parts."""
    units = units_by_class(samples.labels, samples.unit_numbers, samples.num_classes)
    counts = np.bincount(samples.labels, minlength=samples.num_classes)
    return bool(counts.min() < _FEWEST or units.min() < parts)


def _beats_guessing(candidate: Candidate) -> bool:
    """Return whether the mean accuracy over the classes exceeds that of guessing by two standard errors."""
    parts = [part for part in candidate.evaluation.classes if part.n]
    mean = np.mean([part.correct / part.n for part in parts])
    chance = 1 / len(parts)
    error = (sum(chance * (1 - chance) / part.n for part in parts)) ** 0.5 / len(parts)
    return bool(mean > chance + _ABOVE_CHANCE * error)


def _with_counterexamples(draft: Advice) -> Key:
    chosen: Key = "masking_off_held_out"
    for key in ("masking_off", "neurontune_held_out", "robust_held_out", "neurontune", "robust", "erm"):
        chosen = _better(draft, key, chosen, _MARGIN)  # type: ignore[arg-type]
    for key in MASK_ALONE:
        chosen = _better(draft, key, chosen, _CLEARLY)
    return chosen


def _without_counterexamples(draft: Advice) -> Key:
    chosen: Key = "weighted_up" if "weighted_up" in draft.candidates else "masking_off"
    for key in ("masking_off", "erm", "neurontune", "robust", *MASK_ALONE):
        chosen = _better(draft, key, chosen, _CLEARLY)  # type: ignore[arg-type]
    return chosen


def _better(draft: Advice, key: Key, than: Key, margin: float) -> Key:
    if key not in draft.candidates or key == than:
        return than
    lead, error = draft.lead(key, than)
    return key if lead > margin * error else than


def _case(draft: Advice, chosen: Key) -> Case:
    if chosen == "erm":
        lead, error = draft.lead("erm", "masking_off")
        return "retraining_harms" if lead > _MARGIN * error else "nothing_to_mend"
    if chosen in MASKED:
        return "mask_alone" if chosen in MASK_ALONE else "neurontune"
    if chosen == "weighted_up":
        return "hard_samples"
    if not draft.more_counterexamples and "weighted_up" not in draft.candidates:
        return "little_evidence"
    masked = [key for key in draft.candidates if key in MASKED]
    leads = [draft.lead("erm", key) for key in masked]
    return "masking_harms" if masked and all(lead > _MARGIN * error for lead, error in leads) else "masking_off"
