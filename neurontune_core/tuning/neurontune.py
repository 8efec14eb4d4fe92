"""NeuronTune: identify biased neurons, mask them, retrain the last layer on class-balanced batches, repeat (Eq. 7)."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from neurontune_core.embeddings import EmbeddingSet, check_compatible
from neurontune_core.head import LinearHead
from neurontune_core.identification.scorer import SpuriousnessScorer
from neurontune_core.mask import CueMask
from neurontune_core.tuning.balanced_trainer import BalancedTrainer
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.normalize import Normalizer
from neurontune_core.tuning.result import EpochRecord, TuneResult
from neurontune_core.tuning.robust import conclude, loops_of, next_masks
from neurontune_core.tuning.run import TuneRun, initial


def neurontune(
    head: LinearHead,
    identification: EmbeddingSet,
    tuning: EmbeddingSet,
    config: TuneConfig = TuneConfig(),
    *,
    always: np.ndarray | None = None,
    never: np.ndarray | None = None,
    cue: CueMask | None = None,
    scorer: SpuriousnessScorer | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> TuneResult:
    """Tune a head without using any group label.

    Args:
        head: the ERM head of the model that made the embeddings.
        identification: D_Ide, which finds biased neurons and selects the epoch.
        tuning: D_Tune, which the head is retrained on.
        config: the settings.
        always, never: [M] bool, a user's verdicts: neurons masked, or spared, whatever their score.
        cue: a cue whose neurons are masked in every epoch, in place of the biased ones or beside them; a person's
            knowledge, which the paper's method does not use.
        scorer: a scorer of ``identification.embeddings`` made with the same settings, to save the one-time sort. It is
            ignored when the embeddings are normalized.
        on_epoch: called after every epoch; with ``select="robust"``, with the record of the loop with the stable mask.
        should_stop: asked before every epoch; True ends the run with the best epoch so far.

    Raises:
        NoMistakes: when the ERM head makes no mistake on the identification set and masking is on.
        NothingLeft: when every neuron would be masked in the first epoch; in a later one, tuning ends with a warning.
        InputError: when the sets or the head do not fit each other, when a class has no tuning samples, or when the
            head diverges.

    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(200) % 2
    >>> vectors = np.abs(rng.normal(size=(200, 8)) + np.outer(labels, np.arange(8) < 3))
    >>> data = EmbeddingSet(vectors, labels, ("land", "water"))
    >>> result = neurontune(LinearHead.from_binary(rng.normal(size=8), 0.0), data, data, TuneConfig(epochs=2))
    >>> len(result.history), result.head.weight.shape, bool((result.head.weight[:, result.biased] == 0).all())
    (2, (2, 8), True)
    """
    began = time.perf_counter()
    check_compatible(identification, tuning)
    head.check_fits(tuning.num_neurons, tuning.num_classes, tuning.class_names)
    normalizer = Normalizer.fit(tuning.embeddings, config.normalize)
    vectors = normalizer.apply(identification.embeddings)
    if scorer is None or config.normalize != "none":
        scorer = SpuriousnessScorer.for_config(config, identification, vectors)
    start, tuned_on = normalizer.unfold(head), normalizer.apply(tuning.embeddings)
    stopped = False
    with threadpool_limits(1):  # two threads on a busy machine made these small products many times slower
        loops = []
        for each in loops_of(config):
            rng = np.random.default_rng(each.seed)  # of its own, so that a loop does not depend on the other one
            trainer = BalancedTrainer(initial(start, each, rng), tuned_on, tuning, each, rng)
            loops.append((TuneRun(each, start, identification, vectors, scorer, always, never, cue), trainer))
        while masks := next_masks([run for run, _ in loops]):
            if should_stop is not None and should_stop():
                stopped = True
                break
            records = [
                run.note(trainer.run(masks[place]), trainer.head)
                for place, (run, trainer) in enumerate(loops)
                if place in masks
            ]
            if on_epoch is not None:
                on_epoch(records[0])
    runs = [run for run, _ in loops]
    labels, units = identification.labels, identification.unit_numbers
    return conclude(config, runs, vectors, labels, normalizer, tuning.class_names, stopped, began, units)


def neurontune_halves(
    head: LinearHead, held_out: EmbeddingSet, config: TuneConfig = TuneConfig(), **options: object
) -> TuneResult:
    """Tune a head on one half of a held-out set; the other half identifies and selects (NeuronTune†, Section 5.5).

    Args:
        head, config: as in `neurontune`; ``config.seed`` also draws the class-stratified halves.
        held_out: the set to halve, such as the validation set.
        options: passed on to `neurontune`.

    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(200) % 2
    >>> vectors = np.abs(rng.normal(size=(200, 8)) + np.outer(labels, np.arange(8) < 3))
    >>> data = EmbeddingSet(vectors, labels, ("land", "water"))
    >>> result = neurontune_halves(LinearHead.from_binary(rng.normal(size=8), 0.0), data, TuneConfig(epochs=2))
    >>> result.head.class_names
    ('land', 'water')
    """
    tuning, identification = held_out.halves(config.seed)
    return neurontune(head, identification, tuning, config, **options)  # type: ignore[arg-type]
