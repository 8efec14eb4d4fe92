"""NeuronTune: identify biased neurons, mask them, retrain the last layer on class-balanced batches, repeat (Eq. 7)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from neurontune_core.config import TuneConfig
from neurontune_core.embeddings import EmbeddingSet, check_compatible
from neurontune_core.errors import InputError
from neurontune_core.evaluate import evaluate_predictions
from neurontune_core.head import LinearHead
from neurontune_core.identify import NoMistakes, SpuriousnessScorer, SpuriousnessScores
from neurontune_core.normalize import Normalizer
from neurontune_core.steps import BalancedTrainer

_MANY_MASKED = 0.9  # above this share of masked neurons the result is warned about


class NothingLeft(InputError):
    """Every neuron would be masked."""


@dataclass(frozen=True)
class EpochRecord:
    """What is known after one epoch; all but the loss is measured on the identification set with the masked head.

    Attributes:
        epoch: from 1.
        loss: mean class-balanced cross-entropy over the epoch's batches.
        sfit: the selection score; 0 when the head makes no mistake.
        accuracy, worst_class_accuracy: in 0..1.
        worst_group_accuracy: None without groups. Measured only: nothing is chosen by it.
        num_biased: neurons masked during the epoch (for masks by class: in any class).
    """

    epoch: int
    loss: float
    sfit: float
    accuracy: float
    worst_class_accuracy: float
    worst_group_accuracy: float | None
    num_biased: int


@dataclass(frozen=True, eq=False)
class TuneResult:
    """A tuned head and how it came to be.

    Attributes:
        head: mask (and normalisation) folded in; plain ``embeddings @ weight.T + bias`` gives its logits.
        biased: [M] bool, the neurons masked in the kept epoch.
        scores: the scores that the kept epoch's mask was drawn from; None with masking off.
        history: one record an epoch.
        epoch: the kept epoch (the best of them when several are averaged).
        config: the settings.
        warnings: sentences.
        stopped: True when ``should_stop`` ended the run early; the head is then the best so far.
        seconds: wall time.
    """

    head: LinearHead
    biased: np.ndarray
    scores: SpuriousnessScores | None
    history: tuple[EpochRecord, ...]
    epoch: int
    config: TuneConfig
    warnings: tuple[str, ...]
    stopped: bool
    seconds: float


@dataclass(frozen=True, eq=False)
class _Epoch:
    """One epoch's outcome, kept until the best is chosen."""

    record: EpochRecord
    head: LinearHead
    biased: np.ndarray
    scores: SpuriousnessScores | None


