"""Methods compared on the same sets: mean and standard deviation over seeds, and a row for each that fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from neurontune_core.baselines.base import Method, MethodResult
from neurontune_core.baselines.registry import METHODS, method
from neurontune_core.baselines.settings_io import changed_settings
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import Evaluation, evaluate, group_shares, reweighted_accuracy
from neurontune_core.head import LinearHead
from neurontune_core.statistics import Spread

ALWAYS = ("erm", "masking_off")  # what every comparison is read against


@dataclass(frozen=True)
class SeedRun:
    """One run of a method, measured.

    Attributes:
        seed: 0 for methods without one.
        evaluation: on the evaluation set.
        seconds: wall time.
        chosen: what the method chose on the way; JSON-able.
        warnings: sentences.
    """

    seed: int
    evaluation: Evaluation
    seconds: float
    chosen: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class MethodSummary:
    """The runs of one method over seeds; every accuracy is in 0..1, on the evaluation set, and None without runs.

    Attributes:
        method: its registry entry.
        settings: what it ran with, but for the seed.
        runs: one a seed; methods without a seed run once.
        shares: [G] how often each group occurs in the tuning set; None when it has none, or other ones.
        error: why it failed, in one sentence; there are no runs then.
    """

    method: Method
    settings: Any
    runs: tuple[SeedRun, ...] = ()
    shares: tuple[float, ...] | None = None
    error: str = ""

    @property
    def seeds(self) -> int:
        """Return the number of runs."""
        return len(self.runs)

    @property
    def uses_groups(self) -> bool:
        """Return whether any group label is used, to train or to choose."""
        return bool(self.method.groups_needed(self.settings))

    @property
    def accuracy(self) -> Spread | None:
        """Return the average accuracy, every sample counted once."""
        return self._over(lambda evaluation: evaluation.accuracy)

    @property
    def adjusted_accuracy(self) -> Spread | None:
        """Return the average over groups, weighted as they occur in the tuning set; None without them.

        Some published tables re-weight in this way.
        """
        return self._over(lambda evaluation: reweighted_accuracy(evaluation, self.shares))

    @property
    def worst_group_accuracy(self) -> Spread | None:
        """Return the lowest accuracy over groups; None without groups."""
        return self._over(lambda evaluation: evaluation.worst_group_accuracy)

    @property
    def accuracy_gap(self) -> Spread | None:
        """Return average minus worst-group accuracy; None without groups."""
        return self._over(lambda evaluation: evaluation.accuracy_gap)

    @property
    def worst_class_accuracy(self) -> Spread | None:
        """Return the lowest accuracy over classes."""
        return self._over(lambda evaluation: evaluation.worst_class_accuracy)

    @property
    def worst(self) -> Spread | None:
        """Return the worst group, or the worst class where there are no groups: what methods are ranked by."""
        return self.worst_group_accuracy or self.worst_class_accuracy

    @property
    def seconds(self) -> Spread | None:
        """Return the wall time of one run."""
        return Spread.of([run.seconds for run in self.runs]) if self.runs else None

    def parts(self) -> dict[str, Spread]:
        """Return the accuracy of every group (of every class, without groups) that has samples, by name."""
        accuracies: dict[str, list[float]] = {}
        for run in self.runs:
            for part in run.evaluation.groups or run.evaluation.classes:
                if part.n:
                    accuracies.setdefault(part.name, []).append(part.correct / part.n)
        return {name: Spread.of(values) for name, values in accuracies.items()}

    def _over(self, measure: Callable[[Evaluation], float | None]) -> Spread | None:
        values = [value for run in self.runs if (value := measure(run.evaluation)) is not None]
        return Spread.of(values) if values and len(values) == len(self.runs) else None


def num_runs(entry: Method, seeds: int) -> int:
    """Return how often a method is run: once when it has no seed.

    >>> num_runs(method("erm"), seeds=5), num_runs(method("neurontune"), seeds=5)
    (1, 5)
    """
    return seeds if _has_seed(entry.settings) else 1


def _has_seed(settings: Any) -> bool:
    return any(setting.name == "seed" for setting in fields(settings))


def with_always(keys: Sequence[str]) -> tuple[str, ...]:
    """Return the keys of methods with those of `ALWAYS` before them, each once.

    Raises:
        InputError: for a key that no method has.

    >>> with_always(["dfr", "erm"])
    ('erm', 'masking_off', 'dfr')
    """
    return tuple(method(key).key for key in dict.fromkeys((*ALWAYS, *keys)))


def compare_methods(
    head: LinearHead,
    identification: EmbeddingSet,
    tuning: EmbeddingSet,
    evaluation: EmbeddingSet,
    keys: Sequence[str] = tuple(METHODS),
    *,
    seeds: int = 5,
    settings: Mapping[str, Any] | None = None,
    known: Sequence[MethodSummary] = (),
    on_start: Callable[[Method, int], object] | None = None,
    on_run: Callable[[MethodSummary, MethodResult | None], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> list[MethodSummary]:
    """Run methods over seeds; ERM and class-balanced retraining without a mask are always among them.

    Args:
        head: the ERM head.
        identification, tuning: D_Ide and D_Tune.
        evaluation: the set that all are measured on.
        keys: of the methods; see `METHODS`.
        seeds: 0..seeds-1 for every method that has one.
        settings: by key, what a method runs with; its defaults where there is none.
        known: summaries of an earlier call on the same data, whose runs are not repeated; one that ran with other
            settings is.
        on_start: called before each run with the method and the seed.
        on_run: called after each run with the method's summary so far, and the result; None when it failed.
        should_stop: asked before each run; True ends the comparison with those done.

    Returns:
        One entry a method, by worst group (worst class without groups), the best first, failed ones last.

    Raises:
        InputError: when a key is unknown or the evaluation set does not fit the head. A method that fails on this data
            is an entry with its sentence, and the others go on.

    >>> from neurontune_core.embeddings import EmbeddingSet
    >>> data = EmbeddingSet(np.eye(2, dtype=np.float32), np.array([0, 1]), ("cat", "dog"))
    >>> (erm,) = compare_methods(LinearHead(np.eye(2), np.zeros(2)), data, data, data, ["erm"], should_stop=iter(
    ...     [False, True]).__next__)
    >>> erm.method.name, erm.accuracy.mean
    ('ERM', 1.0)
    """
    from neurontune_core.kernels import order, shared_steps, steps  # noqa: F401  not in the first method's seconds

    if seeds < 1:
        raise InputError(f"Expected at least one seed, but got {seeds}.")
    head.check_fits(evaluation.num_neurons, evaluation.num_classes, evaluation.class_names)
    done = {summary.method.key: summary for summary in known}
    shares, summaries = group_shares(tuning, evaluation), list[MethodSummary]()
    for entry in map(method, with_always(keys)):
        chosen = (settings or {}).get(entry.key) or entry.settings()
        summary = done.get(entry.key)
        if summary is None or changed_settings(summary.settings) != changed_settings(chosen):
            summary = MethodSummary(entry, chosen, shares=shares)
        for seed in range(summary.seeds, 0 if summary.error else num_runs(entry, seeds)):
            if should_stop is not None and should_stop():
                return ranked([*summaries, summary] if summary.runs else summaries)
            if on_start is not None:
                on_start(entry, seed)
            summary, result = _run(summary, seed, head, identification, tuning, evaluation)
            if on_run is not None:
                on_run(summary, result)
            if summary.error:
                break
        summaries.append(summary)
    return ranked(summaries)


def ranked(summaries: Sequence[MethodSummary]) -> list[MethodSummary]:
    """Return the summaries with the best first, by their `worst`, and those without a run last."""
    return sorted(summaries, key=lambda summary: (summary.worst is None, -summary.worst.mean if summary.worst else 0.0))


def _run(
    summary: MethodSummary,
    seed: int,
    head: LinearHead,
    identification: EmbeddingSet,
    tuning: EmbeddingSet,
    evaluation: EmbeddingSet,
) -> tuple[MethodSummary, MethodResult | None]:
    entry, settings = summary.method, summary.settings
    if _has_seed(settings):
        settings = replace(settings, seed=seed)
    try:
        result = entry.run(head, identification, tuning, settings)
    except InputError as error:
        return replace(summary, runs=(), error=str(error)), None
    except Exception as error:  # one method's fault must not take the others with it
        sentence = f"{entry.name} stopped unexpectedly ({type(error).__name__}: {str(error).strip()})."
        return replace(summary, runs=(), error=" ".join(sentence.split())), None
    run = SeedRun(seed, evaluate(result.head, evaluation), result.seconds, result.chosen, result.warnings)
    return replace(summary, runs=(*summary.runs, run)), result


def pareto_front(points: np.ndarray) -> np.ndarray:
    """Return which points no other point beats in one measure without losing in the other; more is better.

    Equal points are on the front together.

    Args:
        points: [N, 2].

    Returns:
        [N] bool.

    >>> pareto_front(np.array([[0.9, 0.5], [0.8, 0.7], [0.8, 0.4]])).tolist()
    [True, True, False]
    """
    beaten = [((points >= point).all(axis=1) & (points > point).any(axis=1)).any() for point in points]
    return ~np.array(beaten, dtype=bool)
