"""Groups that a user made from samples of one split: for measuring, never for identifying or tuning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import Proportion
from neurontune_core.files import lock_beside, read_json, set_aside_if_damaged, write_json
from neurontune_core.head import LinearHead

FORMAT = "neurontune-own-groups/1"
_LONGEST_NAME = 60


@dataclass(frozen=True)
class OwnGroup:
    """A named set of samples of one split; a sample may be in several.

    Attributes:
        name: chosen by the user.
        split: where the samples are.
        sample_ids: which they are; by id, so that the group outlives another extraction.
        origin: how it was made, such as "drawn on the map".
    """

    name: str
    split: str
    sample_ids: tuple[str, ...]
    origin: str = ""

    def rows(self, embedding_set: EmbeddingSet) -> np.ndarray:
        """Return the ascending rows of those samples that the set (still) has."""
        return np.flatnonzero(np.isin(embedding_set.sample_ids.astype(str), self.sample_ids))

    def accuracy(self, head: LinearHead, embedding_set: EmbeddingSet) -> Proportion:
        """Count how many of the samples a head classifies correctly."""
        rows = self.rows(embedding_set)
        correct = head.predict(embedding_set.embeddings[rows]) == embedding_set.labels[rows]
        return Proportion(self.name, int(correct.sum()), len(rows))


class OwnGroups:
    """The groups of one project, in a file of their own.

    Args:
        file: where they are kept; several sessions may write to it.

    Raises:
        InputError: from every method, when the file exists and holds something else.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def is_there(self) -> bool:
        """Return whether there is a file yet."""
        return self._file.is_file()

    def set_aside_if_damaged(self) -> str:
        """Rename the file where it cannot be read, so that the rest opens, and return a sentence; "" otherwise."""
        return set_aside_if_damaged(self._file, self.all, "groups")

    def all(self) -> list[OwnGroup]:
        """Return the groups in the order in which they were made."""
        if not self._file.is_file():
            return []
        content = read_json(self._file)
        try:
            if content["format"] != FORMAT:
                raise ValueError(f"its format is {content['format']}")
            return [
                OwnGroup(**entry | {"sample_ids": tuple(map(str, entry["sample_ids"]))}) for entry in content["groups"]
            ]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{self._file} does not hold groups ({error}); repair or delete it.") from None

    def add(self, name: str, embedding_set: EmbeddingSet, rows: Sequence[int] | np.ndarray, origin: str) -> OwnGroup:
        """Keep a group of these rows.

        Raises:
            InputError: when the name is empty, too long or taken, or when there are no rows.
        """
        name = " ".join(name.split())
        if not 0 < len(name) <= _LONGEST_NAME:
            raise InputError(f"Give the group a name of 1 to {_LONGEST_NAME} characters.")
        if not len(rows):
            raise InputError("The group is empty; draw around some samples on the map, or choose another slice.")
        ids = tuple(map(str, embedding_set.sample_ids[np.asarray(rows, dtype=np.int64)]))
        new = OwnGroup(name, embedding_set.split, ids, origin)
        with lock_beside(self._file):
            groups = self.all()
            if name in [group.name for group in groups]:
                raise InputError(f'There is a group "{name}" already; choose another name.')
            self._write([*groups, new])
        return new

    def remove(self, name: str) -> None:
        """Delete a group; does nothing when there is none of this name."""
        with lock_beside(self._file):
            self._write([group for group in self.all() if group.name != name])

    def _write(self, groups: list[OwnGroup]) -> None:
        write_json(self._file, {"format": FORMAT, "groups": [vars(group) for group in groups]})
