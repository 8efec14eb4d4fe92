"""Pairs: the same sample without and with an attribute, and what the attribute alone does to the predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.statistics import wilson_interval

ALONE, SEVERAL, SAME_ATTRIBUTE, OTHER_CLASS = (
    "are the only one of their pair in their split",
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
    ([1], [0], ('no tag', 'tag'), {'are the only one of their pair in their split': 1})
    """

    without: np.ndarray
    with_attribute: np.ndarray
    sides: tuple[str, ...] = ()
    without_side: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    with_side: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.without)

    @property
    def attribute(self) -> str:
        """Return the attribute that is added, such as "tag"; "attribute" for several, "" without pairs."""
        added = set(self.with_side.tolist())
        return self.sides[added.pop()] if len(added) == 1 else "attribute" * bool(added)


def find_pairs(samples: EmbeddingSet) -> Pairs:
    """Return the pairs of a set; none where it has no groups, or no pair has its two members in it.

    A pair has exactly two members, of one class and with different attributes. Other samples that name a pair are left
    out and counted: a split may well hold one of the two.
    """
    if samples.pairs is None or samples.groups is None:
        return Pairs(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    return match_pairs(samples.pairs, samples.labels, samples.groups, samples.class_names, samples.group_names)


def match_pairs(
    names: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    class_names: tuple[str, ...],
    group_names: tuple[str, ...],
) -> Pairs:
    """Return the pairs among samples that are not embedded yet, as `find_pairs` does those of a set.

    Args:
        names: [N] text or None, the pair of each sample.
        labels, groups: [N] int.
        class_names, group_names: of the C classes and G groups.
    """
    named = np.flatnonzero([name is not None for name in names])
    _, pair, size = np.unique(names[named].astype(str), return_inverse=True, return_counts=True)
    twos = size[pair] == 2
    members = named[twos][np.argsort(pair[twos], kind="stable")].reshape(-1, 2)
    members = members[np.argsort(members[:, 0], kind="stable")]
    sides, side = _sides(class_names, group_names)
    attribute, label = side[groups[members]], labels[members]
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


def _sides(classes: tuple[str, ...], groups: tuple[str, ...]) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the names of the attributes, and [G] the attribute of each group."""
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

    >>> changes = PairCounts("happy", "no tag", "tag", 75, 57, 0, 0, 4, 61)
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

    @property
    def changed(self) -> int:
        """Return the number of pairs whose prediction changes with the attribute."""
        return self.newly_wrong + self.corrected + self.other_mistake

    def interval(self, count: int) -> tuple[float, float]:
        """Return the 95 % Wilson score interval of the share of pairs that ``count`` is."""
        return wilson_interval(count, self.n)


@dataclass(frozen=True)
class Flip:
    """Pairs of one class that are misclassified with one attribute alone.

    Attributes:
        label: the class.
        wrong, right: the attribute with which they are misclassified, and the one with which they are correct.
        count: such pairs.
        n: pairs of the class and the two attributes.
        mistaken_for: the class that most of the n are mistaken for with the attribute ``wrong``.
        mistaken, mistaken_otherwise: of the n, those classified so with ``wrong``, and with ``right``.
    """

    label: str
    wrong: str
    right: str
    count: int
    n: int
    mistaken_for: str
    mistaken: int
    mistaken_otherwise: int


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
    >>> [(flip.label, flip.wrong, flip.count, flip.mistaken_for) for flip in paired.flips()]
    [('happy', 'tag', 1, 'unhappy')]
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

    def flips(self) -> tuple[Flip, ...]:
        """Return where one attribute alone misleads: first where the attribute is added, then by count."""
        flips = []
        for part in self.counts():
            own = np.flatnonzero(self.of_part(part))
            sides = (part.with_attribute, part.without)
            if part.newly_wrong:
                flips.append(
                    (0, self._flip(own, self.pairs.with_attribute, self.pairs.without, part.newly_wrong, sides))
                )
            if part.corrected:
                flips.append(
                    (1, self._flip(own, self.pairs.without, self.pairs.with_attribute, part.corrected, sides[::-1]))
                )
        return tuple(flip for _, flip in sorted(flips, key=lambda each: (each[0], -each[1].count)))

    def order(self, label: int | None = None) -> np.ndarray:
        """Return the pairs of a class (None: of all) as places 0..P-1, those that one attribute misleads first.

        They come in the order of `flips`, then the other pairs whose prediction changes, then the rest.
        """
        rank = np.where(self.changed, len(self.labels), len(self.labels) + 1)
        parts = {(part.label, part.without, part.with_attribute): self.of_part(part) for part in self.counts()}
        for place, flip in enumerate(self.flips()):
            for key, own in parts.items():
                if key == (flip.label, flip.right, flip.wrong):
                    rank[own & self.right_without & ~self.right_with] = place
                elif key == (flip.label, flip.wrong, flip.right):
                    rank[own & ~self.right_without & self.right_with] = place
        order = np.argsort(rank, kind="stable")
        return order if label is None else order[self.labels[order] == label]

    def _flip(self, own: np.ndarray, wrong: np.ndarray, right: np.ndarray, count: int, sides: tuple[str, str]) -> Flip:
        names, label = self.samples.class_names, self.labels[own[0]]
        guesses, otherwise = self.predictions[wrong[own]], self.predictions[right[own]]
        most = int(np.bincount(guesses[guesses != label], minlength=len(names)).argmax())
        mistaken, same = int((guesses == most).sum()), int((otherwise == most).sum())
        return Flip(names[label], *sides, count, len(own), names[most], mistaken, same)

    def _count(self, part: np.ndarray) -> PairCounts:
        names, sides, first = self.samples.class_names, self.pairs.sides, part[0]
        before, after = self.right_without[part], self.right_with[part]
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
        )
