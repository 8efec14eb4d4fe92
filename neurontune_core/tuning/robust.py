"""The robust rule: a stable mask and averaged heads, unless other epochs have a clearly better worst class. It is ours.

Two loops run side by side on the same batches. One masks the neurons whose score exceeds λ by ``stability`` standard
errors: the mask of the trained head is held for the first half of the epochs, then recomputed every epoch. The other
is the paper's. The head is the average of the later half of the held epochs. Four challengers follow, the steadiest
first: the five best recomputed epochs of the loop with the stable mask, averaged, then the best one alone; and the same
of the paper's loop. Each is kept where its worst class on the identification set is clearly better than that of the
head that was kept so far. docs/selection.md measures the rule.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from neurontune_core.evaluation.worst_class import worst_class_lead
from neurontune_core.head import LinearHead
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.mask_rule import NothingLeft, held_epochs
from neurontune_core.tuning.normalize import Normalizer
from neurontune_core.tuning.result import TuneResult
from neurontune_core.tuning.run import TuneRun, later_half


class Loop(Protocol):
    """What is chosen from: the worst class after each epoch, and the mean of the heads of some epochs."""

    @property
    def worst_class(self) -> Sequence[float]: ...

    def average(self, places: Sequence[int]) -> LinearHead: ...


LOOPS = ("stable", "paper")
_BEST_EPOCHS = 5
_CLEAR_LEAD = 0.04  # of the worst class's accuracy, by which a challenger wins
_CLEAR_ERRORS = 1.5  # or by so many standard errors


def loops_of(config: TuneConfig) -> list[TuneConfig]:
    """Return the settings of the loops of a run: one, or both of the robust rule."""
    if config.select != "robust" or not config.masking:
        return [config]
    return [replace(config, rounds="held"), replace(config, stability=0.0)]


def next_masks(runs: Sequence[TuneRun]) -> dict[int, np.ndarray]:
    """Return the factors [C, M] of the next epoch of every loop that has one, by place.

    Raises:
        NothingLeft: when every neuron would be masked in the first epoch of the first loop.
    """
    masks = {}
    for place, run in enumerate(runs):
        try:
            mask = run.next_mask()
        except NothingLeft:
            if place == 0:
                raise
            continue  # the paper's loop has no first epoch; the stable mask has one
        if mask is not None:
            masks[place] = mask
    return masks


def conclude(
    config: TuneConfig,
    runs: Sequence[TuneRun],
    vectors: np.ndarray,
    labels: np.ndarray,
    normalizer: Normalizer,
    class_names: tuple[str, ...],
    stopped: bool,
    began: float,
    units: np.ndarray | None = None,
) -> TuneResult:
    """Choose the epochs that are kept, and return the tuned head.

    Args:
        config: the settings of the whole run.
        runs: as `loops_of` says.
        vectors, labels: [N, M] and [N] of the identification set, normalized.
        normalizer, class_names, stopped: as in `TuneRun.result`.
        began: `time.perf_counter` when the run began.
        units: [N] int of the identification set, samples with the same number belong together; None for none.
    """

    def result(place: int, kept: Sequence[int] | None) -> TuneResult:
        seconds = time.perf_counter() - began
        return runs[place].result(config, normalizer, class_names, stopped, seconds, kept)

    if len(runs) == 1 or not runs[0].worst_class:
        return result(0, None)
    place, kept = choose_epochs(runs, vectors, labels, held_epochs(config.epochs), units)
    chosen = result(place, kept)
    head = replace(chosen.head, provenance=chosen.head.provenance | {"loop": LOOPS[place]})
    warnings = chosen.warnings
    if not chosen.biased.any():
        warnings += (
            f"No neuron's score exceeds {config.threshold:g} by {config.stability:g} standard errors, so the head was "
            "retrained without a mask; more misclassified samples in the identification set would show more.",
        )
    return replace(chosen, head=head, loop=LOOPS[place], warnings=warnings)


def choose_epochs(
    runs: Sequence[Loop], vectors: np.ndarray, labels: np.ndarray, held: int, units: np.ndarray | None = None
) -> tuple[int, list[int]]:
    """Return the place of the loop that is kept, and the places of its epochs to average, the best first.

    Args:
        runs: the loop with the stable mask, and the paper's.
        vectors, labels: of the identification set.
        held: for how many epochs the stable mask is held.
        units: [N] as in `worst_class_lead`.
    """
    kept = (0, later_half(min(held, len(runs[0].worst_class))))
    correct = runs[0].average(kept[1]).predict(vectors) == labels
    ranked = [_best(runs[0].worst_class, held), _best(runs[1].worst_class, 0)]
    for place, order in enumerate(ranked):
        for count in (_BEST_EPOCHS, 1):
            if not order:
                continue
            challenger = runs[place].average(order[:count]).predict(vectors) == labels
            lead, error = worst_class_lead(challenger, correct, labels, units)
            if lead > 0 and (lead >= _CLEAR_LEAD or lead > _CLEAR_ERRORS * error):
                kept, correct = (place, order[:count]), challenger
    return kept


def _best(worst_class: Sequence[float], start: int) -> list[int]:
    """Return the places from ``start`` on, the highest worst-class accuracy first; ties go to the earliest."""
    return sorted(range(start, len(worst_class)), key=lambda place: -worst_class[place])
