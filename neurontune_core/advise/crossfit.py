"""Candidate heads, each evaluated on identification samples that neither tuned it nor selected its mask or epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np

from neurontune_core.advise.reweight import reweighted
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import Evaluation, evaluate_predictions
from neurontune_core.head import LinearHead
from neurontune_core.mask import check_verdicts, with_verdicts
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.neurontune import neurontune
from neurontune_core.tuning.result import TuneResult

# The command line prints these keys, so "weighted_up" (upweighted hard samples) stays what it is.
Key = Literal["erm", "masking_off", "neurontune", "weighted_up", "masking_off_held_out", "neurontune_held_out"]

FOLDS = 4
_THREADS = 2
_BEST_EPOCHS = 5  # averaged by NeuronTune, because the head of a single epoch varies much


class Stopped(InputError):
    """Raised when ``should_stop`` returned True."""

    def __init__(self) -> None:
        super().__init__("The advice was stopped before it was ready.")


@dataclass(frozen=True, eq=False)
class Candidate:
    """A head that may be advised, and its cross-fitted predictions.

    Attributes:
        key: which candidate it is.
        head: the average of the runs' heads.
        predictions: [N] int64, of every identification sample by the run that had not seen it.
        evaluation: of these predictions; groups are never counted.
        members: the runs of `neurontune`; none for the ERM head and for upweighted hard samples.
        judged: the rows that each run was evaluated on.
        hard_share: the mean share, over the runs, of hard samples (`reweight`).
        judged_spurious: [M] bool, the neurons that a user's verdicts mask in every candidate; None for none.
    """

    key: Key
    head: LinearHead
    predictions: np.ndarray
    evaluation: Evaluation
    members: tuple[TuneResult, ...] = ()
    judged: tuple[np.ndarray, ...] = ()
    hard_share: float = 0.0
    judged_spurious: np.ndarray | None = None

    @property
    def masked(self) -> np.ndarray:
        """Return [M] bool, the neurons masked in every run and epoch that ``head`` averages."""
        masked = np.full(self.head.num_neurons, bool(self.members))
        if not self.members and self.judged_spurious is not None:
            masked |= self.judged_spurious
        for member in self.members:
            masked &= member.masked_throughout
        return masked

    @property
    def masked_share(self) -> float:
        """Return the mean share of neurons that a member masked in its best epoch."""
        return float(np.mean([member.biased.mean() for member in self.members])) if self.members else 0.0

    @property
    def mask_overlap(self) -> float | None:
        """Return the Jaccard index of two members' masks, the mean over all pairs; None without masks."""
        masks = [member.biased for member in self.members]
        pairs = [(a, b) for place, a in enumerate(masks) for b in masks[:place] if (a | b).any()]
        return float(np.mean([(a & b).sum() / (a | b).sum() for a, b in pairs])) if pairs else None

    @property
    def sfit_shortfall(self) -> float | None:
        """Return by how much SFit's epoch falls short of the best one in worst-class accuracy; None without masking."""
        histories = [member.history for member in self.members if member.config.masking]
        if not histories:
            return None
        by_sfit = [max(history, key=lambda record: record.sfit) for history in histories]
        return float(
            np.mean(
                [
                    max(record.worst_class_accuracy for record in history) - kept.worst_class_accuracy
                    for history, kept in zip(histories, by_sfit, strict=True)
                ]
            )
        )


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
        self.fold = fold_numbers(self.identification.labels, self.config.seed)

    def erm(self) -> Candidate:
        """Evaluate the ERM head, which has seen no identification sample; neurons judged spurious are masked in it."""
        head = self.head.masked(self.judged_factors)
        predictions = head.predict(self.identification.embeddings)
        evaluation = evaluate_predictions(predictions, self.identification)
        return Candidate("erm", head, predictions, evaluation, judged_spurious=self.judged_spurious)

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
        jobs = []
        for number in range(FOLDS):
            identifying, first, second = ((number + by) % FOLDS for by in (1, 2, 3))
            jobs.append((self._rows(first, second), self._rows(identifying), self._rows(number)))
        return self._masked("neurontune_held_out", jobs)

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

    def _masked(self, key: Key, parts: Sequence[tuple[np.ndarray | None, np.ndarray, np.ndarray]]) -> Candidate | None:
        """Make a candidate with masking from rows that tune, identify and evaluate; None when that fails."""
        best = {"select": "worst_class_accuracy", "average_epochs": _BEST_EPOCHS, "stability": 0.0}
        plain = replace(self.config, masking=True, **best)  # type: ignore[arg-type]
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
        average = replace(
            LinearHead.mean(heads),
            class_names=self.identification.class_names,
            provenance={"method": "advised", "candidate": key, "seed": self.config.seed, "heads averaged": len(heads)},
        )
        evaluation = evaluate_predictions(predictions, self.identification)
        return Candidate(
            key, average, predictions, evaluation, judged=tuple(judged), judged_spurious=self.judged_spurious
        )

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


def fold_numbers(labels: np.ndarray, seed: int) -> np.ndarray:
    """Split the samples at random into `FOLDS` parts with as many of each class, to within one sample.

    Returns:
        [N] in 0..FOLDS-1.

    >>> np.bincount(fold_numbers(np.repeat([0, 1], [8, 4]), seed=0)).tolist()
    [3, 3, 3, 3]
    """
    rng = np.random.default_rng([seed, FOLDS])
    numbers = np.empty(len(labels), dtype=np.int64)
    placed = 0
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        numbers[rows] = (np.arange(len(rows)) + placed) % FOLDS
        placed += len(rows)
    return numbers
