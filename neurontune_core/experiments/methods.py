"""Methods beside each other on one project: mean and spread over seeds, whatever any one of them does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from neurontune_core.baselines.base import Method, MethodResult
from neurontune_core.baselines.registry import METHODS, method
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import Evaluation, evaluate, group_shares, reweighted_accuracy
from neurontune_core.head import LinearHead
from neurontune_core.statistics import Spread

ALWAYS = ("erm", "masking_off")  # what every comparison is read against


@dataclass(frozen=True)
class SeedRun:
    """What one run of a method came to.

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
    """How one method did; every accuracy is in 0..1, on the evaluation set, and None without runs.

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
        return len(self.runs)

    @property
    def uses_groups(self) -> bool:
        """Whether any group label is used, to train or to choose."""
        return bool(self.method.groups_needed(self.settings))

    @property
    def accuracy(self) -> Spread | None:
        """Each sample counted once."""
        return self._over(lambda each: each.accuracy)

    @property
    def adjusted_accuracy(self) -> Spread | None:
        """Groups weighted as they occur in the tuning set, as some tables do; None where that cannot be."""
        return self._over(lambda each: reweighted_accuracy(each, self.shares))

    @property
    def worst_group_accuracy(self) -> Spread | None:
        """None without groups."""
        return self._over(lambda each: each.worst_group_accuracy)

    @property
    def accuracy_gap(self) -> Spread | None:
        """None without groups."""
        return self._over(lambda each: each.accuracy_gap)

    @property
    def worst_class_accuracy(self) -> Spread | None:
        return self._over(lambda each: each.worst_class_accuracy)

    @property
    def worst(self) -> Spread | None:
        """Worst group, or worst class where there are no groups: what methods are ranked by."""
        return self.worst_group_accuracy or self.worst_class_accuracy

    @property
    def seconds(self) -> Spread | None:
        """Of one run."""
        return Spread.of([run.seconds for run in self.runs]) if self.runs else None

    def parts(self) -> dict[str, Spread]:
        """Accuracy of every group (of every class, without groups) that has samples."""
        found: dict[str, list[float]] = {}
        for run in self.runs:
            for part in run.evaluation.groups or run.evaluation.classes:
                if part.n:
                    found.setdefault(part.name, []).append(part.correct / part.n)
        return {name: Spread.of(values) for name, values in found.items()}

    def _over(self, measure: Callable[[Evaluation], float | None]) -> Spread | None:
        values = [value for run in self.runs if (value := measure(run.evaluation)) is not None]
        return Spread.of(values) if values and len(values) == len(self.runs) else None


def num_runs(entry: Method, seeds: int) -> int:
    """How often a method is run: once when it has no seed."""
    return seeds if any(each.name == "seed" for each in fields(entry.settings)) else 1


def with_always(keys: Sequence[str]) -> tuple[str, ...]:
    """The keys with those of `ALWAYS` before them, each once; InputError for one that is not known."""
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
    """Run methods; ERM and masking off are always among them.

    Args:
        head: the ERM head.
        keys: of the methods; see `METHODS`.
        seeds: 0..seeds-1 for every method that has one.
        settings: by key, what a method runs with; its defaults where there is none.
        known: summaries of an earlier call with the same data and settings, whose runs are not repeated.
        on_start: called before each run with the method and the seed.
        on_run: called after each run with the method's summary so far, and the result; None when it failed.
        should_stop: asked before each run; True ends the comparison with those done.

    Returns:
        One entry a method, by worst group (worst class without groups), the best first, failed ones last.

    Raises:
        InputError: when a key is unknown or the evaluation set does not fit the head. A method that fails on this data
            is an entry with its sentence, and the others go on.
    """
    from neurontune_core.kernels import order, shared_steps, steps  # noqa: F401  not in the first method's seconds

    if seeds < 1:
        raise InputError(f"Expected at least one seed, but got {seeds}.")
    head.check_fits(evaluation.num_neurons, evaluation.num_classes)
    done = {each.method.key: each for each in known}
    shares, summaries = group_shares(tuning, evaluation), list[MethodSummary]()
    for entry in map(method, with_always(keys)):
        wanted = (settings or {}).get(entry.key) or entry.settings()
        summary = done.get(entry.key) or MethodSummary(entry, wanted, shares=shares)
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
    """The best first, those without a run last."""
    return sorted(summaries, key=lambda each: (each.worst is None, -each.worst.mean if each.worst else 0.0))


def _run(
    summary: MethodSummary,
    seed: int,
    head: LinearHead,
    identification: EmbeddingSet,
    tuning: EmbeddingSet,
    evaluation: EmbeddingSet,
) -> tuple[MethodSummary, MethodResult | None]:
    entry, settings = summary.method, summary.settings
    if any(each.name == "seed" for each in fields(settings)):
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
    """[N] bool: the points [N, 2] that no other one beats in one measure without losing in the other; more is better.

    Equal points are on it together.
    """
    beaten = [((points >= point).all(axis=1) & (points > point).any(axis=1)).any() for point in points]
    return ~np.array(beaten, dtype=bool)