def neurontune(
    head: LinearHead,
    identification: EmbeddingSet,
    tuning: EmbeddingSet,
    config: TuneConfig = TuneConfig(),
    *,
    always: np.ndarray | None = None,
    never: np.ndarray | None = None,
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
        always, never: [M] bool, a person's verdicts: neurons masked, or spared, whatever their score.
        scorer: a scorer of ``identification.embeddings`` made with the same settings, to save the one-time sort. It is
            ignored when the embeddings are normalised.
        on_epoch: called after every epoch.
        should_stop: asked before every epoch; True ends the run with the best epoch so far.

    Raises:
        NoMistakes: when the ERM head makes no mistake on the identification set and masking is on.
        NothingLeft: when every neuron would be masked in the first epoch; in a later one, tuning ends with a warning.
        InputError: when the sets or the head do not fit each other, when a class has no tuning samples, or when the
            head diverges.
    """
    began = time.perf_counter()
    check_compatible(identification, tuning)
    head.check_fits(tuning.num_neurons, tuning.num_classes)
    normalizer = Normalizer.fit(tuning.embeddings, config.normalize)
    vectors = normalizer.apply(identification.embeddings)
    if scorer is None or config.normalize != "none":
        scorer = SpuriousnessScorer(
            vectors,
            identification.labels,
            identification.num_classes,
            magnitude=config.magnitude,
            statistic=config.statistic,
            quantile=config.quantile,
            class_names=identification.class_names,
        )
    rng = np.random.default_rng(config.seed)
    start = normalizer.unfold(head)
    trainer = BalancedTrainer(_initial(start, config, rng), normalizer.apply(tuning.embeddings), tuning, config, rng)
    rule = _MaskRule(config, head.weight.shape, always, never)

    epochs: list[_Epoch] = []
    warnings: list[str] = []
    stopped = False
    with threadpool_limits(1):  # two threads on a busy machine made these small products many times slower
        scores = scorer(start.predict(vectors)) if config.masking else None
        if scores is not None:
            warnings += scores.warnings
        for number in range(1, config.epochs + 1):
            if should_stop is not None and should_stop():
                stopped = True
                break
            try:
                mask, biased = rule(scores)
            except NothingLeft as error:
                if not epochs:
                    raise
                warnings.append(f"Tuning stopped after epoch {number - 1}: {error}")
                break
            loss = trainer.run(mask)
            if not np.isfinite(loss):
                raise InputError(
                    f"The head diverged in epoch {number} (learning rate {config.learning_rate:g}); "
                    "choose a smaller learning rate."
                )
            tuned = trainer.head().masked(mask)
            predictions = tuned.predict(vectors)
            used = scores
            try:
                scores = scorer(predictions)
                sfit = scores.sfit
            except NoMistakes:
                sfit = 0.0
            evaluation = evaluate_predictions(predictions, identification)
            record = EpochRecord(
                number,
                loss,
                sfit,
                evaluation.accuracy,
                evaluation.worst_class_accuracy,
                evaluation.worst_group_accuracy,
                int(biased.sum()),
            )
            epochs.append(_Epoch(record, tuned, biased, used if config.masking else None))
            if on_epoch is not None:
                on_epoch(record)
            if evaluation.accuracy == 1.0 and config.masking:
                warnings.append(
                    f"After epoch {number} the head makes no mistake on the identification set; tuning stopped there."
                )
                break
    if not epochs:
        raise InputError("Tuning was stopped before its first epoch ended, so there is no tuned head.")
    order = _ranking(epochs, config)
    best = epochs[order[0]]
    tuned = _average([epochs[place].head for place in order[: config.average_epochs]])
    share = best.biased.mean()
    if share > _MANY_MASKED:
        warnings.append(f"{share:.0%} of the neurons are masked; little is left to classify with.")
    final = normalizer.fold(tuned)
    return TuneResult(
        head=replace(
            final,
            class_names=tuning.class_names,
            provenance={
                "method": "NeuronTune" if config.masking else "masking off",
                "epoch": best.record.epoch,
                **asdict(config),
            },
        ),
        biased=best.biased,
        scores=best.scores,
        history=tuple(epoch.record for epoch in epochs),
        epoch=best.record.epoch,
        config=config,
        warnings=tuple(dict.fromkeys(warnings)),
        stopped=stopped,
        seconds=time.perf_counter() - began,
    )


def neurontune_halves(
    head: LinearHead, held_out: EmbeddingSet, config: TuneConfig = TuneConfig(), **options: object
) -> TuneResult:
    """NeuronTune† (Section 5.5): one half of a held-out set tunes, the other identifies and selects.

    Args:
        head, config: as in `neurontune`; ``config.seed`` also draws the class-stratified halves.
        held_out: the set to halve, such as the validation set.
        options: passed on to `neurontune`.
    """
    tuning, identification = held_out.halves(config.seed)
    return neurontune(head, identification, tuning, config, **options)  # type: ignore[arg-type]


class _MaskRule:
    """From scores to a mask: Eq. 6, the settings on how often and how many, then a person's verdicts."""

    def __init__(
        self, config: TuneConfig, shape: tuple[int, int], always: np.ndarray | None, never: np.ndarray | None
    ) -> None:
        self._config, self._always, self._never = config, always, never
        self._classes, self._neurons = shape
        self._previous: np.ndarray | None = None

    def __call__(self, scores: SpuriousnessScores | None) -> tuple[np.ndarray, np.ndarray]:
        """The factors [C, M] float32 and the masked neurons [M] bool of the next epoch."""
        config = self._config
        if not config.masking or scores is None:
            neurons = self._neurons
            return np.ones((self._classes, neurons), dtype=np.float32), np.zeros(neurons, dtype=bool)
        if config.rounds == "once" and self._previous is not None:
            chosen = self._previous
        else:
            chosen = scores.biased_by_class(config.threshold)
            if config.mask_scope == "union":
                chosen = np.broadcast_to(chosen.any(axis=0), chosen.shape)
            if config.rounds == "accumulate" and self._previous is not None:
                chosen = chosen | self._previous
            chosen = _at_most(chosen, scores, config.max_masked_fraction)
            self._previous = chosen
        if self._always is not None:
            chosen = chosen | self._always
        if self._never is not None:
            chosen = chosen & ~self._never
        if config.mask_value == 0 and chosen.all():
            raise NothingLeft(
                f"Every one of the {self._neurons} neurons would be masked, which leaves nothing to classify with; "
                "raise the threshold, lower max_masked_fraction, or spare some neurons by hand."
            )
        return np.where(chosen, np.float32(config.mask_value), np.float32(1)), np.asarray(chosen.any(axis=0))


def _at_most(chosen: np.ndarray, scores: SpuriousnessScores, fraction: float) -> np.ndarray:
    """Keep only the neurons with the highest scores when more than ``fraction`` of them are chosen; [C, M] bool."""
    limit = int(fraction * chosen.shape[1] + 1e-9)  # 0.29 of 100 neurons is 29, although 0.29 * 100 < 29 in floats
    neurons = chosen.any(axis=0)
    if neurons.sum() <= limit:
        return chosen
    strength = np.where(neurons, scores.neuron_scores, -np.inf)
    spared = np.argsort(-strength, kind="stable")[limit:]
    chosen = chosen.copy()
    chosen[:, spared] = False
    return chosen


def _initial(head: LinearHead, config: TuneConfig, rng: np.random.Generator) -> LinearHead:
    if config.init == "warm":
        return head
    if config.init == "zero":
        return LinearHead(np.zeros_like(head.weight), np.zeros_like(head.bias))
    bound = head.num_neurons**-0.5  # a fresh torch.nn.Linear
    return LinearHead(rng.uniform(-bound, bound, head.weight.shape), rng.uniform(-bound, bound, head.bias.shape))


def _ranking(epochs: list[_Epoch], config: TuneConfig) -> list[int]:
    """Places in ``epochs``, the best first; ties go to the earliest."""
    if config.select == "last":
        return list(range(len(epochs)))[::-1]
    return sorted(range(len(epochs)), key=lambda place: -getattr(epochs[place].record, config.select))


def _average(heads: list[LinearHead]) -> LinearHead:
    return LinearHead(np.mean([head.weight for head in heads], axis=0), np.mean([head.bias for head in heads], axis=0))
