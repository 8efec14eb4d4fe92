"""Methods beside each other on one project: mean and spread over seeds, whatever any one of them does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from neurontune_core.baselines import METHODS, Method, method
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluate import Evaluation, evaluate
from neurontune_core.head import LinearHead

ALWAYS = ("erm", "masking_off")  # what every comparison is read against


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over seeds (of the population: 0 for one seed)."""

    mean: float
    sd: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(float(np.mean(values)), float(np.std(values)))


@dataclass(frozen=True)
class Standing:
    """How one method did; every accuracy is in 0..1, on the evaluation set.

    Attributes:
        method: its registry entry.
        seeds: how many runs the numbers rest on; methods without a seed run once.
        accuracy: each sample counted once.
        adjusted_accuracy: groups weighted as they occur in the tuning set, as some tables do; None without groups.
        worst_group_accuracy, accuracy_gap: None without groups.
        worst_class_accuracy, seconds: of one run.
        uses_groups: whether it saw group labels.
        error: why it failed, in one sentence; the numbers are None then.
    """

    method: Method
    seeds: int
    accuracy: Spread | None = None
    adjusted_accuracy: Spread | None = None
    worst_group_accuracy: Spread | None = None
    accuracy_gap: Spread | None = None
    worst_class_accuracy: Spread | None = None
    seconds: Spread | None = None
    uses_groups: bool = False
    error: str = ""


def compare_methods(
    head: LinearHead,
    identification: EmbeddingSet,
    tuning: EmbeddingSet,
    evaluation: EmbeddingSet,
    keys: Sequence[str] = tuple(METHODS),
    *,
    seeds: int = 5,
    on_standing: Callable[[Standing], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> list[Standing]:
    """Run methods with their default settings; ERM and masking off are always among them.

    Args:
        head: the ERM head.
        keys: of the methods; see `METHODS`.
        seeds: 0..seeds-1 for every method that has one.
        on_standing: called after each method.
        should_stop: asked before each method; True ends the comparison with those done.

    Returns:
        One entry a method, by worst group (worst class without groups), the best first, failed ones last.

    Raises:
        InputError: when a key is unknown or the evaluation set does not fit the head. A method that fails on this data
            is an entry with its sentence, and the others go on.
    """
    if seeds < 1:
        raise InputError(f"Expected at least one seed, but got {seeds}.")
    head.check_fits(evaluation.num_neurons, evaluation.num_classes)
    chosen = [method(key) for key in dict.fromkeys((*ALWAYS, *keys))]
    standings = []
    for each in chosen:
        if should_stop is not None and should_stop():
            break
        standings.append(_standing(each, head, identification, tuning, evaluation, seeds))
        if on_standing is not None:
            on_standing(standings[-1])
    return sorted(standings, key=_order)


def _order(standing: Standing) -> tuple[bool, float]:
    first = standing.worst_group_accuracy or standing.worst_class_accuracy
    return first is None, 0.0 if first is None else -first.mean


def _standing(
    entry: Method,
    head: LinearHead,
    identification: EmbeddingSet,
    tuning: EmbeddingSet,
    evaluation: EmbeddingSet,
    seeds: int,
) -> Standing:
    settings = entry.settings()
    count = seeds if any(each.name == "seed" for each in fields(settings)) else 1
    runs = []
    try:
        for seed in range(count):
            with_seed = replace(settings, seed=seed) if count > 1 else settings
            runs.append(entry.run(head, identification, tuning, with_seed))
    except InputError as error:
        return Standing(entry, count, uses_groups=entry.uses_groups, error=str(error))
    found = [evaluate(run.head, evaluation) for run in runs]
    grouped = evaluation.groups is not None
    return Standing(
        entry,
        count,
        accuracy=Spread.of([each.accuracy for each in found]),
        adjusted_accuracy=_spread([_adjusted(each, tuning) for each in found]),
        worst_group_accuracy=Spread.of([each.worst_group_accuracy or 0.0 for each in found]) if grouped else None,
        accuracy_gap=Spread.of([each.accuracy_gap or 0.0 for each in found]) if grouped else None,
        worst_class_accuracy=Spread.of([each.worst_class_accuracy for each in found]),
        seconds=Spread.of([run.seconds for run in runs]),
        uses_groups=runs[0].uses_groups,
    )


def _spread(values: Sequence[float | None]) -> Spread | None:
    known = [value for value in values if value is not None]
    return Spread.of(known) if len(known) == len(values) else None


def _adjusted(evaluation: Evaluation, tuning: EmbeddingSet) -> float | None:
    """None when either set has no groups, or a group of the tuning set is not in the evaluation set."""
    if tuning.groups is None or len(evaluation.groups) != len(tuning.group_names):
        return None
    weights = np.bincount(tuning.groups, minlength=len(tuning.group_names)) / tuning.num_samples
    if any(weight and not part.n for weight, part in zip(weights, evaluation.groups, strict=True)):
        return None
    return float(sum(w * (p.accuracy or 0.0) for w, p in zip(weights, evaluation.groups, strict=True)))


def standings_table(standings: Sequence[Standing]) -> list[dict[str, str]]:
    """The leaderboard as text, in per cent, mean ± standard deviation: for Markdown, CSV and the terminal."""

    def shown(value: Spread | None, factor: float = 100.0) -> str:
        if value is None:
            return "–"
        return f"{factor * value.mean:.1f}" + (f" ± {factor * value.sd:.1f}" if value.sd else "")

    return [
        {
            "method": each.method.name,
            "worst group": each.error or shown(each.worst_group_accuracy),
            "worst class": shown(each.worst_class_accuracy),
            "average": shown(each.accuracy),
            "average, re-weighted": shown(each.adjusted_accuracy),
            "gap": shown(each.accuracy_gap),
            "seeds": str(each.seeds),
            "seconds": "–" if each.seconds is None else f"{each.seconds.mean:.2f}",
            "uses groups": "yes" if each.uses_groups else "no",
        }
        for each in standings
    ]
