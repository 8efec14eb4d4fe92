"""Model + dataset -> EmbeddingSet: batch by batch, on any device, going on where an earlier attempt stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurontune_core.datasets.base import SAMPLE_NOUNS
from neurontune_core.embeddings import EmbeddingSet, OverlappingGroups
from neurontune_core.errors import InputError, listing
from neurontune_core.extraction.batches import batches
from neurontune_core.files import read_json, write_json

if TYPE_CHECKING:
    import pandas as pd

    from neurontune_core.datasets.base import Dataset
    from neurontune_core.models.base import Network

MAX_UNREADABLE = 0.1  # share of images beyond which the folder is wrong rather than a few files
_SECONDS_BETWEEN_NOTES = 1.0  # how much work a killed extraction may lose

OnProgress = Callable[[int, int, float], object]


class Cancelled(Exception):
    """Raised when ``should_stop`` returns True. The vectors so far are kept, and the same call resumes the work."""


def extract(
    model: Network[Any],
    dataset: Dataset,
    folder: str | Path,
    *,
    split: str,
    device: str = "auto",
    batch_size: int = 32,
    dtype: str = "float16",
    on_progress: OnProgress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> EmbeddingSet:
    """Extract the embeddings of one split to ``folder`` and open them.

    Unfinished work is kept in ``<folder>.partial``, so a cancelled or killed extraction resumes and yields the same
    vectors bit for bit. A finished folder of the same model, images and settings is opened as it is.

    Args:
        model: the network; it is moved to the device.
        dataset: the dataset.
        folder: of the embedding set.
        split: "train", "val", "test", or "" for a dataset without splits.
        device: "auto" (CUDA, else Apple's MPS, else the CPU) or a torch device.
        batch_size: samples of a batch.
        dtype: "float16" or "float32", of the vectors on disk.
        on_progress: called with (samples done, samples in all, samples per second) after every batch.
        should_stop: asked before every batch.

    Raises:
        InputError: when over a tenth of the images, or all, cannot be read; when a vector is not finite.
        Cancelled: when ``should_stop`` returned True. Exceptions of ``on_progress`` are passed on; work is kept.
    """
    if dtype not in ("float16", "float32"):
        raise InputError(f'dtype has the value "{dtype}"; use "float16" or "float32".')
    if batch_size < 1:
        raise InputError(f"Expected a batch_size of at least 1, but got {batch_size}.")
    folder, rows = Path(folder), dataset.rows(split)
    if model.modality != dataset.modality:
        raise InputError(
            f'"{model.architecture}" reads {SAMPLE_NOUNS[model.modality]}, but the samples of {dataset.root} are '
            f"{SAMPLE_NOUNS[dataset.modality]}; give a model and a dataset of the same kind."
        )
    torch_device = choose_device(device)
    settings = {
        "architecture": model.architecture,
        "model": model.fingerprint(),
        "preprocessing": model.input_settings(),
        "pictures": listing_digest(dataset, rows),
        "split": split,
        "dtype": dtype,
        "batch_size": batch_size,  # results differ in the last bits between batch sizes and devices
        "device": torch_device.split(":")[0],
    }
    fingerprint = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    if (folder / "meta.json").is_file():
        finished = EmbeddingSet.load(folder)
        if finished.provenance.get("extraction", {}).get("fingerprint") == fingerprint:
            return finished
    work = _Partial(folder.with_name(f"{folder.name}.partial"), fingerprint, (len(rows), model.num_neurons), dtype)
    try:
        _run(model.to(torch_device), dataset, rows, work, batch_size, on_progress, should_stop)
    finally:
        work.note()
    refuse_unreadable(work.unreadable, len(rows), dataset)
    readable = np.setdiff1d(np.arange(len(rows)), [row for row, _ in work.unreadable])
    kept = rows.iloc[readable]
    overlapping, places = dataset.overlapping_groups, np.flatnonzero(dataset.samples["split"] == split)[readable]
    provenance = {
        "extraction": settings | {"fingerprint": fingerprint},
        "unreadable": [reason for _, reason in work.unreadable],
    }
    result = EmbeddingSet(
        embeddings=work.vectors if len(readable) == len(rows) else work.vectors[readable],
        labels=kept["label"].to_numpy(),
        class_names=dataset.class_names,
        groups=kept["group"].to_numpy(dtype=np.int64) if "group" in kept else None,
        group_names=dataset.group_names,
        overlapping_groups=overlapping and OverlappingGroups(overlapping.names, overlapping.members[places]),
        sample_ids=kept["id"].to_numpy(dtype=object),
        sources=kept["source"].to_numpy(dtype=object),
        split=split,
        provenance=provenance,
        pairs=kept["pair"].to_numpy(dtype=object) if "pair" in kept else None,
        units=kept["unit"].to_numpy(dtype=object) if "unit" in kept else None,
    )
    _replace_folder(result, folder)
    work.remove()
    return EmbeddingSet.load(folder)


def choose_device(requested: str = "auto") -> str:
    """Return the torch device to work on; "auto" is the first of CUDA, Apple's MPS and the CPU that is available.

    Raises:
        InputError: when the requested device is not available.

    >>> choose_device("cpu")
    'cpu'
    """
    import torch

    available = [
        name
        for name, there in (
            ("cuda", torch.cuda.is_available()),
            ("mps", torch.backends.mps.is_available()),
            ("cpu", True),
        )
        if there
    ]
    if requested == "auto":
        return available[0]
    if requested.split(":")[0] not in available:
        raise InputError(
            f'The device "{requested}" is not on this machine; use "auto" or one of {", ".join(available)}.'
        )
    return requested


class _Partial:
    """The folder of unfinished work: preallocated vectors, and a note of how many of their rows are valid."""

    def __init__(self, folder: Path, fingerprint: str, shape: tuple[int, int], dtype: str) -> None:
        self.folder, self.fingerprint = folder, fingerprint
        self.done, self.unreadable = 0, []  # type: int, list[tuple[int, str]]
        vectors = folder / "embeddings.npy"
        note = _read_note(folder / "progress.json")
        if note.get("fingerprint") == fingerprint and vectors.is_file():
            self.done, self.unreadable = note["done"], [(row, reason) for row, reason in note["unreadable"]]
            self.vectors = np.lib.format.open_memmap(vectors, mode="r+")
            return
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.vectors = np.lib.format.open_memmap(vectors, mode="w+", dtype=np.dtype(dtype), shape=shape)

    def note(self) -> None:
        """Write the vectors first, then the note that they are valid."""
        self.vectors.flush()
        note = {"fingerprint": self.fingerprint, "done": self.done, "unreadable": self.unreadable}
        write_json(self.folder / "progress.json", note)

    def remove(self) -> None:
        del self.vectors
        shutil.rmtree(self.folder)


def _run(
    model: Network[Any],
    dataset: Dataset,
    rows: pd.DataFrame,
    work: _Partial,
    batch_size: int,
    on_progress: OnProgress | None,
    should_stop: Callable[[], bool] | None,
) -> None:
    started, first, noted = time.monotonic(), work.done, time.monotonic()
    for batch, chosen, failures in batches(model, dataset, rows, range(work.done, len(rows)), batch_size):
        if should_stop and should_stop():
            raise Cancelled(
                f"Stopped after {work.done} of {len(rows)} samples; the same extraction goes on from there."
            )
        if chosen:
            vectors = model.embed(batch).float().cpu().numpy()
            with np.errstate(over="ignore"):  # an overflow shows as infinity, and is named below
                stored = vectors.astype(work.vectors.dtype)
            _refuse_non_finite(vectors, stored, rows["source"].iloc[chosen].tolist())
            work.vectors[chosen] = stored
        work.unreadable += failures
        work.done = min(work.done + batch_size, len(rows))
        if time.monotonic() - noted > _SECONDS_BETWEEN_NOTES:
            work.note()
            noted = time.monotonic()
        if on_progress:
            on_progress(work.done, len(rows), (work.done - first) / max(time.monotonic() - started, 1e-9))


def listing_digest(dataset: Dataset, rows: pd.DataFrame) -> str:
    """Hash the ids, labels and groups of samples, and the sizes and modification times of their files.

    A replaced image thus changes the digest.
    """
    digest = hashlib.sha256(json.dumps([dataset.class_names, dataset.group_names]).encode())
    digest.update(rows.to_csv(index=False).encode())
    if dataset.exif != "rotate":
        digest.update(dataset.exif.encode())
    if dataset.overlapping_groups is not None:
        digest.update(dataset.overlapping_groups.members.tobytes())
    for source in rows["source"] if dataset.modality == "image" else ():
        digest.update(_state(dataset.root, source))
    return digest.hexdigest()[:16]


def _state(root: Path, source: str) -> bytes:
    """Return size and modification time of an image's file, or of the table that contains it (``<file>#<row>``)."""
    for path in (root / source, root / source.rpartition("#")[0]):
        with suppress(OSError):
            if path.is_file():
                state = path.stat()
                return f"{state.st_size} {state.st_mtime_ns} ".encode()
    return b"missing "


def _read_note(path: Path) -> dict[str, Any]:
    try:
        note = read_json(path)
    except InputError:
        return {}
    return note if isinstance(note, dict) else {}


def _refuse_non_finite(vectors: np.ndarray, stored: np.ndarray, sources: list[str]) -> None:
    bad = [source for source, fine in zip(sources, np.isfinite(stored).all(axis=1), strict=True) if not fine]
    if not bad:
        return
    if np.isfinite(vectors).all():
        raise InputError(
            f"The vectors of {listing(bad, 3)} are too large for {stored.dtype} (largest {np.abs(vectors).max():.3g}); "
            'extract with dtype "float32".'
        )
    raise InputError(f"The model gives NaN or infinity for {listing(bad, 3)}; repair its weights or leave these out.")


def refuse_unreadable(unreadable: list[tuple[int, str]], total: int, dataset: Dataset) -> None:
    if len(unreadable) > MAX_UNREADABLE * total or len(unreadable) == total:
        reasons = " ".join(reason for _, reason in unreadable[:3])
        raise InputError(
            f"{len(unreadable)} of {total} images of {dataset.root} cannot be read, so its listing "
            f"does not fit it. The first: {reasons}"
        )


def _replace_folder(result: EmbeddingSet, folder: Path) -> None:
    """Save beside ``folder`` and rename, replacing an older set as a whole."""
    sealing, old = (folder.with_name(f"{folder.name}.{word}") for word in ("sealing", "old"))
    for leftover in (sealing, old):
        shutil.rmtree(leftover, ignore_errors=True)
    result.save(sealing)
    if folder.exists():
        folder.rename(old)
    sealing.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
