"""What was measured of a cue: the vectors of the edited samples, and its effect on each neuron; kept on disk."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from neurontune_core.cues.cue import Cue, Picks, Words
from neurontune_core.cues.effects import Effects, contrast_effects, paired_effects
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.files import write_whole
from neurontune_core.identification.paired import neuron_deviation
from neurontune_core.mask import CueMask, MaskSource


@dataclass(frozen=True, eq=False)
class CueMeasurement:
    """A cue with what it was measured by.

    Attributes:
        cue: the cue.
        samples: [N, M] the set that it was measured on.
        rows: [P] of ``samples``: those that were edited, or that were picked.
        edited: [P, M] their vectors with the cue put in, or taken out; None for picked samples.
        control: [P, M] their vectors after the same edit with something else; None for picked samples.
        has: [P] bool, which of the picked samples have the cue; None where samples were edited.
        notes: sentences on what was left out or differs.
    """

    cue: Cue
    samples: EmbeddingSet
    rows: np.ndarray
    edited: np.ndarray | None = None
    control: np.ndarray | None = None
    has: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    @property
    def num_pairs(self) -> int:
        """Return the number of edited samples; 0 where samples were picked."""
        return 0 if self.edited is None else len(self.rows)

    @property
    def removes(self) -> bool:
        """Return whether the edit takes the cue out."""
        return isinstance(self.cue.definition, Words) and self.cue.definition.edit == "remove"

    @property
    def labels(self) -> np.ndarray:
        """Return [P] the classes of the rows."""
        return self.samples.labels[self.rows]

    @cached_property
    def base(self) -> np.ndarray:
        """Return [P, M] float32, the vectors of the rows as they are."""
        return np.asarray(self.samples.embeddings[self.rows], dtype=np.float32)

    @cached_property
    def effect(self) -> Effects:
        """Return the effect of the cue on each neuron, with tests."""
        return self.effect_of(np.arange(len(self.rows)))

    @property
    def effects(self) -> np.ndarray:
        """Return [M] float32, the effect on each neuron in standard deviations."""
        return self.effect.size

    @property
    def p_adjusted(self) -> np.ndarray:
        """Return [M] float64, p-values after Benjamini and Hochberg."""
        return self.effect.p_adjusted

    def mask(self, threshold: float, source: MaskSource = "cue") -> CueMask:
        """Return the neurons that the cue moves by more than a threshold, as the source of a mask."""
        groups = self.cue.definition.groups if isinstance(self.cue.definition, Picks) else ()
        return CueMask(self.cue.name, self.effects, threshold, source, groups)

    @cached_property
    def control_effects(self) -> np.ndarray | None:
        """Return [M] float32, the effect of the control; None where samples were picked."""
        if self.control is None:
            return None
        return paired_effects(self.base, self.control, self._deviation).size

    def effect_of(self, places: np.ndarray) -> Effects:
        """Return the effect as measured by some of the rows alone.

        Args:
            places: of the rows, 0..P-1.

        Raises:
            InputError: when they are too few.
        """
        if self.edited is None:
            assert self.has is not None
            return contrast_effects(self.base[places], self.labels[places], self.has[places], self._deviation)
        pair = self.base[places], self.edited[places]
        return paired_effects(*(pair[::-1] if self.removes else pair), self._deviation)

    @cached_property
    def _deviation(self) -> np.ndarray:
        return neuron_deviation(self.samples.embeddings)

    def save(self, file: Path) -> None:
        """Write rows, vectors and notes; picked samples need no file."""
        edited, control, notes = self.edited, self.control, np.array(json.dumps(self.notes))
        assert edited is not None
        assert control is not None
        write_whole(file, lambda path: np.savez(path, rows=self.rows, edited=edited, control=control, notes=notes))

    @classmethod
    def load(cls, file: Path, cue: Cue, samples: EmbeddingSet) -> CueMeasurement | None:
        """Read what `save` wrote; None when there is no such file, or it is damaged or belongs to other vectors."""
        try:
            with np.load(file, allow_pickle=False) as content:
                rows, edited, control = (content[name] for name in ("rows", "edited", "control"))
                notes = tuple(map(str, json.loads(str(content["notes"]))))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None
        shape = (len(rows), samples.num_neurons)
        if edited.shape != shape or control.shape != shape or not len(rows) or rows.max() >= samples.num_samples:
            return None
        return cls(cue, samples, rows, edited, control, None, notes)


def measure_picks(cue: Cue, samples: EmbeddingSet) -> CueMeasurement:
    """Compare picked samples that have the cue with others of their class.

    Args:
        cue: of kind "samples".
        samples: the split that they were picked from.

    Raises:
        InputError: when the split has none of them, every sample or none has the cue, or no class has both kinds.
    """
    picks = cue.definition
    assert isinstance(picks, Picks)
    ids = samples.sample_ids.astype(str)
    has = np.isin(ids, picks.has)
    if not has.any():
        raise InputError(f'None of the picked samples is in split "{samples.split}" any more; pick again.')
    has_not = np.isin(ids, picks.has_not) if picks.has_not else ~has & np.isin(samples.labels, samples.labels[has])
    if not has_not.any():
        raise InputError("Every sample has the cue, so there is none to compare with; pick some that have it not.")
    rows = np.flatnonzero(has | has_not)
    measured = CueMeasurement(cue, samples, rows, has=has[rows])
    _ = measured.effect  # raises where no class has both kinds
    return measured


def measured_file(folder: Path, cue: Cue, samples: EmbeddingSet, most: int) -> Path:
    """Return the file of a measurement: other pictures, words, vectors or numbers have another one.

    Args:
        folder: of the cue.
        cue: the cue.
        samples: the set that it is measured on.
        most: pairs at most.
    """
    return folder / f"measured-{cue.key}-{samples.fingerprint}-{most}.npz"


def summary(measured: CueMeasurement, listed: np.ndarray) -> list[dict[str, Any]]:
    """Return neuron, effect and adjusted p-value of some neurons, the largest effect first; JSON-able.

    Args:
        measured: the measurement.
        listed: [M] bool or [n] int.
    """
    neurons = np.arange(len(measured.effects))[listed]
    order = neurons[np.argsort(-np.abs(measured.effects[neurons]), kind="stable")]
    return [
        {
            "neuron": int(neuron),
            "effect": float(measured.effects[neuron]),
            "p_adjusted": float(measured.p_adjusted[neuron]),
        }
        for neuron in order
    ]
