"""EmbeddingSet: the activations before the last layer, with labels and, for measuring only, groups."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from neurontune_core.errors import InputError, listing
from neurontune_core.files import read_json, write_json, write_whole
from neurontune_core.units import deal_units, kept_texts, unit_numbers

FORMAT = "neurontune-embeddings/1"
_MEMBER = "in "  # before the name of an overlapping group, as a column of samples.parquet
_CHECKSUM = "neurontune_checksum"  # an attribute of the memory map that a set was read as; parts of it do not have it
_verified_files: set[tuple] = set()  # folder, time of change and checksum of vectors that were hashed
_ROWS_PER_CHECK = 8192  # a memory-mapped set is checked in blocks, so that it never has to fit in memory


class OverlappingGroups(NamedTuple):
    """Groups of which a sample may be in several or in none; they measure, as other groups do, and never tune.

    Attributes:
        names: the G group names.
        members: [N, G] bool.
    """

    names: tuple[str, ...]
    members: np.ndarray


@dataclass(frozen=True, eq=False)
class EmbeddingSet:
    """One split of a dataset as the last layer sees it.

    Attributes:
        embeddings: [N, M] float16 or float32, possibly a read-only memory map.
        labels: [N] int64, class indices 0..C-1.
        class_names: the C class names.
        groups: [N] int64 indices into ``group_names``, or None. For measuring only; nothing tunes on them.
        group_names: the group names; empty without groups.
        overlapping_groups: a second set of groups that is not a partition, or None.
        sample_ids: [N] unique strings.
        sources: [N] image paths relative to the dataset's root, or texts; None when only vectors are known.
        split: the name of the split, such as ``"val"``.
        provenance: what made the vectors (model fingerprint, preprocessing, files left out); JSON-able.
        pairs: [N] text or None: two samples with the same text are one thing without and with the attribute; None when
            no sample has such a text. For measuring only (`evaluation.pairs`).
        units: [N] text or None: samples with the same text belong together (a patient, a video, crops of one
            photograph), and no fold or half tears them apart; None when no sample has such a text.

    Raises:
        InputError: when shapes disagree, a label or group is out of range, an id occurs twice, or a row holds NaN or
            infinity.

    >>> birds = EmbeddingSet(np.eye(4), [0, 0, 1, 1], ("land", "water"), split="val")
    >>> birds.num_samples, birds.num_neurons, birds.take(np.array([3, 0])).labels.tolist()
    (4, 4, [1, 0])
    >>> [half.num_samples for half in birds.halves(seed=0)]
    [2, 2]
    """

    embeddings: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    groups: np.ndarray | None = None
    group_names: tuple[str, ...] = ()
    overlapping_groups: OverlappingGroups | None = None
    sample_ids: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=object))
    sources: np.ndarray | None = None
    split: str = ""
    provenance: dict[str, Any] = field(default_factory=dict)
    pairs: np.ndarray | None = None
    units: np.ndarray | None = None

    def __post_init__(self) -> None:
        embeddings = np.asanyarray(self.embeddings)
        if embeddings.ndim != 2 or 0 in embeddings.shape:
            raise InputError(
                f"Expected embeddings of shape [samples, neurons], but got shape {list(embeddings.shape)}."
            )
        if embeddings.dtype not in (np.float16, np.float32):
            if not np.issubdtype(embeddings.dtype, np.number) or np.iscomplexobj(embeddings):
                raise InputError(f"Expected embeddings of real numbers, but got {embeddings.dtype}.")
            embeddings = embeddings.astype(np.float32)
        samples = len(embeddings)
        labels = _indices(self.labels, samples, len(self.class_names), "label", "class names")
        groups = self.groups
        if groups is not None:
            groups = _indices(groups, samples, len(self.group_names), "group", "group names")
        overlapping = self.overlapping_groups
        if overlapping is not None and overlapping.members.shape != (samples, len(overlapping.names)):
            raise InputError(
                f"Expected memberships of shape [{samples}, {len(overlapping.names)}], samples by overlapping groups, "
                f"but got {list(overlapping.members.shape)}."
            )
        _refuse_non_finite(embeddings)
        sample_ids = self.sample_ids
        if len(sample_ids) == 0:
            sample_ids = np.array([str(row) for row in range(samples)], dtype=object)
        sources = self.sources
        pairs, units = kept_texts(self.pairs), kept_texts(self.units)
        for name, column in (("sample_ids", sample_ids), ("sources", sources), ("pairs", pairs), ("units", units)):
            if column is not None and len(column) != samples:
                raise InputError(f"Expected {samples} {name}, one per embedding, but got {len(column)}.")
        _refuse_repeated(sample_ids)
        set_field = object.__setattr__  # the dataclass is frozen to its users, not to its own constructor
        set_field(self, "embeddings", embeddings)
        set_field(self, "labels", labels)
        set_field(self, "groups", groups)
        set_field(self, "class_names", tuple(map(str, self.class_names)))
        set_field(self, "group_names", tuple(map(str, self.group_names)) if groups is not None else ())
        set_field(self, "sample_ids", np.asarray(sample_ids, dtype=object))
        set_field(self, "sources", None if sources is None else np.asarray(sources, dtype=object))
        set_field(self, "pairs", pairs)
        set_field(self, "units", units)

    @property
    def num_samples(self) -> int:
        return int(self.embeddings.shape[0])

    @property
    def num_neurons(self) -> int:
        return int(self.embeddings.shape[1])

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    @cached_property
    def unit_numbers(self) -> np.ndarray | None:
        """Return [N] int64, samples with the same number belong together, by unit or as a pair; None without any."""
        return unit_numbers(self.units, self.pairs)

    @cached_property
    def fingerprint(self) -> str:
        """Return the checksum of the vectors: other vectors have another one."""
        return _stored_checksum(self.embeddings) or _checksum(self.embeddings)

    def take(self, rows: np.ndarray) -> EmbeddingSet:
        """Return some rows, in this order, as a set of its own.

        Args:
            rows: [n] int, or [N] bool.
        """
        overlapping = self.overlapping_groups
        return replace(
            self,
            embeddings=np.ascontiguousarray(self.embeddings[rows]),
            labels=self.labels[rows],
            groups=None if self.groups is None else self.groups[rows],
            overlapping_groups=overlapping and OverlappingGroups(overlapping.names, overlapping.members[rows]),
            sample_ids=self.sample_ids[rows],
            sources=None if self.sources is None else self.sources[rows],
            pairs=None if self.pairs is None else self.pairs[rows],
            units=None if self.units is None else self.units[rows],
        )

    def halves(self, seed: int = 0) -> tuple[EmbeddingSet, EmbeddingSet]:
        """Return two seeded, class-stratified halves: the first tunes, the second identifies (Section 5.5, val/2).

        Samples of one unit, or of one pair, are in the same half.

        Raises:
            InputError: when a class has a single sample, or a single unit.
        """
        rng = np.random.default_rng(seed)
        for single in np.flatnonzero(np.bincount(self.labels, minlength=self.num_classes) == 1):
            raise InputError(
                f'Class "{self.class_names[single]}" has a single sample, so the set cannot be halved by class; '
                "give at least two samples of each class."
            )
        units = self.unit_numbers
        if units is not None:
            return self._halves_by_unit(units, rng)
        first: list[np.ndarray] = []
        second: list[np.ndarray] = []
        odd = 0
        for label in range(self.num_classes):
            rows = rng.permutation(np.flatnonzero(self.labels == label))
            middle = (len(rows) + odd % 2) // 2  # odd counts round down and up in turn, so the halves stay even
            odd += len(rows) % 2
            first.append(rows[:middle])
            second.append(rows[middle:])
        return self.take(np.sort(np.concatenate(first))), self.take(np.sort(np.concatenate(second)))

    def _halves_by_unit(self, units: np.ndarray, rng: np.random.Generator) -> tuple[EmbeddingSet, EmbeddingSet]:
        part = deal_units(self.labels, units, 2, rng)
        first, second = (self.take(np.flatnonzero(part == half)) for half in (0, 1))
        for label in np.unique(self.labels):
            if label not in first.labels or label not in second.labels:
                raise InputError(
                    f'Too few units of samples that belong together hold class "{self.class_names[label]}", so the set '
                    "cannot be halved by class; give at least two units of each class."
                )
        return first, second

    def save(self, folder: str | Path) -> None:
        """Write ``embeddings.npy``, ``samples.parquet`` and, last, ``meta.json``."""
        import pyarrow.parquet

        folder = Path(folder)
        columns: dict[str, Any] = {"id": self.sample_ids, "label": self.labels}
        if self.groups is not None:
            columns["group"] = self.groups
        if self.sources is not None:
            columns["source"] = self.sources
        if self.pairs is not None:
            columns["pair"] = self.pairs
        if self.units is not None:
            columns["unit"] = self.units
        overlapping = self.overlapping_groups
        for place, name in enumerate(overlapping.names if overlapping else ()):
            assert overlapping is not None
            columns[_MEMBER + name] = overlapping.members[:, place]
        columns["split"] = [self.split] * self.num_samples
        table = pyarrow.table(columns)
        vectors = np.ascontiguousarray(self.embeddings)
        write_whole(folder / "embeddings.npy", lambda path: np.save(path, vectors, allow_pickle=False))
        write_whole(folder / "samples.parquet", lambda path: pyarrow.parquet.write_table(table, path))
        write_json(
            folder / "meta.json",
            {
                "format": FORMAT,
                "shape": list(vectors.shape),
                "dtype": str(vectors.dtype),
                "class_names": self.class_names,
                "group_names": self.group_names,
                "overlapping_group_names": overlapping.names if overlapping else (),
                "split": self.split,
                "checksum": _checksum(vectors),
                "provenance": self.provenance,
            },
        )

    @classmethod
    def load(cls, folder: str | Path, split: str = "") -> EmbeddingSet:
        """Open a folder written by `save`; the vectors stay on disk until they are read.

        Args:
            folder: that `save` wrote.
            split: the name of the split; by default the one in its ``meta.json``.

        Raises:
            InputError: when a file is missing, is of another kind, or disagrees with the others, or the vectors were
                replaced since the set was written.
        """
        import pyarrow.parquet  # not pandas, which takes a second to import

        folder = Path(folder)
        if not folder.is_dir():
            raise InputError(f"There is no folder {folder}; an embedding set is a folder written by extract or import.")
        meta = read_json(folder / "meta.json")
        if not isinstance(meta, dict) or meta.get("format") != FORMAT:
            raise InputError(f'{folder / "meta.json"} does not describe an embedding set (expected format "{FORMAT}").')
        try:
            vectors = np.lib.format.open_memmap(folder / "embeddings.npy", mode="r")  # refuses pickles
            columns = pyarrow.parquet.ParquetFile(folder / "samples.parquet").read().to_pydict()
            label_column, id_column = columns["label"], columns["id"]
            class_names, group_names = tuple(map(str, meta["class_names"])), tuple(map(str, meta["group_names"]))
            overlapping_names = tuple(map(str, meta.get("overlapping_group_names", ())))
            memberships = [columns[_MEMBER + name] for name in overlapping_names]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise InputError(
                f"The embedding set {folder} cannot be read ({error}); extract or import it again."
            ) from None
        if list(vectors.shape) != meta.get("shape"):
            raise InputError(
                f"The embedding set {folder} holds {list(vectors.shape)} values, "
                f"but its meta.json says {meta.get('shape')}; "
                "extract or import it again."
            )
        checksum = str(meta.get("checksum", ""))
        _verify(folder, vectors, checksum)
        setattr(vectors, _CHECKSUM, checksum)
        return cls(
            embeddings=vectors,
            labels=label_column,
            class_names=class_names,
            groups=columns.get("group"),
            group_names=group_names,
            overlapping_groups=OverlappingGroups(overlapping_names, np.array(memberships, dtype=bool).T)
            if overlapping_names
            else None,
            sample_ids=id_column,
            sources=columns.get("source"),
            pairs=columns.get("pair"),
            units=columns.get("unit"),
            split=split or str(meta.get("split", "")),
            provenance=dict(meta["provenance"]) if isinstance(meta.get("provenance"), dict) else {},
        )


def checksums(sets: Mapping[str, EmbeddingSet]) -> dict[str, str]:
    """Return role -> checksum of the vectors as they were read; empty for a set that was never on disk."""
    return {role: _stored_checksum(embedding_set.embeddings) for role, embedding_set in sets.items()}


def check_compatible(reference: EmbeddingSet, other: EmbeddingSet) -> None:
    """Raise InputError unless both sets have the same neurons and classes."""
    if reference.num_neurons != other.num_neurons:
        raise InputError(
            f"The sets do not belong together: one has {reference.num_neurons} neurons, the other {other.num_neurons}; "
            "extract both with the same model."
        )
    if reference.num_classes != other.num_classes:
        raise InputError(
            f"The sets do not belong together: one has {reference.num_classes} classes, the other {other.num_classes}."
        )


def _indices(values: Any, samples: int, limit: int, what: str, names: str) -> np.ndarray:
    array = np.asarray(values)
    if array.shape != (samples,):
        raise InputError(
            f"Expected {samples} {what}s, one per embedding, but got an array of shape {list(array.shape)}."
        )
    if not np.issubdtype(array.dtype, np.integer) and not (
        np.issubdtype(array.dtype, np.floating)
        and np.all(np.isfinite(array))
        and np.array_equal(array, np.trunc(array))
    ):
        raise InputError(f"Expected whole numbers as {what}s, but got {array.dtype} values such as {array.flat[0]!r}.")
    array = array.astype(np.int64)
    outside = np.flatnonzero((array < 0) | (array >= limit))
    if len(outside):
        raise InputError(
            f"{len(outside)} {what}s lie outside 0..{limit - 1} ({limit} {names}), "
            f"the first in row {outside[0]}: {array[outside[0]]}."
        )
    return array


def _refuse_repeated(sample_ids: np.ndarray) -> None:
    if len(set(sample_ids)) < len(sample_ids):
        repeated, count = Counter(sample_ids).most_common(1)[0]
        raise InputError(
            f'The sample id "{repeated}" occurs {count} times; give every sample an id of its own, because results are '
            "matched to samples by their ids."
        )


def _refuse_non_finite(embeddings: np.ndarray) -> None:
    bad: list[int] = []
    for start in range(0, len(embeddings), _ROWS_PER_CHECK):
        block = embeddings[start : start + _ROWS_PER_CHECK]
        if not _all_finite(block):  # one pass; the rows are only named when there is one
            bad.extend(start + np.flatnonzero(~np.isfinite(block).all(axis=1)))
    if bad:
        raise InputError(
            f"{len(bad)} embeddings hold NaN or infinity, in rows {listing(bad)}; "
            "remove these samples or repair the model that made them."
        )


def _all_finite(block: np.ndarray) -> bool:
    if block.dtype == np.float16 and block.flags.c_contiguous:  # numpy is slow with it: a full exponent in the bits
        return bool((block.view(np.uint16) & 0x7C00).max() < 0x7C00)
    return bool(np.isfinite(np.sum(block, dtype=np.float64)))


def _verify(folder: Path, vectors: np.memmap, checksum: str) -> None:
    """Raise InputError where the vectors were replaced since the set was written.

    `save` writes meta.json last. Vectors that changed before it are taken as they are, which costs nothing; hashing
    200,000 x 2,048 of them would add 0.5 to 2 s to every start. Vectors that changed later, even under an older
    modification time, were replaced, repaired or copied: they are hashed, once in a process.
    """
    changed, described = (_last_change(folder / name) for name in ("embeddings.npy", "meta.json"))
    state = (str(folder.resolve()), changed, checksum)
    if checksum and changed >= described and state not in _verified_files:
        actual = _checksum(vectors)
        if actual != checksum:
            raise InputError(
                f"The vectors of the embedding set {folder} are not those that its meta.json describes (checksum "
                f"{actual}, expected {checksum}); extract or import it again."
            )
        _verified_files.add(state)


def _last_change(path: Path) -> int:
    """Return the time in ns of the last change, a move or a copy that keeps an older date included."""
    status = path.stat()
    return max(status.st_mtime_ns, status.st_ctime_ns)


def _stored_checksum(vectors: np.ndarray) -> str:
    """Return the checksum that these vectors were read with; empty for any other array, such as a part of them."""
    return str(getattr(vectors, _CHECKSUM, ""))


def _checksum(vectors: np.ndarray) -> str:
    digest = hashlib.sha256()
    for start in range(0, len(vectors), _ROWS_PER_CHECK):
        digest.update(np.ascontiguousarray(vectors[start : start + _ROWS_PER_CHECK]).data)
    return digest.hexdigest()[:16]
