"""Candidate heads, each evaluated on identification samples that neither tuned it nor selected its mask or epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from neurontune_core.advise.candidate import Candidate, Key
from neurontune_core.advise.reweight import reweighted
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import evaluate_predictions
from neurontune_core.head import LinearHead
from neurontune_core.identification.scorer import SpuriousnessScorer
from neurontune_core.mask import check_verdicts, with_verdicts
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.neurontune import neurontune
from neurontune_core.tuning.presets import preset
from neurontune_core.tuning.result import TuneResult
from neurontune_core.units import deal_units

FOLDS = 4
_THREADS = 2
# NeuronTune averages five epochs, because the head of a single one varies much.
BEST = {"select": "worst_class_accuracy", "average_epochs": 5, "stability": 0.0}
ROBUST = {"select": "robust", "average_epochs": 1, "stability": preset("robust").stability, "rounds": "recompute"}


class Stopped(InputError):
    """Raised when ``should_stop`` returned True."""

    def __init__(self) -> None:
        super().__init__("The advice was stopped before it was ready.")


class _Job(NamedTuple):
    """One run: the rows of the identification set that tune, that identify neurons and epochs, and that evaluate.

    Where ``tuning`` is None, the tuning set tunes. Without masking ``identifying`` is only monitored, and a part of the
    rows is cheaper.
    """

    tuning: np.ndarray | None
    identifying: np.ndarray
    judging: np.ndarray
    config: TuneConfig


@dataclass(eq=False)
class CrossFitter:
    """Maker of the candidates.

    Args:
        head: the ERM head.
        identification, tuning: D_Ide and D_Tune, without groups.
        config: the settings, except ``masking`` and how the epoch is selected.
        always, never: [M] bool, the user's verdicts, as in `neurontune`.
        should_stop: called often; True raises `Stopped`.
        on_run: called after each run.

    Attributes:
        fold: [N] which of the `FOLDS` parts an identification sample belongs to.
        failures: candidates that could not be made -> why.
    """

    head: LinearHead
    identification: EmbeddingSet
    tuning: EmbeddingSet
    config: TuneConfig
    always: np.ndarray | None = None
    never: np.ndarray | None = None
    should_stop: Callable[[], bool] | None = None
    on_run: Callable[[], object] | None = None
    failures: dict[Key, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, verdicts in (("always", self.always), ("never", self.never)):
            if verdicts is not None:
                check_verdicts(name, verdicts, self.head.num_neurons)
        self.fold = fold_numbers(self.identification.labels, self.config.seed, self.identification.unit_numbers)

    def erm(self) -> Candidate:
        """Evaluate the ERM head, which has seen no identification sample; neurons judged spurious are masked in it."""
        head = self.head.masked(self.judged_factors)
        predictions = head.predict(self.identification.embeddings)
        evaluation = evaluate_predictions(predictions, self.identification)
        return Candidate("erm", head, predictions, evaluation, judged_spurious=self.judged_spurious, **self._truth)

    def mask_alone(self) -> Candidate | None:
        """Mask the ERM head without retraining it; the mask of one half of the identification set is evaluated on the
        other, and the mask of the whole set is handed out."""
        halves = self._rows(0, 1), self._rows(2, 3)
        try:
            heads = [self.head.masked(self._factors(self._biased(rows))) for rows in (*halves, None)]
        except InputError as error:  # no mistakes, or nothing left
            self.failures["mask_alone"] = str(error)
            return None
        made = self._averaged("mask_alone", heads[:2], halves[::-1])
        return replace(made, head=self._named("mask_alone", heads[2]), fixed_mask=self._biased(None))

    def own_mask(self, masked: np.ndarray) -> Candidate | None:
        """Evaluate the ERM head with these neurons masked; the identification set may have chosen them.

        Args:
            masked: [M] bool.
        """
        masked = with_verdicts(masked, self.always, self.never)
        try:
            head = self.head.masked(self._factors(masked))
        except InputError as error:
            self.failures["own_mask"] = str(error)
            return None
        return replace(self._averaged("own_mask", [head], [self._rows(*range(FOLDS))]), fixed_mask=masked)

    def masking_off(self) -> Candidate:
        """Retrain on the tuning set without a mask (Table 4, NT = No); SFit selects the epoch."""
        every = self._rows(*range(FOLDS))
        plain = replace(self.config, masking=False, select="sfit", average_epochs=1)
        return self._candidate("masking_off", [_Job(None, every, every, plain)])

    def neurontune(self) -> Candidate | None:
        """Tune on the tuning set; half of the identification set identifies neurons and epochs, the other evaluates."""
        halves = self._rows(0, 1), self._rows(2, 3)
        return self._masked("neurontune", [(None, halves[half], halves[1 - half]) for half in (0, 1)])

    def upweighted(self) -> Candidate | None:
        """Fit upweighted hard samples of the tuning set and three quarters of the identification set.

        The fourth quarter evaluates. None when no sample is hard.
        """
        made, judged = [], [self._rows(number) for number in range(FOLDS)]
        for number in range(FOLDS):
            rest = self._rows(*(fold for fold in range(FOLDS) if fold != number))
            self._check_stop()
            sets = [self.tuning, self.identification.take(rest)]
            made.append(reweighted(sets, self.config.seed + number, self.judged_factors))
            self._note_run()
        shares = [share for _, share in made]
        if not any(shares):
            self.failures["weighted_up"] = "every sample lies nearest to the mean of its own class, so none is hard"
            return None
        averaged = self._averaged("weighted_up", [head for head, _ in made], judged)
        return replace(averaged, hard_share=float(np.mean(shares)))

    def masking_off_held_out(self) -> Candidate:
        """Retrain without a mask on three quarters of the identification set; the fourth evaluates."""
        jobs = []
        for number in range(FOLDS):
            rest = self._rows(*(fold for fold in range(FOLDS) if fold != number))
            jobs.append(_Job(rest, self._rows(0), self._rows(number), self.late(seed=self.config.seed + number)))
        return self._candidate("masking_off_held_out", jobs)

    def neurontune_held_out(self) -> Candidate | None:
        """Run NeuronTune† (Section 5.5): half tunes, a quarter identifies neurons and epochs, a quarter evaluates."""
        return self._masked("neurontune_held_out", self._turns())

    def _turns(self) -> list[tuple[np.ndarray | None, np.ndarray, np.ndarray]]:
        """Return the rows that tune, identify and evaluate, for each quarter that evaluates."""
        turns: list[tuple[np.ndarray | None, np.ndarray, np.ndarray]] = []
        for number in range(FOLDS):
            identifying, first, second = ((number + by) % FOLDS for by in (1, 2, 3))
            turns.append((self._rows(first, second), self._rows(identifying), self._rows(number)))
        return turns

    def robust(self) -> Candidate | None:
        """Run the robust preset on the tuning set; half of the identification set identifies, the other evaluates."""
        halves = self._rows(0, 1), self._rows(2, 3)
        return self._masked("robust", [(None, halves[half], halves[1 - half]) for half in (0, 1)], ROBUST)

    def robust_held_out(self) -> Candidate | None:
        """Run the robust preset on halves: half tunes, a quarter identifies, a quarter evaluates."""
        return self._masked("robust_held_out", self._turns(), ROBUST)

    @property
    def judged_spurious(self) -> np.ndarray:
        """Return [M] bool, the neurons judged spurious and not core."""
        return with_verdicts(np.zeros(self.head.num_neurons, dtype=bool), self.always, self.never)

    @property
    def judged_factors(self) -> np.ndarray:
        """Return [M], the mask value for neurons judged spurious, 1 for the others."""
        return np.where(self.judged_spurious, np.float32(self.config.mask_value), np.float32(1))

    def run(
        self, tuning: EmbeddingSet, identification: EmbeddingSet, config: TuneConfig, *, verdicts: bool = True
    ) -> TuneResult:
        """Run `neurontune`, bound by the user's verdicts unless the run only measures the data."""
        try:
            result = neurontune(
                self.head,
                identification,
                tuning,
                config,
                always=self.always if verdicts else None,
                never=self.never if verdicts else None,
                should_stop=self.should_stop,
            )
        finally:
            self._check_stop()
        self._note_run()
        return result

    def late(self, **changes: object) -> TuneConfig:
        """Return settings without masking that average the later half of the epochs, so that no set selects one."""
        epochs = max(1, self.config.epochs // 2)
        plain = replace(self.config, masking=False, select="last", average_epochs=epochs)
        return replace(plain, **changes)  # type: ignore[arg-type]

    def _rows(self, *numbers: int) -> np.ndarray:
        """Return the ascending rows of these folds."""
        return np.flatnonzero(np.isin(self.fold, numbers))

    def _biased(self, rows: np.ndarray | None) -> np.ndarray:
        """Return [M] bool, the mask of the ERM head on these rows of the identification set, or on all."""
        samples = self.identification if rows is None else self.identification.take(rows)
        scorer = SpuriousnessScorer.for_config(self.config, samples, sort=False)
        scores = scorer(self.head.predict(samples.embeddings))
        return with_verdicts(scores.biased(self.config.threshold), self.always, self.never)

    def _factors(self, masked: np.ndarray) -> np.ndarray:
        """Return [M], the mask value where masked, else 1.

        Raises:
            InputError: when nothing is left.
        """
        if masked.all() and self.config.mask_value == 0:
            raise InputError("Every neuron would be masked; raise the threshold.")
        return np.where(masked, np.float32(self.config.mask_value), np.float32(1))

    def _masked(
        self,
        key: Key,
        parts: Sequence[tuple[np.ndarray | None, np.ndarray, np.ndarray]],
        changes: Mapping[str, object] = BEST,
    ) -> Candidate | None:
        """Make a candidate with masking from rows that tune, identify and evaluate; None when that fails."""
        plain = replace(self.config, masking=True, **changes)  # type: ignore[arg-type]
        jobs = [_Job(*rows, replace(plain, seed=plain.seed + number)) for number, rows in enumerate(parts)]
        try:
            return self._candidate(key, jobs)
        except Stopped:
            raise
        except InputError as error:  # such as a part without mistakes
            self.failures[key] = str(error)
            return None

    def _candidate(self, key: Key, jobs: Sequence[_Job]) -> Candidate:
        with ThreadPoolExecutor(_THREADS) as pool:  # the loops release the GIL; no run depends on another
            members = tuple(pool.map(self._member, jobs))
        made = self._averaged(key, [member.head for member in members], [job.judging for job in jobs])
        return replace(made, members=members)

    def _averaged(self, key: Key, heads: Sequence[LinearHead], judged: Sequence[np.ndarray]) -> Candidate:
        """Average these heads, and evaluate each of them on the rows that it has not seen."""
        predictions = np.empty(self.identification.num_samples, dtype=np.int64)
        for head, rows in zip(heads, judged, strict=True):
            predictions[rows] = head.predict(self.identification.embeddings[rows])
        average = self._named(key, LinearHead.mean(heads), len(heads))
        evaluation = evaluate_predictions(predictions, self.identification)
        spurious = self.judged_spurious
        return Candidate(
            key, average, predictions, evaluation, judged=tuple(judged), judged_spurious=spurious, **self._truth
        )

    @property
    def _truth(self) -> dict[str, Any]:
        return {"labels": self.identification.labels, "units": self.identification.unit_numbers}

    def _named(self, key: Key, head: LinearHead, averaged: int = 1) -> LinearHead:
        provenance = {"method": "advised", "candidate": key, "seed": self.config.seed, "heads averaged": averaged}
        return replace(head, class_names=self.identification.class_names, provenance=provenance)

    def _member(self, job: _Job) -> TuneResult:
        tuning = self.tuning if job.tuning is None else self.identification.take(job.tuning)
        return self.run(tuning, self.identification.take(job.identifying), job.config)

    def _note_run(self) -> None:
        self._check_stop()
        if self.on_run is not None:
            self.on_run()

    def _check_stop(self) -> None:
        if self.should_stop is not None and self.should_stop():
            raise Stopped


def fold_numbers(labels: np.ndarray, seed: int, units: np.ndarray | None = None) -> np.ndarray:
    """Split the samples at random into `FOLDS` parts with as many of each class, to within one sample.

    Args:
        labels: [N] in 0..C-1.
        seed: of the draw.
        units: [N] int: samples of one unit get the same part, and the classes are as even as units allow.

    Returns:
        [N] in 0..FOLDS-1.

    >>> np.bincount(fold_numbers(np.repeat([0, 1], [8, 4]), seed=0)).tolist()
    [3, 3, 3, 3]
    """
    rng = np.random.default_rng([seed, FOLDS])
    if units is not None:
        return deal_units(labels, units, FOLDS, rng)
    numbers = np.empty(len(labels), dtype=np.int64)
    placed = 0
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        numbers[rows] = (np.arange(len(rows)) + placed) % FOLDS
        placed += len(rows)
    return numbers
