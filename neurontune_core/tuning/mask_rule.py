"""From scores to the mask of the next epoch: Eq. 6, how often and how many, a cue, then a user's verdicts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.identification.scores import SpuriousnessScores
from neurontune_core.mask import CueMask, by_source, check_verdicts, with_verdicts
from neurontune_core.tuning.config import TuneConfig


class NothingLeft(InputError):
    """Every neuron would be masked, which leaves nothing to classify with."""


class MaskRule:
    """From scores to a mask: Eq. 6, the settings on how often and how many, a cue, then a user's verdicts.

    Verdicts bind without masking, too: nothing is masked by its score then, but the neurons judged spurious are.

    Args:
        config: the settings.
        shape: [C, M] of the head.
        always, never: [M] bool, the neurons judged spurious and core; None for none.
        cue: the cue whose neurons are masked in place of those that the scores select, or beside them; like scores, it
            masks nothing where ``config.masking`` is off.

    Raises:
        InputError: when a verdict array is not [M] booleans.

    >>> from neurontune_core.identification.scorer import spuriousness_scores
    >>> vectors, labels = np.array([[1.0, 4.0], [3.0, 4.0], [2.0, 9.0]]), np.array([0, 0, 0])
    >>> scores = spuriousness_scores(vectors, labels, predictions=np.array([0, 0, 1]), num_classes=2)
    >>> factors, masked = MaskRule(TuneConfig(mask_value=0.5), (2, 2), None, None)(scores)
    >>> factors.tolist(), masked.tolist()
    ([[1.0, 0.5], [1.0, 0.5]], [False, True])
    """

    def __init__(
        self,
        config: TuneConfig,
        shape: tuple[int, int],
        always: np.ndarray | None,
        never: np.ndarray | None,
        cue: CueMask | None = None,
    ) -> None:
        self._config, (self._classes, self._neurons) = config, shape
        self._always, self._never = (
            None if verdicts is None else check_verdicts(name, verdicts, self._neurons)
            for name, verdicts in (("always", always), ("never", never))
        )
        self._cue = cue
        self._previous: np.ndarray | None = None
        self._epoch = 0

    def __call__(
        self, scores: SpuriousnessScores | None, bounds: Callable[[], np.ndarray] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the factors [C, M] float32 and the masked neurons [M] bool of the next epoch.

        Args:
            scores: of the current head; None masks nothing.
            bounds: makes the lower bounds [C, M] of the scores, which are compared with λ where ``stability`` is
                above 0.

        Raises:
            NothingLeft: when every neuron would be masked with factor 0.
        """
        config = self._config
        self._epoch += 1
        by_cue_alone = self._cue is not None and self._cue.source == "cue"
        if not config.masking or scores is None or by_cue_alone:
            chosen = np.zeros((self._classes, self._neurons), dtype=bool)
        elif self._previous is not None and (
            config.rounds == "once" or (config.rounds == "held" and self._epoch <= held_epochs(config.epochs))
        ):
            chosen = self._previous
        else:
            chosen = scores.biased_by_class(config.threshold)
            if config.stability and bounds is not None:
                chosen = chosen & (bounds() > config.threshold)
            if config.mask_scope == "union":
                chosen = np.broadcast_to(chosen.any(axis=0), chosen.shape)
            if config.rounds == "accumulate" and self._previous is not None:
                chosen = chosen | self._previous
            chosen = _at_most(chosen, scores, config.max_masked_fraction)
            self._previous = chosen
        chosen = with_verdicts(by_source(chosen, self._cue if config.masking else None), self._always, self._never)
        if config.mask_value == 0 and chosen.all():
            raise NothingLeft(
                f"Every one of the {self._neurons} neurons would be masked, which leaves nothing to classify with; "
                "raise the threshold, lower max_masked_fraction, or judge some neurons core."
            )
        return np.where(chosen, np.float32(config.mask_value), np.float32(1)), np.asarray(chosen.any(axis=0))


def held_epochs(epochs: int) -> int:
    """Return for how many epochs ``rounds="held"`` keeps the first mask: half of them, one at least.

    >>> held_epochs(40), held_epochs(1)
    (20, 1)
    """
    return max(1, epochs // 2)


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
