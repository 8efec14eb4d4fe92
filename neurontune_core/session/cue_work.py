"""Make cues of a project and measure them: at once, or in a thread beside the screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from neurontune_core.cues.cue import Cue, Picks, Pointed, Words
from neurontune_core.cues.cutout import CutOut, cut_out, rgba_png
from neurontune_core.cues.measurement import CueMeasurement, measure_picks
from neurontune_core.cues.pairs import MOST_PAIRS, Edits, Stopped, measure_pairs
from neurontune_core.cues.pictures import PictureEdits
from neurontune_core.cues.texts import WordEdits
from neurontune_core.errors import InputError
from neurontune_core.session.background_run import BackgroundWork
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.gallery import Gallery
from neurontune_core.workspace.names import new_name

_MOST_TEXTS = 5_000  # texts that the frequencies of words are counted in


class CueWork(BackgroundWork):
    """The measurement of a cue, in a thread; what was measured before is read from disk.

    Args:
        diagnosis: the project.
        gallery: its samples and network.
        cue: the cue.
        most: pairs at most.

    Attributes:
        diagnosis, cue: as above.
        share: the share that is done, 0 to 1.
        measured: the measurement; None until it is done, and where it was stopped.
    """

    def __init__(self, diagnosis: Diagnosis, gallery: Gallery, cue: Cue, *, most: int = MOST_PAIRS) -> None:
        self.diagnosis, self.cue, self._gallery, self._most = diagnosis, cue, gallery, most
        self.share = 0.0
        self.measured: CueMeasurement | None = None
        super().__init__()

    def _work(self) -> None:
        try:
            self.measured = measure_cue(
                self.diagnosis, self._gallery, self.cue, most=self._most,
                on_progress=self._step, should_stop=self._stop.is_set,
            )  # fmt: skip
        except Stopped:
            return
        self.share = 1.0

    def _step(self, done: int, expected: int) -> None:
        self.share = min(1.0, done / max(1, expected))


def measure_cue(
    diagnosis: Diagnosis,
    gallery: Gallery,
    cue: Cue,
    *,
    most: int = MOST_PAIRS,
    on_progress: Callable[[int, int], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> CueMeasurement:
    """Measure a cue on the vectors that the project has now, and keep the result.

    Args:
        diagnosis, gallery, cue, most: as in `CueWork`.
        on_progress, should_stop: as in `measure_pairs`.

    Raises:
        InputError: as `measure_pairs` and `measure_picks` do; when there is no network to run.
        Stopped: when ``should_stop`` returned True.
    """
    store = diagnosis.measured_cues
    if isinstance(cue.definition, Picks):
        return measure_picks(cue, store.set_of(cue))
    if (kept := store.measured(cue.name, most)) is not None and kept.cue.key == cue.key:
        return kept
    network, samples = _network(gallery), diagnosis.identification
    measured = measure_pairs(
        cue, edits_of(diagnosis, gallery, cue), network, gallery.dataset, samples, most=most,
        on_progress=on_progress, should_stop=should_stop,
    )  # fmt: skip
    store.keep(measured, most)
    return measured


def edits_of(diagnosis: Diagnosis, gallery: Gallery, cue: Cue) -> Edits:
    """Return how a cue is put into the samples of a project, or taken out.

    Raises:
        InputError: when a picture that was pointed at is gone, or the words are in no text.
    """
    definition = cue.definition
    if isinstance(definition, Words):
        sources = diagnosis.identification.sources
        assert sources is not None
        step = max(1, len(sources) // _MOST_TEXTS)
        return WordEdits(definition, [gallery.dataset.open_sample(str(source)) for source in sources[::step]])
    assert not isinstance(definition, Picks)
    return PictureEdits([_cut(diagnosis, gallery, pointed) for pointed in definition], cue.jitter)


def make_box_cue(
    diagnosis: Diagnosis,
    gallery: Gallery,
    name: str,
    pointed: Sequence[Pointed],
    *,
    jitter: float = 0.0,
    by: str = "",
) -> Cue:
    """Cut a cue out of the pictures that were pointed at, keep it in the project and list it in the journal.

    Args:
        diagnosis, gallery: the project.
        name: of the cue.
        pointed: pictures and boxes.
        jitter: share of the box by which place and size vary.
        by: the name of the person.

    Raises:
        InputError: when a box is wrong, a picture is unknown, the samples are no pictures, or the name is taken.
    """
    _check_samples(gallery, pictures=True)
    cue = Cue(new_name(name), tuple(pointed), jitter, time.time(), by)
    cuts = [_cut(diagnosis, gallery, each) for each in cue.definition]  # type: ignore[union-attr]
    return _listed(diagnosis, cue, [rgba_png(cut) for cut in cuts])


def make_words_cue(diagnosis: Diagnosis, gallery: Gallery, name: str, words: Words, *, by: str = "") -> Cue:
    """Keep words as a cue of the project and list it in the journal.

    Args:
        diagnosis, gallery, name, by: as in `make_box_cue`.
        words: the words.

    Raises:
        InputError: when no text holds a pattern, the samples are no texts, or the name is taken.
    """
    _check_samples(gallery, pictures=False)
    cue = Cue(new_name(name), words, 0.0, time.time(), by)
    edits_of(diagnosis, gallery, cue)  # raises where no text has them
    return _listed(diagnosis, cue, [])


def make_samples_cue(diagnosis: Diagnosis, name: str, picks: Picks, *, by: str = "") -> Cue:
    """Keep picked samples as a cue of the project and list it in the journal.

    Args:
        diagnosis, name, by: as in `make_box_cue`.
        picks: the samples.

    Raises:
        InputError: when the picks cannot be compared, or the name is taken.
    """
    cue = Cue(new_name(name), picks, 0.0, time.time(), by)
    measure_picks(cue, diagnosis.samples(picks.split))
    return _listed(diagnosis, cue, [])


def rename_cue(diagnosis: Diagnosis, name: str, new: str, *, by: str = "") -> Cue:
    """Give a cue of the list another name, as one edit that can be undone, and return it.

    Args:
        diagnosis: the project.
        name: of the cue.
        new: the new name.
        by: the name of the person.

    Raises:
        InputError: when the name cannot be one, or another cue has it.
    """
    library, journal = diagnosis.project.cues, diagnosis.project.journal
    new = new_name(new)
    if new == name:
        return library.load(name)
    if new in journal.cues():
        raise InputError(
            f'There is another cue "{new}" already; choose another name, such as "{library.free_name(new)}".'
        )
    cue = library.copy(name, new)
    journal.rename_cue(name, new, by)
    return cue


def _listed(diagnosis: Diagnosis, cue: Cue, cutouts: Sequence[bytes]) -> Cue:
    diagnosis.project.cues.save(cue, cutouts)
    diagnosis.project.journal.list_cue(cue.name, by=cue.by)
    return cue


def _cut(diagnosis: Diagnosis, gallery: Gallery, pointed: Pointed) -> CutOut:
    samples = diagnosis.samples(pointed.split)
    rows = (samples.sample_ids.astype(str) == pointed.sample).nonzero()[0]
    if not len(rows) or samples.sources is None:
        raise InputError(f'There is no sample "{pointed.sample}" in split "{pointed.split}"; point at another one.')
    picture = gallery.dataset.open_source(str(samples.sources[rows[0]]))
    return cut_out(picture, pointed, _network(gallery).preprocessing)


def _check_samples(gallery: Gallery, *, pictures: bool) -> None:
    if pictures and not gallery.has_images:
        raise InputError("The samples of this project are no pictures, so there is nothing to draw a box in.")
    if not pictures and not gallery.has_texts:
        raise InputError("The samples of this project are no texts, so there are no words to point at.")


def _network(gallery: Gallery):  # type: ignore[no-untyped-def]
    if gallery.model_note:
        raise InputError(f"{gallery.model_note.rstrip('.')}, with neurontune cue --entry.")
    return gallery.network
