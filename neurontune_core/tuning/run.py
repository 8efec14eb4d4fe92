"""One run of NeuronTune between its epochs: what is masked next, the result of each epoch, which one is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import evaluate_predictions
from neurontune_core.head import LinearHead
from neurontune_core.identification.scorer import SpuriousnessScorer
from neurontune_core.identification.scores import NoMistakes, SpuriousnessScores
from neurontune_core.mask import CueMask
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.tuning.mask_rule import MaskRule, NothingLeft
from neurontune_core.tuning.normalize import Normalizer
from neurontune_core.tuning.result import EpochRecord, TuneResult

_MANY_MASKED = 0.9  # above this share of masked neurons the result is warned about


@dataclass(frozen=True, eq=False)
class _Epoch:
    """One epoch's outcome, kept until the best is chosen."""

    record: EpochRecord
    head: LinearHead
    biased: np.ndarray
    scores: SpuriousnessScores | None


class TuneRun:
    """The loop of `neurontune` without the training: the caller asks for a mask, trains, and hands over the head.

    Args:
        config: the settings.
        start: the ERM head, in the (normalized) space of ``vectors``.
        identification: D_Ide.
        vectors: [N, M] its (normalized) embeddings.
        scorer: of these vectors.
        always, never, cue: as in `neurontune`.
    """

    def __init__(
        self,
        config: TuneConfig,
        start: LinearHead,
        identification: EmbeddingSet,
        vectors: np.ndarray,
        scorer: SpuriousnessScorer,
        always: np.ndarray | None = None,
        never: np.ndarray | None = None,
        cue: CueMask | None = None,
    ) -> None:
        self._config, self._identification, self._vectors, self.scorer = config, identification, vectors, scorer
        self._rule = MaskRule(config, start.weight.shape, always, never, cue)
        self._cue = cue if config.masking else None
        self._epochs: list[_Epoch] = []
        self._warnings: list[str] = []
        self._ended = False
        self._scores: SpuriousnessScores | None = None
        if config.masking:
            self._predictions = start.predict(vectors)
            try:
                self._scores = scorer(self._predictions)
                self._warnings += self._scores.warnings
            except NoMistakes:
                if cue is None or cue.source != "cue":  # which needs no scores
                    raise

    def next_mask(self) -> np.ndarray | None:
        """Return [C, M] the factors of the next epoch; None when there is none.

        Raises:
            NothingLeft: when every neuron would be masked in the first epoch; later, that ends the run.
        """
        if self._ended or len(self._epochs) == self._config.epochs:
            return None
        try:
            self._mask, self._biased = self._rule(self._scores, self._bounds)
        except NothingLeft as error:
            if not self._epochs:
                raise
            self._ended = True
            self._warnings.append(f"Tuning stopped after epoch {len(self._epochs)}: {error}")
            return None
        return self._mask

    def _bounds(self) -> np.ndarray:
        """Compute the lower bounds [C, M] of the scores of the current head."""
        return self.scorer.lower_bounds(self._predictions, self._config.stability)

    def note(self, loss: float, head: Callable[[], LinearHead]) -> EpochRecord:
        """Take an epoch's mean loss and the head after it, the mask not folded in; it is asked for when it has one.

        Raises:
            InputError: when the head diverged.
        """
        predictions = self.take(loss, head)
        try:
            return self.close(self.scorer(predictions))
        except NoMistakes:
            return self.close(None)

    def take(self, loss: float, head: Callable[[], LinearHead]) -> np.ndarray:
        """Do the first half of `note`, for callers that score many runs at once.

        Returns:
            [N] predictions on the identification set, to be scored and passed to `close`.
        """
        self._loss = loss
        if not np.isfinite(loss):
            raise InputError(
                f"The head diverged in epoch {len(self._epochs) + 1} (learning rate {self._config.learning_rate:g}); "
                "choose a smaller learning rate."
            )
        self._tuned = head().masked(self._mask)
        self._predictions = self._tuned.predict(self._vectors)
        return self._predictions

    def close(self, scores: SpuriousnessScores | None) -> EpochRecord:
        """Do the second half of `note`, with the scores of what `take` returned; None when it had no mistake."""
        config, number, used = self._config, len(self._epochs) + 1, self._scores
        self._scores = used if scores is None else scores
        evaluation = evaluate_predictions(self._predictions, self._identification)
        record = EpochRecord(
            number,
            self._loss,
            0.0 if scores is None else scores.sfit,
            evaluation.accuracy,
            evaluation.worst_class_accuracy,
            evaluation.worst_group_accuracy,
            int(self._biased.sum()),
        )
        self._epochs.append(_Epoch(record, self._tuned, self._biased, used if config.masking else None))
        if evaluation.accuracy == 1.0 and config.masking:
            self._ended = True
            self._warnings.append(
                f"After epoch {number} the head makes no mistake on the identification set; tuning stopped there."
            )
        return record

    @staticmethod
    def _cue_facts(cue: CueMask) -> dict[str, object]:
        return {"cue": cue.name, "cue_effect": cue.threshold, "mask_source": cue.source}

    @property
    def epochs(self) -> int:
        """Return the number of epochs that are done."""
        return len(self._epochs)

    @property
    def sfit(self) -> list[float]:
        """Return SFit after each epoch."""
        return [epoch.record.sfit for epoch in self._epochs]

    @property
    def worst_class(self) -> list[float]:
        """Return the worst-class accuracy on the identification set after each epoch."""
        return [epoch.record.worst_class_accuracy for epoch in self._epochs]

    def average(self, places: Sequence[int]) -> LinearHead:
        """Return the mean of the masked heads after these epochs, in the (normalized) space of the vectors."""
        return LinearHead.mean([self._epochs[place].head for place in places])

    def _ranking(self, config: TuneConfig) -> list[int]:
        """Return the places of the epochs, the best first; ties go to the earliest."""
        epochs = self._epochs
        if config.select == "last":
            return list(range(len(epochs)))[::-1]
        return sorted(range(len(epochs)), key=lambda place: -getattr(epochs[place].record, config.select))

    def result(
        self,
        config: TuneConfig,
        normalizer: Normalizer,
        class_names: tuple[str, ...],
        stopped: bool,
        seconds: float,
        kept: Sequence[int] | None = None,
    ) -> TuneResult:
        """Choose the epochs that are kept, and return the tuned head.

        Args:
            config: the run's settings; only how an epoch is chosen may differ from them.
            normalizer: folded into the head.
            class_names: of the head.
            stopped, seconds: as in `TuneResult`.
            kept: places of the epochs to average, the best first; by default those that ``config`` chooses.
        """
        if not self._epochs:
            raise InputError("Tuning was stopped before its first epoch ended, so there is no tuned head.")
        if kept is None:
            robust = config.select == "robust"
            kept = later_half(len(self._epochs)) if robust else self._ranking(config)[: config.average_epochs]
        averaged = [self._epochs[place] for place in kept]
        best, tuned = averaged[0], self.average(kept)
        masked = np.logical_and.reduce([epoch.biased for epoch in averaged])
        warnings, share = list(self._warnings), best.biased.mean()
        if share > _MANY_MASKED:
            warnings.append(f"{share:.0%} of the neurons are masked; little is left to classify with.")
        return TuneResult(
            head=replace(
                normalizer.fold(tuned),
                class_names=class_names,
                provenance={
                    "method": "NeuronTune" if config.masking else "masking off",
                    "epoch": best.record.epoch,
                    **({} if self._cue is None else self._cue_facts(self._cue)),
                    **asdict(config),
                },
            ),
            biased=masked,
            scores=best.scores,
            history=tuple(epoch.record for epoch in self._epochs),
            epoch=best.record.epoch,
            config=config,
            warnings=tuple(dict.fromkeys(warnings)),
            stopped=stopped,
            seconds=seconds,
            masked_throughout=masked,
            averaged=tuple(epoch.record.epoch for epoch in averaged),
        )


def initial(head: LinearHead, config: TuneConfig, rng: np.random.Generator) -> LinearHead:
    if config.init == "warm":
        return head
    if config.init == "zero":
        return LinearHead(np.zeros_like(head.weight), np.zeros_like(head.bias))
    bound = head.num_neurons**-0.5  # a fresh torch.nn.Linear
    return LinearHead(rng.uniform(-bound, bound, head.weight.shape), rng.uniform(-bound, bound, head.bias.shape))


def later_half(epochs: int) -> list[int]:
    """Return the places of the later half of so many epochs, the latest first; one at least.

    >>> later_half(5), later_half(1)
    ([4, 3], [0])
    """
    return list(range(epochs))[::-1][: max(1, epochs // 2)]
