"""What was measured of a project's cues, opened once for all sessions."""

from __future__ import annotations

from collections.abc import Callable

from neurontune_core.cues.cue import Cue, Picks
from neurontune_core.cues.measurement import CueMeasurement, measure_picks, measured_file
from neurontune_core.cues.pairs import MOST_PAIRS
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.session.latest_results import LatestResults
from neurontune_core.workspace.project import Project

_KEPT = 16


class MeasuredCues:
    """The measurements of a project's cues by name.

    Args:
        project: the project.
        samples: opens a split or role.
    """

    def __init__(self, project: Project, samples: Callable[[str], EmbeddingSet]) -> None:
        self._project, self._samples = project, samples
        self._kept: LatestResults[CueMeasurement | None] = LatestResults(_KEPT)

    def measured(self, name: str, most: int | None = None) -> CueMeasurement | None:
        """Return what was measured of a cue on the vectors of now; None when nothing was, or there is no such cue.

        Args:
            name: of the cue.
            most: pairs at most that it was measured with; by default any number, the newest measurement.
        """
        try:
            cue = self._project.cues.load(name)
            samples = self.set_of(cue)
        except InputError:
            return None
        if isinstance(cue.definition, Picks):
            return self._kept.get((name, cue.key, samples.fingerprint), lambda: _of_picks(cue, samples))
        folder = self._project.cues.folder / name
        pattern = measured_file(folder, cue, samples, most or 0).name
        files = folder.glob(pattern if most else pattern.replace("-0.npz", "-*.npz"))
        newest = max(files, key=lambda file: file.stat().st_mtime_ns, default=None)
        if newest is None:
            return None
        key = name, newest.name, newest.stat().st_mtime_ns
        return self._kept.get(key, lambda: CueMeasurement.load(newest, cue, samples))

    def set_of(self, cue: Cue) -> EmbeddingSet:
        """Return the set that a cue is measured on: the identification set, or the split that was picked from."""
        definition = cue.definition
        return self._samples(definition.split if isinstance(definition, Picks) else "identification")

    def keep(self, measured: CueMeasurement, most: int = MOST_PAIRS) -> None:
        """Write a measurement of edited samples beside its cue; picked samples are measured anew in an instant."""
        if measured.edited is not None:
            folder = self._project.cues.folder / measured.cue.name
            measured.save(measured_file(folder, measured.cue, measured.samples, most))


def _of_picks(cue: Cue, samples: EmbeddingSet) -> CueMeasurement | None:
    try:
        return measure_picks(cue, samples)
    except InputError:
        return None
