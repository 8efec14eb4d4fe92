"""Counterfactual pairs: the same samples without and with the cue, and with a control, run through the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from neurontune_core.cues.cue import Cue
from neurontune_core.cues.measurement import CueMeasurement
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError

if TYPE_CHECKING:
    from neurontune_core.datasets.base import Dataset
    from neurontune_core.models.base import Network

MOST_PAIRS = 100
_PAIRS_AT_ONCE = 16
_MOST_TRIED = 20  # candidates a pair before a class is given up, where most samples hold the cue already
_CHECKED = 4  # samples that are embedded again where the network's fingerprint is another one
_SAME = 0.02  # relative difference of two embeddings of one sample, in half precision and on another device


class Edits(Protocol):
    """Protocol of the edits of a cue: pictures or texts."""

    def applies(self, sample: Any) -> bool: ...
    def with_cue(self, sample: Any, rng: np.random.Generator) -> Any: ...
    def control(self, sample: Any, rng: np.random.Generator) -> Any: ...


class Stopped(Exception):
    """Raised when ``should_stop`` returned True."""


def measure_pairs(
    cue: Cue,
    edits: Edits,
    network: Network[Any],
    dataset: Dataset,
    samples: EmbeddingSet,
    *,
    most: int = MOST_PAIRS,
    on_progress: Callable[[int, int], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> CueMeasurement:
    """Change samples of every class, embed them with the cue and with the control, and compare.

    Args:
        cue: the cue.
        edits: how samples are edited.
        network: that made the embeddings.
        dataset: of the samples.
        samples: [N, M] the identification set; its vectors are those of the samples as they are.
        most: pairs at most, balanced over the classes.
        on_progress: called with (pairs done, pairs expected).
        should_stop: asked before every batch.

    Raises:
        InputError: when the network has changed, or fewer than two samples can be edited.
        Stopped: when ``should_stop`` returned True.
    """
    if samples.sources is None:
        raise InputError("This project holds vectors alone, so nothing can be edited; pick samples that have the cue.")
    check_same_network(network, dataset, samples)
    chosen = _Chosen(edits, dataset, samples, most)
    rows: list[int] = []
    vectors: list[np.ndarray] = []
    batch: list[Any] = []

    def embed() -> None:
        if should_stop is not None and should_stop():
            raise Stopped
        if batch:
            vectors.append(network.embed(network.batch(batch)).float().cpu().numpy())
            batch.clear()
        if on_progress is not None:
            on_progress(len(rows), chosen.expected)

    for row, sample in chosen:
        rows.append(row)
        made = edits.with_cue(sample, placing(cue, row)), edits.control(sample, placing(cue, row))
        batch += [network.prepare(each) for each in made]
        if len(batch) >= 2 * _PAIRS_AT_ONCE:
            embed()
    embed()
    if len(rows) < 2:
        raise InputError(chosen.nothing())
    both = np.concatenate(vectors).astype(samples.embeddings.dtype)  # as the vectors on disk are rounded
    order = np.argsort(rows)
    edited, control = (both[place::2][order].astype(np.float32) for place in (0, 1))
    return CueMeasurement(cue, samples, np.array(rows)[order], edited, control, None, chosen.notes())


def placing(cue: Cue, row: int) -> np.random.Generator:
    """Return the random numbers of one sample's edit, the same for cue and control and on every call."""
    return np.random.default_rng([int(cue.key, 16), row])


def check_same_network(network: Network[Any], dataset: Dataset, samples: EmbeddingSet) -> None:
    """Raise InputError where the network is not the one that made the vectors."""
    changed = InputError(
        "The network has changed since the vectors were extracted, so edited samples cannot be compared with them; "
        "extract the project again."
    )
    if network.num_neurons != samples.num_neurons:
        raise changed
    if samples.provenance.get("extraction", {}).get("model") == network.fingerprint():
        return  # else it may still be the same but for its last layer, so a few samples are embedded again
    assert samples.sources is not None
    rows = np.unique(np.linspace(0, samples.num_samples - 1, _CHECKED).astype(np.int64))
    again = network.embed(
        network.batch([network.prepare(dataset.open_sample(str(samples.sources[row]))) for row in rows])
    )
    stored = np.asarray(samples.embeddings[rows], dtype=np.float32)
    if np.abs(again.float().cpu().numpy() - stored).max() > _SAME * max(1.0, float(np.abs(stored).max())):
        raise changed


class _Chosen:
    """The samples to edit, in turn from every class, with what was passed over."""

    def __init__(self, edits: Edits, dataset: Dataset, samples: EmbeddingSet, most: int) -> None:
        self._edits, self._dataset, self._samples = edits, dataset, samples
        self._rng = np.random.default_rng(0)
        present = np.unique(samples.labels)
        self._classes = self._rng.permutation(present)[: max(1, min(len(present), most))]
        self._quota = max(1, most // len(self._classes))
        counts = np.bincount(samples.labels, minlength=samples.num_classes)
        self.expected = int(np.minimum(counts[self._classes], self._quota).sum())
        self._passed, self._unread, self._other_size = np.zeros(samples.num_classes, dtype=np.int64), 0, 0
        self._taken = np.zeros(samples.num_classes, dtype=np.int64)

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        waiting = {int(label): self._candidates(label) for label in self._classes}
        while waiting:
            for label, candidates in list(waiting.items()):
                candidate = next(candidates, None)
                if candidate is None or self._taken[label] == self._quota:
                    del waiting[label]
                    continue
                self._taken[label] += 1
                yield candidate
                if self._taken[label] == self._quota:
                    del waiting[label]

    def _candidates(self, label: int) -> Iterator[tuple[int, Any]]:
        assert self._samples.sources is not None
        rows = self._rng.permutation(np.flatnonzero(self._samples.labels == label))
        for row in rows[: _MOST_TRIED * self._quota].tolist():
            try:
                sample = self._dataset.open_sample(str(self._samples.sources[row]))
            except InputError:
                self._unread += 1
                continue
            if not self._edits.applies(sample):
                self._passed[label] += 1
                continue
            self._other_size += bool(getattr(self._edits, "other_size", lambda _: False)(sample))
            yield row, sample

    def notes(self) -> tuple[str, ...]:
        """Return sentences on what was passed over and what differs."""
        passed, taken = int(self._passed.sum()), int(self._taken.sum())
        notes = [f"{passed} samples were passed over: {self._reason}."] if passed else []
        empty = [self._samples.class_names[label] for label in self._classes if not self._taken[label]]
        if empty:
            names = ", ".join(f'"{name}"' for name in empty[:5])
            notes.append(f"No sample of class {names} could be edited, so nothing is known of that.")
        if self._other_size:
            notes.append(
                f"{self._other_size} of {taken} pictures have another size than the one pointed at; the cut-out was "
                "scaled with the shorter side and put at the same relative place."
            )
        return tuple(notes + [f"{self._unread} samples could not be read."] * bool(self._unread))

    def nothing(self) -> str:
        """Return why fewer than two samples could be edited."""
        if self._passed.any():
            return f"Nearly no sample of the identification split can be edited: {self._reason}; choose another cue."
        return "Nearly no sample of the identification split can be read; restore the dataset's folder."

    @property
    def _reason(self) -> str:
        removes = getattr(getattr(self._edits, "words", None), "edit", "insert") == "remove"
        return "they do not hold the cue" if removes else "they hold the cue already"
