"""The robust rule: a stable mask and averaged heads, unless other epochs have a clearly better worst class. It is ours.

Two loops run side by side on the same batches. One masks the neurons whose score exceeds λ by ``stability`` standard
errors: the mask of the trained head is held for the first half of the epochs, then recomputed every epoch. The other
is the paper's. The head is the average of the later half of the held epochs. It gives way to the best challenger where
that one's worst class on the identification set is clearly better: the five best epochs by worst class averaged, or
the best one alone, of the recomputed epochs of either loop. docs/selection.md measures the rule.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from neurontune_core.evaluation.worst_class import worst_class_lead
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.mask_rule import NothingLeft, held_epochs
from neurontune_core.tuning.normalize import Normalizer
from neurontune_core.tuning.result import TuneResult
from neurontune_core.tuning.run import TuneRun, later_half

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
    place, kept = _choose(runs, vectors, labels, held_epochs(config.epochs), units)
    chosen = result(place, kept)
    head = replace(chosen.head, provenance=chosen.head.provenance | {"loop": LOOPS[place]})
    warnings = chosen.warnings
    if not chosen.biased.any():
        warnings += (
            f"No neuron's score exceeds {config.threshold:g} by {config.stability:g} standard errors, so the head was "
            "retrained without a mask; more misclassified samples in the identification set would show more.",
        )
    return replace(chosen, head=head, loop=LOOPS[place], warnings=warnings)


def _choose(
    runs: Sequence[TuneRun], vectors: np.ndarray, labels: np.ndarray, held: int, units: np.ndarray | None = None
) -> tuple[int, Sequence[int]]:
    """Return the place of a loop, and the places of the epochs to average, the best first."""

    def correct(place: int, kept: Sequence[int]) -> np.ndarray:
        return np.asarray(runs[place].average(kept).predict(vectors) == labels)

    default = (0, later_half(min(held, len(runs[0].worst_class))))
    ranked = [_best(runs[0].worst_class, held), _best(runs[1].worst_class, 0)]
    challengers = [(place, order[:count]) for count in (_BEST_EPOCHS, 1) for place, order in enumerate(ranked) if order]
    if not challengers:
        return default
    outcomes = [correct(*challenger) for challenger in challengers]
    best = int(np.argmax([_worst_class(outcome, labels) for outcome in outcomes]))  # the first of equal ones
    lead, error = worst_class_lead(outcomes[best], correct(*default), labels, units)
    clearly = lead >= _CLEAR_LEAD or lead > _CLEAR_ERRORS * error
    return challengers[best] if lead > 0 and clearly else default


def _best(worst_class: Sequence[float], start: int) -> list[int]:
    """Return the places from ``start`` on, the highest worst-class accuracy first; ties go to the earliest."""
    return sorted(range(start, len(worst_class)), key=lambda place: -worst_class[place])


def _worst_class(correct: np.ndarray, labels: np.ndarray) -> float:
    return min(float(correct[labels == label].mean()) for label in np.unique(labels))
