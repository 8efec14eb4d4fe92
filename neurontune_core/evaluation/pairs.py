"""Pairs: the same sample without and with an attribute, and what the attribute alone does to the predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.statistics import wilson_interval

ALONE, SEVERAL, SAME_ATTRIBUTE, OTHER_CLASS = (
    "are the only one of their pair",
    "share a pair with two or more others",
    "have the same attribute as the other one of their pair",
    "have another class than the other one of their pair",
)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of samples of one set that have the same class and differ in the attribute.

    Attributes:
        without, with_attribute: [P] rows of the set; "with" is the attribute that comes later in the group names.
        sides: names of the attributes, or of the groups where these are not made of attributes.
        without_side, with_side: [P] places in ``sides``.
        left_out: reason -> samples that name a pair and are in none.

    >>> names = ("happy, no tag", "happy, tag")
    >>> faces = EmbeddingSet(np.eye(3), [0, 0, 0], ("happy",), [1, 0, 1], names, pairs=["a", "a", "b"])
    >>> pairs = find_pairs(faces)
    >>> pairs.without.tolist(), pairs.with_attribute.tolist(), pairs.sides, pairs.left_out
    ([1], [0], ('no tag', 'tag'), {'are the only one of their pair': 1})
    """

    without: np.ndarray
    with_attribute: np.ndarray
    sides: tuple[str, ...] = ()
    without_side: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    with_side: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.without)


def find_pairs(samples: EmbeddingSet) -> Pairs:
    """Return the pairs of a set; none where it has no groups, or no pair has its two members in it.

    A pair has exactly two members, of one class and with different attributes. Other samples that name a pair are left
    out and counted: a split may well hold one of the two.
    """
    none = np.empty(0, dtype=np.int64)
    if samples.pairs is None or samples.groups is None:
        return Pairs(none, none)
    named = np.flatnonzero([name is not None for name in samples.pairs])
    _, pair, size = np.unique(samples.pairs[named].astype(str), return_inverse=True, return_counts=True)
    twos = size[pair] == 2
    members = named[twos][np.argsort(pair[twos], kind="stable")].reshape(-1, 2)
    members = members[np.argsort(members[:, 0], kind="stable")]
    sides, side = _sides(samples)
    attribute, label = side[samples.groups[members]], samples.labels[members]
    differ, one_class = attribute[:, 0] != attribute[:, 1], label[:, 0] == label[:, 1]
    left_out = {
        ALONE: int((size[pair] == 1).sum()),
        SEVERAL: int((size[pair] > 2).sum()),
        OTHER_CLASS: int(2 * (~one_class).sum()),
        SAME_ATTRIBUTE: int(2 * (one_class & ~differ).sum()),
    }
    members, attribute = members[differ & one_class], attribute[differ & one_class]
    order = np.argsort(attribute, axis=1, kind="stable")
    members, attribute = (np.take_along_axis(values, order, axis=1) for values in (members, attribute))
    return Pairs(
        members[:, 0],
        members[:, 1],
        sides,
        attribute[:, 0],
        attribute[:, 1],
        {reason: count for reason, count in left_out.items() if count},
    )


