"""Many settings of NeuronTune at once: what they have in common is done once, and the batches are shared."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from neurontune_core.embeddings import EmbeddingSet, check_compatible
from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead
from neurontune_core.identification.scorer import SpuriousnessScorer
from neurontune_core.tuning.balanced_trainer import MOST_FUSED_CLASSES
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.neurontune import neurontune
from neurontune_core.tuning.normalize import Normalizer
from neurontune_core.tuning.result import TuneResult
from neurontune_core.tuning.robust import loops_of
from neurontune_core.tuning.run import TuneRun, initial
from neurontune_core.tuning.shared_trainer import SharedTrainer

SweepResult = TuneResult | InputError

_SAME_BATCHES = ("seed", "batches", "batch_size", "init", "normalize")
_SAME_SCORES = ("magnitude", "statistic", "quantile")
_CHOOSING = ("select", "average_epochs")  # what is kept of a run, not how it goes


def neurontune_sweep(
    head: LinearHead,
    identification: EmbeddingSet,
    tuning: EmbeddingSet,
    configs: Sequence[TuneConfig],
    *,
    on_epoch: Callable[[], object] | None = None,
) -> list[SweepResult]:
    """Run `neurontune` with many settings, for much less than the time of that many runs.

    Sums are taken in another order, so a head agrees to a float's precision, until one sample lies so close to the
    border between two classes that rounding decides its prediction: from there on scores, masks and heads may part.

    Settings that differ only in how an epoch is chosen are one run. Those with the same seed, batches and scaling are
    trained side by side on the same rows. The one-time sort is shared by all with the same statistic.

    Args:
        head, identification, tuning: as in `neurontune`.
        configs: the settings, in any order.
        on_epoch: called after every epoch of a group of runs; what it raises ends the sweep.

    Returns:
        One entry a setting: its result, or the InputError that it ended with.

    Raises:
        InputError: when the sets or the head do not fit each other.
    """
    check_compatible(identification, tuning)
    head.check_fits(tuning.num_neurons, tuning.num_classes, tuning.class_names)
    scorers: dict[tuple, SpuriousnessScorer] = {}
    outcomes: dict[int, SweepResult] = {}
    shared = [place for place, config in enumerate(configs) if len(loops_of(config)) == 1]
    for place in set(range(len(configs))) - set(shared):  # two loops each, which run side by side already
        outcomes[place] = _alone(head, identification, tuning, configs[place])
        if on_epoch is not None:
            on_epoch()
    for places in _grouped(configs, shared, _SAME_BATCHES):
        group = [configs[place] for place in places]
        for place, outcome in zip(
            places, _together(head, identification, tuning, group, scorers, on_epoch), strict=True
        ):
            outcomes[place] = outcome
    return [outcomes[place] for place in range(len(configs))]


def _together(
    head: LinearHead,
    identification: EmbeddingSet,
    tuning: EmbeddingSet,
    configs: Sequence[TuneConfig],
    scorers: dict[tuple, SpuriousnessScorer],
    on_epoch: Callable[[], object] | None,
) -> list[SweepResult]:
    """Return the outcomes of settings that draw the same batches."""
    began = time.perf_counter()
    distinct = list(dict.fromkeys(map(_training, configs)))
    if head.num_classes > MOST_FUSED_CLASSES:  # the shared loop is made for few classes
        return [_alone(head, identification, tuning, config) for config in configs]
    rng = np.random.default_rng(configs[0].seed)
    normalizer = Normalizer.fit(tuning.embeddings, configs[0].normalize)
    vectors = normalizer.apply(identification.embeddings)
    start = normalizer.unfold(head)
    with threadpool_limits(1):
        begin = initial(start, configs[0], rng)
        trainer = SharedTrainer(begin, normalizer.apply(tuning.embeddings), tuning, distinct, rng)
        runs: dict[int, TuneRun] = {}
        errors: dict[int, InputError] = {}
        for lane, config in enumerate(distinct):
            with _caught(errors, lane):
                scorer = _scorer(scorers, config, identification, vectors)
                runs[lane] = TuneRun(config, start, identification, vectors, scorer)
        while masks := _masks(runs, errors):
            predicted: dict[SpuriousnessScorer, list[tuple[int, np.ndarray]]] = {}
            for lane, loss in trainer.run(masks).items():
                with _caught(errors, lane):
                    predictions = runs[lane].take(loss, partial(trainer.head, lane))
                    predicted.setdefault(runs[lane].scorer, []).append((lane, predictions))
            for scorer, lanes in predicted.items():
                scores = scorer.several([predictions for _, predictions in lanes])
                for (lane, _), of_lane in zip(lanes, scores, strict=True):
                    runs[lane].close(of_lane)
            if on_epoch is not None:
                on_epoch()
    seconds = time.perf_counter() - began
    outcomes: list[SweepResult] = []
    for config in configs:
        lane = distinct.index(_training(config))
        with _caught(errors, lane):
            if lane not in errors:
                outcomes.append(
                    runs[lane].result(config, normalizer, tuning.class_names, False, seconds / len(configs))
                )
                continue
        outcomes.append(errors[lane])
    return outcomes


class _caught:
    """Bad input of one lane is its outcome, and the others go on."""

    def __init__(self, errors: dict[int, InputError], lane: int) -> None:
        self._errors, self._lane = errors, lane

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, InputError):
            self._errors[self._lane] = error
            return True
        return False


def _masks(runs: dict[int, TuneRun], errors: dict[int, InputError]) -> dict[int, np.ndarray]:
    masks: dict[int, np.ndarray] = {}
    for lane, run in runs.items():
        if lane not in errors:
            with _caught(errors, lane):
                mask = run.next_mask()
                if mask is not None:
                    masks[lane] = mask
    return masks


def _alone(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, config: TuneConfig) -> SweepResult:
    try:
        return neurontune(head, identification, tuning, config)
    except InputError as error:
        return error


def _scorer(
    scorers: dict[tuple, SpuriousnessScorer], config: TuneConfig, identification: EmbeddingSet, vectors: np.ndarray
) -> SpuriousnessScorer:
    """Return one scorer, with its one-time sort, for all settings with the same statistic of the same vectors."""
    key = (config.normalize, *(getattr(config, name) for name in _SAME_SCORES))
    if key not in scorers:
        scorers[key] = SpuriousnessScorer.for_config(config, identification, vectors)
    return scorers[key]


def _training(config: TuneConfig) -> TuneConfig:
    """Return the settings that decide how a run goes, others at their defaults, so that equal runs are equal."""
    same = {name: getattr(TuneConfig(), name) for name in _CHOOSING}
    if not config.masking:
        same |= {
            name: getattr(TuneConfig(), name)
            for name in ("threshold", "stability", "mask_value", "rounds", "mask_scope")
        }
        same |= {"max_masked_fraction": 1.0}
    return replace(config, **same)


def _grouped(configs: Sequence[TuneConfig], places: Iterable[int], names: Iterable[str]) -> list[list[int]]:
    """Group these places by their settings: those of a group are equal in the named ones."""
    groups: dict[tuple, list[int]] = {}
    for place in places:
        groups.setdefault(tuple(getattr(configs[place], name) for name in names), []).append(place)
    return list(groups.values())
