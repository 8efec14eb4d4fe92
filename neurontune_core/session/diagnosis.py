"""One project, opened: its scores, and the questions that the screens ask about neurons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, lru_cache

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.explain.words import DistinctiveWord, distinctive_words
from neurontune_core.head import LinearHead
from neurontune_core.identification.confidence import Confidence
from neurontune_core.identification.distributions import Distribution, distributions_of
from neurontune_core.identification.scorer import SpuriousnessScorer, spuriousness_scores
from neurontune_core.identification.scores import SpuriousnessScores
from neurontune_core.mask import with_verdicts
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.workspace.journal import neurons_judged
from neurontune_core.workspace.project import ROLES, Project

_KEPT_NEURONS = 8
_MOST_TEXTS = 5_000  # whose words are counted

_background = ThreadPoolExecutor(1)


class Diagnosis:
    """Head, identification set and scores of a project, computed once, whatever split heads are measured on."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.erm = project.load_head()
        self._sets: dict[str, EmbeddingSet] = {}
        self.identification = self.samples("identification")
        self.predictions = self.erm.predict(self.identification.embeddings)
        self.correct = self.predictions == self.identification.labels
        self._distinctive: dict[int, list[DistinctiveWord]] = {}
        self.activations = lru_cache(_KEPT_NEURONS)(self._activations)

    def samples(self, split: str) -> EmbeddingSet:
        """The set of a split or role, opened once; its vectors stay on disk.

        Raises:
            InputError: when there is no such split, it cannot be read, or the head does not fit it.
        """
        name = self.project.content["roles"].get(split, split)
        if name not in self._sets:
            found = self.project.load_set(name)
            self.erm.check_fits(found.num_neurons, found.num_classes)
            self._sets[name] = found
        return self._sets[name]

    @property
    def tuning(self) -> EmbeddingSet:
        return self.samples("tuning")

    @property
    def sets(self) -> dict[str, EmbeddingSet]:
        """Role -> set."""
        return {role: self.samples(role) for role in ROLES}

    @cached_property
    def scorer(self) -> SpuriousnessScorer:
        """For retraining, which scores a new head every epoch."""
        return SpuriousnessScorer.for_config(TuneConfig(), self.identification)

    @cached_property
    def scores(self) -> SpuriousnessScores:
        """Scores of the ERM head's outcomes; NoMistakes when it makes none on the identification set."""
        each = self.identification
        return spuriousness_scores(
            each.embeddings, each.labels, self.predictions, each.num_classes, class_names=each.class_names
        )

    @cached_property
    def ranking(self) -> np.ndarray:
        """[M] neurons, the highest score first."""
        return np.argsort(-self.scores.neuron_scores, kind="stable")

    def rank(self, neuron: int) -> int:
        """The place of a neuron in the ranking, from 1."""
        return int(np.flatnonzero(self.ranking == neuron)[0]) + 1

    def neighbor(self, neuron: int, by: int) -> int:
        """The neuron that stands ``by`` places behind this one in the ranking, round and round."""
        return int(self.ranking[(self.rank(neuron) - 1 + by) % len(self.ranking)])

    @cached_property
    def _confidence(self) -> Future[Confidence]:
        each, scores = self.identification, self.scores

        def compute() -> Confidence:
            found = Confidence(each.embeddings, each.labels, self.predictions, scores)
            _ = found.all_intervals
            return found

        return _background.submit(compute)

    def confidence(self, wait: float = 0.0) -> Confidence | None:
        """How sure the scores are, computed beside the screen; None when that takes longer than ``wait`` seconds."""
        try:
            return self._confidence.result(wait)
        except TimeoutError:
            return None

    @cached_property
    def strongest_class(self) -> np.ndarray:
        """[M] the class that gives each neuron its score."""
        scores = self.scores
        scored = (scores.num_incorrect > 0) & (scores.num_correct > 0)
        return np.where(scored[:, None], scores.delta, -np.inf).argmax(axis=0)

    @cached_property
    def zero_share(self) -> np.ndarray:
        """[M] share of the identification samples on which a neuron is exactly zero."""
        return np.mean(self.identification.embeddings == 0, axis=0)

    def logit_contributions(self, neuron: int, activation: float = 1.0, most: int = 4) -> list[tuple[str, float]]:
        """What an activation of this neuron adds to the logits, by class name; with many classes the largest only."""
        parts = self.erm.weight[:, neuron] * activation
        order = np.arange(len(parts)) if len(parts) <= most else np.argsort(-np.abs(parts), kind="stable")[:most]
        return [(self.identification.class_names[label], float(parts[label])) for label in order]

    def verdicts(self) -> dict[int, str]:
        """Return neuron -> verdict as it is now; verdicts of a wider model that was extracted before are left out."""
        verdicts = self.project.journal.verdicts()
        return {
            neuron: verdict for neuron, verdict in verdicts.items() if 0 <= neuron < self.identification.num_neurons
        }

    def judged(self, verdict: str) -> np.ndarray:
        """Return [M] bool, the neurons that have this verdict now."""
        return neurons_judged(self.verdicts(), verdict, self.identification.num_neurons)

    def masked_neurons(self, threshold: float) -> np.ndarray:
        """[M] bool: (score above λ, or judged spurious) and not judged core."""
        return with_verdicts(self.scores.biased(threshold), self.judged("spurious"), self.judged("core"))

    @property
    def num_misclassified(self) -> int:
        """Misclassified samples of the identification set."""
        return int((~self.correct).sum())

    def masked_head(self, masked: np.ndarray, mask_value: float) -> LinearHead:
        """The ERM head with the mask folded in, not retrained."""
        return self.erm.masked(np.where(masked, mask_value, 1.0))

    def _activations(self, neuron: int) -> np.ndarray:
        """[N] float32 activations of a neuron on the identification set. Of a set that is stored row by row this reads
        the whole file, so the last ones are kept."""
        found = np.array(self.identification.embeddings[:, neuron], dtype=np.float32)
        found.flags.writeable = False
        return found

    def distinctive_words(
        self, neuron: int, texts: Callable[[str, int], tuple[str, ...]], limit: int = 12
    ) -> list[DistinctiveWord]:
        """Words over-represented in the tenth of the identification samples on which a neuron fires most.

        Args:
            texts: split and row -> the sample's texts (`Gallery.texts`).
        """
        if neuron not in self._distinctive:
            split = self.project.content["roles"]["identification"]
            order = np.argsort(-np.abs(self.activations(neuron)), kind="stable")
            top = max(1, min(len(order), _MOST_TEXTS) // 10)
            rest = order[top :: max(1, len(order) // _MOST_TEXTS)]
            said = [[" ".join(texts(split, int(row))) for row in rows] for rows in (order[:top], rest)]
            try:
                self._distinctive[neuron] = distinctive_words(*said, limit=limit)
            except InputError:  # no words on one side: nothing to say
                self._distinctive[neuron] = []
        return self._distinctive[neuron]

    def distributions(self, neuron: int, labels: Sequence[int]) -> list[Distribution]:
        """How strongly a neuron fires on classes of the identification set, on hits and on mistakes; in shared bins."""
        classes = [self.identification.labels == label for label in labels]
        return distributions_of(self.activations(neuron), classes, self.correct)

    def most_activating(self, neuron: int, *, label: int, correct: bool, limit: int) -> np.ndarray:
        """Rows of the identification set that excite a neuron most, among the hits or the mistakes of one class."""
        rows = np.flatnonzero((self.identification.labels == label) & (self.correct == correct))
        strength = np.abs(self.activations(neuron)[rows])
        return rows[np.argsort(-strength, kind="stable")[:limit]]
