"""Is the identification set as biased as the tuning set? Answered from class labels alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurontune_core.advise.crossfit import CrossFitter
from neurontune_core.embeddings import EmbeddingSet

_STANDARD_ERRORS = 2.0
_EPOCHS = 40


@dataclass(frozen=True, eq=False)
class CounterExamples:
    """Fresh heads, each trained on half of the tuning set, on the other half and on the identification set.

    A head that leans on a shortcut is right as often on data with as many counter-examples as it was trained on, and
    wrong more often where there are more. Heads start from zero, because the ERM head has seen both halves.

    Attributes:
        tuning_accuracy, identification_accuracy: [C] in 0..1.
        standard_errors: [C] by how many standard errors the first exceeds the second.
    """

    tuning_accuracy: np.ndarray
    identification_accuracy: np.ndarray
    standard_errors: np.ndarray

    @property
    def more(self) -> bool:
        """The identification set holds more counter-examples than the tuning set."""
        return bool(self.standard_errors.max() > _STANDARD_ERRORS)

    @property
    def label(self) -> int:
        """The class that shows it most."""
        return int(self.standard_errors.argmax())


def count_counterexamples(fitter: CrossFitter) -> CounterExamples:
    """Two short trainings; see `CounterExamples`."""
    halves = fitter.tuning.halves(fitter.config.seed)
    identification = fitter.identification
    watched = identification.take(np.flatnonzero(fitter.fold == 0))
    classes = identification.num_classes
    on_tuning, on_identification = np.zeros(classes), np.zeros(classes)
    config = fitter.late(init="zero", epochs=_EPOCHS, average_epochs=_EPOCHS // 2)
    for trained, other in (halves, halves[::-1]):
        head = fitter.run(trained, watched, config).head
        on_tuning += _right(head.predict(other.embeddings), other)
        on_identification += _right(head.predict(identification.embeddings), identification) / 2
    in_tuning, in_identification = (
        np.bincount(each.labels, minlength=classes) for each in (fitter.tuning, identification)
    )
    p, q = on_tuning / in_tuning, on_identification / in_identification
    variance = (p * (1 - p) + 1 / in_tuning) / in_tuning + (q * (1 - q) + 1 / in_identification) / in_identification
    return CounterExamples(p, q, (p - q) / np.sqrt(variance))


def _right(predictions: np.ndarray, embedding_set: EmbeddingSet) -> np.ndarray:
    """[C] how many samples of each class are right."""
    return np.bincount(embedding_set.labels[predictions == embedding_set.labels], minlength=embedding_set.num_classes)
