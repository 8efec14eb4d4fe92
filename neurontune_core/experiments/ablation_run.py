"""Run an ablation: every seed's settings as one sweep, measured on the evaluation set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import evaluate
from neurontune_core.experiments.ablations import SETS_IN_WORDS, Ablation, Variant
from neurontune_core.experiments.leaderboard import format_spread
from neurontune_core.head import LinearHead
from neurontune_core.statistics import Spread
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.sweep import SweepResult, neurontune_sweep

MEASURES = {
    "worst group": "worst_group_accuracy",
    "worst class": "worst_class_accuracy",
    "average": "accuracy",
}


@dataclass(frozen=True)
class VariantResult:
    """One variant of an ablation, measured.

    Attributes:
        at: as in `Variant`, the sets in words.
        values: measure (see `MEASURES`, and "biased": the neurons of S in the kept epoch) -> one number a seed,
            accuracies in 0..1; worst group is missing without groups.
        error: the sentence of the seed that failed, if one did.
    """

    at: Mapping[str, str | float]
    values: Mapping[str, tuple[float, ...]]
    error: str = ""

    def spread(self, measure: str) -> Spread | None:
        """Return mean and deviation over seeds; None where the measure is missing."""
        values = self.values.get(measure)
        return Spread.of(values) if values else None


def run_ablation(
    study: Ablation,
    head: LinearHead,
    sets: Mapping[str, EmbeddingSet],
    *,
    seeds: int = 5,
    base: TuneConfig = TuneConfig(),
    on_epoch: Callable[[int, int], object] | None = None,
    on_seed: Callable[[list[VariantResult]], object] | None = None,
) -> list[VariantResult]:
    """Run an ablation.

    Args:
        study: the ablation.
        head: the ERM head.
        sets: role ("identification", "tuning", "evaluation") -> set.
        seeds: 0..seeds-1.
        base: the settings that are not varied.
        on_epoch: called with the number of epochs done and in all (an upper bound); what it raises ends the ablation.
        on_seed: called after each seed with what is measured so far.

    Returns:
        One entry a row, in the ablation's order. A row that fails carries its sentence, and the others go on.

    Raises:
        InputError: when there are no seeds, when ``base`` changes what is varied, or the sets or the head do not fit.
    """
    if seeds < 1:
        raise InputError(f"Expected at least one seed, but got {seeds}.")
    variants = study.variants(head, sets["identification"], base)
    for setting in fields(base):
        value = getattr(base, setting.name)
        if value != setting.default and any(getattr(variant.config, setting.name) != value for variant in variants):
            raise InputError(f'"{study.title}" varies {setting.name} itself; leave it out of the settings.')
    words = {role: embedding_set.split or role for role, embedding_set in sets.items()}
    rows: list[dict[str, Any]] = [{"at": _in_words(variant, words), "values": {}, "error": ""} for variant in variants]
    groups = _shared(variants)
    total, done = seeds * sum(_epochs([variants[place].config for place in places]) for places in groups), 0
    results: list[VariantResult] = []
    for seed in range(seeds):
        for places in groups:
            identification, tuning = _sets(variants[places[0]], sets, seed)

            def tick() -> None:
                nonlocal done
                done += 1
                if on_epoch is not None:
                    on_epoch(done, total)

            configs = [replace(variants[place].config, seed=seed) for place in places]
            outcomes = neurontune_sweep(head, identification, tuning, configs, on_epoch=tick)
            for place, outcome in zip(places, outcomes, strict=True):
                _measure(rows[place], outcome, sets["evaluation"])
        results = [
            VariantResult(row["at"], {name: tuple(values) for name, values in row["values"].items()}, row["error"])
            for row in rows
        ]
        if on_seed is not None:
            on_seed(results)
    return results


def ablation_table(results: Sequence[VariantResult]) -> list[dict[str, str]]:
    """Return one row of text a variant: per cent, mean ± deviation over seeds, and the number of biased neurons.

    >>> (row,) = ablation_table([VariantResult({"mask value": 0.5}, {"average": (0.8, 0.9), "biased": (3.0, 5.0)})])
    >>> row["mask value"], row["average"], row["biased neurons"], row["seeds"]
    ('0.5', '85.0 ± 7.1', '4', '2')
    """
    columns = [name for name in MEASURES if any(name in row.values for row in results)]
    failed = any(row.error for row in results)
    return [
        {name: value if isinstance(value, str) else f"{value:g}" for name, value in row.at.items()}
        | {name: format_spread(row.spread(name)) for name in columns}
        | {"biased neurons": _count(row), "seeds": str(len(row.values.get("average", ())))}
        | ({"failed": row.error} if failed else {})
        for row in results
    ]


def _count(row: VariantResult) -> str:
    biased = row.spread("biased")
    return "–" if biased is None else f"{biased.mean:.0f}"


def _measure(row: dict[str, Any], outcome: SweepResult, evaluation: EmbeddingSet) -> None:
    if isinstance(outcome, InputError):
        row["error"] = str(outcome)
        return
    measured = evaluate(outcome.head, evaluation)
    for name, attribute in MEASURES.items():
        value = getattr(measured, attribute)
        if value is not None:
            row["values"].setdefault(name, []).append(value)
    row["values"].setdefault("biased", []).append(float(np.sum(outcome.biased)))


def _sets(variant: Variant, sets: Mapping[str, EmbeddingSet], seed: int) -> tuple[EmbeddingSet, EmbeddingSet]:
    """Return the set that identifies, and the set that tunes."""
    if variant.sets == "halves":
        tuning, identification = sets["identification"].halves(seed)
        return identification, tuning
    return sets["tuning" if variant.sets == "training" else "identification"], sets["tuning"]


def _shared(variants: Sequence[Variant]) -> list[list[int]]:
    """Return the places of the variants that use the same sets, group by group."""
    groups: dict[str, list[int]] = {}
    for place, variant in enumerate(variants):
        groups.setdefault(variant.sets, []).append(place)
    return list(groups.values())


def _epochs(configs: Sequence[TuneConfig]) -> int:
    """Return the epochs of a sweep at most: settings with the same batches go side by side."""
    together: dict[tuple, int] = {}
    for config in configs:
        key = (config.batches, config.batch_size, config.init, config.normalize)
        together[key] = max(together.get(key, 0), config.epochs)
    return sum(together.values())


def _in_words(variant: Variant, words: Mapping[str, str]) -> dict[str, str | float]:
    return {
        name: SETS_IN_WORDS[variant.sets].format(**words) if name == "sets" else value
        for name, value in variant.at.items()
    }
