"""The samples that a cue was measured by: as they are, with the cue, and with the control."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from neurontune_core.cues.measurement import CueMeasurement
from neurontune_core.errors import InputError
from neurontune_core.session.cue_pictures import CuePictures
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.gallery import Gallery
from pages.parts.frame.state import gallery, open_diagnosis


def cue_pictures(name: str, measured: CueMeasurement) -> CuePictures:
    """Return the edited samples of a measured cue; one object for all sessions."""
    return _cue_pictures(open_diagnosis(name), gallery(name), measured)


def cue_jpegs(name: str, cue: str, version: str, places: Sequence[int]) -> dict[int, bytes]:
    """Return JPEGs of pairs of a cue by place; places that there are not are left out.

    Args:
        name: of the project.
        cue: its name.
        version: "without", "cue" or "control".
        places: of the pairs.

    Raises:
        InputError: when the cue is not measured on pairs, or there is no such version.
    """
    measured = open_diagnosis(name).measured_cue(cue)
    if measured is None or not measured.num_pairs:
        raise InputError(f'No pairs of the cue "{cue}" are measured; press Measure on the Point screen.')
    if version not in ("without", "cue", "control"):
        raise InputError(f'"{version}" is no version of a pair; ask for "without", "cue" or "control".')
    pictures = cue_pictures(name, measured)
    return {place: pictures.jpeg(place, version) for place in places if place < measured.num_pairs}


@lru_cache(8)
def _cue_pictures(opened: Diagnosis, images: Gallery, measured: CueMeasurement) -> CuePictures:
    return CuePictures(opened, images, measured)
