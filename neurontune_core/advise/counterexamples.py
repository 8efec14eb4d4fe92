"""Test whether the identification set is as biased as the tuning set, from class labels alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurontune_core.advise.crossfit import CrossFitter
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.units import design_effect

_STANDARD_ERRORS = 2.0
_EPOCHS = 40


@dataclass(frozen=True, eq=False)
class CounterExamples:
    """Accuracy of heads, each trained on half of the tuning set, on the other half and on the identification set.

    A head that relies on a shortcut is as accurate on data with as many counter-examples as it was trained on, and less
    accurate where there are more. The heads start from zero, because the ERM head has seen both halves.

    Attributes:
        tuning_accuracy, identification_accuracy: [C] in 0..1.
        standard_errors: [C] by how many standard errors the first exceeds the second.
        together: the same for the sum over the classes, which shows small differences of all of them.

    >>> measured = CounterExamples(np.array([0.9, 0.8]), np.array([0.9, 0.6]), np.array([0.0, 5.2]))
    >>> measured.more, measured.label
    (True, 1)
    """

    tuning_accuracy: np.ndarray
    identification_accuracy: np.ndarray
    standard_errors: np.ndarray
    together: float = 0.0

    @property
    def more(self) -> bool:
        """Return whether the identification set holds more counter-examples than the tuning set."""
        return bool(max(self.standard_errors.max(), self.together) > _STANDARD_ERRORS)

    @property
    def label(self) -> int:
        """Return the class with the largest difference."""
        return int(self.standard_errors.argmax())


def count_counterexamples(fitter: CrossFitter) -> CounterExamples:
    """Train two heads, each on half of the tuning set, and compare their accuracies.

    Args:
        fitter: the sets, the settings and how the runs report and stop.
    """
    halves = fitter.tuning.halves(fitter.config.seed)
    identification = fitter.identification
    monitored = identification.take(np.flatnonzero(fitter.fold == 0))
    classes = identification.num_classes
    on_tuning, on_identification = np.zeros(classes), np.zeros(classes)
    outcomes = np.zeros(identification.num_samples)
    config = fitter.late(init="zero", epochs=_EPOCHS, average_epochs=_EPOCHS // 2)
    for half, held_out in (halves, halves[::-1]):
        head = fitter.run(half, monitored, config, verdicts=False).head
        on_tuning += _correct(head.predict(held_out.embeddings), held_out)
        predictions = head.predict(identification.embeddings)
        on_identification += _correct(predictions, identification) / 2
        outcomes += (predictions == identification.labels) / 2
    in_tuning, in_identification = (
        np.bincount(samples.labels, minlength=classes) for samples in (fitter.tuning, identification)
    )
    p, q = on_tuning / in_tuning, on_identification / in_identification
    in_effect = _independent(identification, outcomes)
    variance = (p * (1 - p) + 1 / in_tuning) / in_tuning + (q * (1 - q) + 1 / in_effect) / in_effect
    together = float((p - q).sum() / np.sqrt(variance.sum()))
    return CounterExamples(p, q, (p - q) / np.sqrt(variance), together)


def _correct(predictions: np.ndarray, embedding_set: EmbeddingSet) -> np.ndarray:
    """Return [C], how many samples of each class are classified correctly."""
    return np.bincount(embedding_set.labels[predictions == embedding_set.labels], minlength=embedding_set.num_classes)


def _independent(samples: EmbeddingSet, outcomes: np.ndarray) -> np.ndarray:
    """Return [C], as how many independent samples those of each class count."""
    counts = np.bincount(samples.labels, minlength=samples.num_classes).astype(float)
    if samples.unit_numbers is None:
        return counts
    for label in np.flatnonzero(counts):
        rows = samples.labels == label
        counts[label] /= float(design_effect(outcomes[rows], samples.unit_numbers[rows]))
    return counts
