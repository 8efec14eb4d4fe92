"""The masks that two halves of validation end with, for benchmarks/selection_rules.py: how far they agree."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from advice_problems import VALIDATIONS, Problem, Sets
from threadpoolctl import threadpool_limits

from neurontune_core import EmbeddingSet, InputError
from neurontune_core.identification.scorer import SpuriousnessScorer
from neurontune_core.tuning.balanced_trainer import BalancedTrainer
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.normalize import Normalizer
from neurontune_core.tuning.presets import preset
from neurontune_core.tuning.result import TuneResult
from neurontune_core.tuning.robust import conclude, loops_of, next_masks
from neurontune_core.tuning.run import TuneRun, initial


def loops(sets: Sets, identification: EmbeddingSet, config: TuneConfig) -> list[TuneRun]:
    """Run the loops of a setting, as `neurontune` does, and return them with the heads of all epochs."""
    vectors = identification.embeddings
    scorer = SpuriousnessScorer.for_config(config, identification)
    both = []
    for each in loops_of(config):
        rng = np.random.default_rng(each.seed)
        trainer = BalancedTrainer(initial(sets.head, each, rng), sets.train.embeddings, sets.train, each, rng)
        both.append((TuneRun(each, sets.head, identification, vectors, scorer), trainer))
    while masks := next_masks([run for run, _ in both]):
        for place, mask in masks.items():
            run, trainer = both[place]
            run.note(trainer.run(mask), trainer.head)
    return [run for run, _ in both]


def concluded(config: TuneConfig, runs: Sequence[TuneRun], samples: EmbeddingSet) -> TuneResult:
    normalizer = Normalizer.fit(samples.embeddings, "none")
    vectors, labels = samples.embeddings, samples.labels
    return conclude(config, runs, vectors, labels, normalizer, samples.class_names, False, time.perf_counter())


def masks_of_halves(sets: Sets) -> dict[str, np.ndarray]:
    """Return the masks that Robust and SFit end with on either half of validation; none of a half without mistakes."""
    masks, config = {}, preset("robust")
    for number, half in enumerate(sets.validation.halves(0)):
        try:
            runs = loops(sets, half, config)
        except InputError:
            continue
        masks[f"Robust {number}"] = concluded(config, runs, half).biased
        if runs[1].epochs:  # λ = 0 may mask every one of few neurons
            masks[f"SFit {number}"] = concluded(TuneConfig(), runs[1:], half).biased
    return masks


def halves(problems: Iterable[Problem], cache: Path) -> Iterable[tuple[str, dict[str, np.ndarray]]]:
    """Yield the validation set and the masks of its halves, of every problem."""
    cache.mkdir(parents=True, exist_ok=True)
    for problem in problems:
        for validation in VALIDATIONS:
            file = cache / f"{problem.name}-{validation}.npz"
            if not file.exists():
                with threadpool_limits(1):
                    np.savez(file, **masks_of_halves(problem.make(validation)))
                print(f"  halves of {file.stem}", flush=True)
            with np.load(file, allow_pickle=False) as content:
                yield validation, dict(content)


def print_masks(masks: Sequence[dict[str, np.ndarray]]) -> None:
    """Print how far the masks of two halves agree, and how far chance would make them agree."""
    for rule in ("Robust", "SFit"):
        pairs = [[of[f"{rule} {half}"] for half in (0, 1)] for of in masks if {f"{rule} 0", f"{rule} 1"} <= set(of)]
        shown = [(a, b) for a, b in pairs if a.any() and b.any()]
        if not shown:
            continue
        shares = [(a.mean(), b.mean()) for a, b in shown]
        agreement = float(np.mean([(a & b).sum() / (a | b).sum() for a, b in shown]))
        chance = float(np.mean([p * q / (p + q - p * q) for p, q in shares]))
        print(
            f"Masks of two halves ({rule}): Jaccard {agreement:.2f}, by chance {chance:.2f}, "
            f"{agreement / chance:.1f} times, {len(shown)} pairs; {len(pairs) - len(shown)} more with an empty mask."
        )