def _sides(samples: EmbeddingSet) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the names of the attributes, and [G] the attribute of each group."""
    classes, groups = samples.class_names, samples.group_names
    attributes = len(groups) // len(classes)
    names = tuple(name.removeprefix(f"{classes[0]}, ") for name in groups[:attributes])
    if groups == tuple(f"{label}, {name}" for label in classes for name in names):
        return names, np.arange(len(groups)) % attributes
    return groups, np.arange(len(groups))


@dataclass(frozen=True)
class PairCounts:
    """What adding the attribute does to the predictions for the pairs of one class.

    Attributes:
        label: the class.
        without, with_attribute: names of the two attributes.
        n: pairs.
        newly_wrong: correct without the attribute, misclassified with it.
        corrected: misclassified without it, correct with it.
        other_mistake: misclassified both times, as different classes.
        wrong_without, wrong_with: misclassified without it, and with it.
        mistaken_for: the class that most of the ``wrong_with`` are taken for; "" without any.
        mistaken_with, mistaken_without: pairs taken for that class with the attribute, and without it.

    >>> changes = PairCounts("happy", "no tag", "tag", 75, 57, 0, 0, 4, 61, "unhappy", 61, 4)
    >>> changes.changed, [round(bound, 3) for bound in changes.interval(changes.newly_wrong)]
    (57, [0.652, 0.842])
    """

    label: str
    without: str
    with_attribute: str
    n: int
    newly_wrong: int
    corrected: int
    other_mistake: int
    wrong_without: int
    wrong_with: int
    mistaken_for: str
    mistaken_with: int
    mistaken_without: int

    @property
    def changed(self) -> int:
        """Return the number of pairs whose prediction changes with the attribute."""
        return self.newly_wrong + self.corrected + self.other_mistake

    def interval(self, count: int) -> tuple[float, float]:
        """Return the 95 % Wilson score interval of the share of pairs that ``count`` is."""
        return wilson_interval(count, self.n)


@dataclass(frozen=True, eq=False)
class PairedPredictions:
    """A head's predictions for pairs.

    Attributes:
        samples: [N] the set.
        predictions: [N] of the head.
        pairs: of the set.

    >>> names = ("happy, no tag", "happy, tag", "unhappy, no tag", "unhappy, tag")
    >>> faces = EmbeddingSet(np.eye(4), [0, 0, 1, 1], ("happy", "unhappy"), [0, 1, 2, 3], names, pairs=list("aabb"))
    >>> paired = PairedPredictions(faces, np.array([0, 1, 1, 1]), find_pairs(faces))
    >>> [(part.label, part.newly_wrong, part.n) for part in paired.counts()], paired.changed.tolist()
    ([('happy', 1, 1), ('unhappy', 0, 1)], [True, False])
    """

    samples: EmbeddingSet
    predictions: np.ndarray
    pairs: Pairs

    @cached_property
    def labels(self) -> np.ndarray:
        """Return [P] the class of each pair."""
        return self.samples.labels[self.pairs.without]

    @cached_property
    def changed(self) -> np.ndarray:
        """Return [P] bool, the pairs whose prediction changes with the attribute."""
        return self.predictions[self.pairs.without] != self.predictions[self.pairs.with_attribute]

    @cached_property
    def right_without(self) -> np.ndarray:
        """Return [P] bool, the pairs that are correct without the attribute."""
        return self.predictions[self.pairs.without] == self.labels

    @cached_property
    def right_with(self) -> np.ndarray:
        """Return [P] bool, the pairs that are correct with the attribute."""
        return self.predictions[self.pairs.with_attribute] == self.labels

    def of_part(self, part: PairCounts) -> np.ndarray:
        """Return [P] bool, the pairs that ``part`` counts."""
        names, sides = self.samples.class_names, self.pairs.sides
        return (
            (self.labels == names.index(part.label))
            & (self.pairs.without_side == sides.index(part.without))
            & (self.pairs.with_side == sides.index(part.with_attribute))
        )

    def counts(self) -> tuple[PairCounts, ...]:
        """Count by class and, where there are more than two attributes, by attributes: in their order."""
        sides = len(self.pairs.sides)
        keys = (self.labels * sides + self.pairs.without_side) * sides + self.pairs.with_side
        return tuple(self._count(np.flatnonzero(keys == key)) for key in np.unique(keys))

    def _count(self, part: np.ndarray) -> PairCounts:
        names, sides, first = self.samples.class_names, self.pairs.sides, part[0]
        before, after = self.right_without[part], self.right_with[part]
        guesses_before, guesses = (
            self.predictions[rows[part]] for rows in (self.pairs.without, self.pairs.with_attribute)
        )
        wrong = np.bincount(guesses[~after], minlength=len(names))
        most = int(wrong.argmax())
        return PairCounts(
            label=names[self.labels[first]],
            without=sides[self.pairs.without_side[first]],
            with_attribute=sides[self.pairs.with_side[first]],
            n=len(part),
            newly_wrong=int((before & ~after).sum()),
            corrected=int((~before & after).sum()),
            other_mistake=int((~before & ~after & self.changed[part]).sum()),
            wrong_without=int((~before).sum()),
            wrong_with=int((~after).sum()),
            mistaken_for=names[most] if wrong[most] else "",
            mistaken_with=int(wrong[most]),
            mistaken_without=int((guesses_before == most).sum()) if wrong[most] else 0,
        )
