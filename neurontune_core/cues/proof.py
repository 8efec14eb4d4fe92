"""Proof: what the cue alone does to the answers of a head, beside what a control does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurontune_core.cues.measurement import CueMeasurement
from neurontune_core.head import LinearHead, softmax
from neurontune_core.statistics import mcnemar, wilson_interval

_LEVEL = 0.05
_NOUNS = {"box": "pictures", "words": "texts", "samples": "samples"}


@dataclass(frozen=True)
class ClassProof:
    """What the cue does to the answers for one class.

    Attributes:
        label: the class.
        n: its samples that were edited.
        changed, control_changed: of these, those whose answer changes with the cue, and with the control.
        called: the class that the cue drags them to.
        called_with, called_control, called_without: how many are called so with the cue, with the control, as they are.
    """

    label: str
    n: int
    changed: int
    control_changed: int
    called: str
    called_with: int
    called_control: int
    called_without: int

    def interval(self, count: int) -> tuple[float, float]:
        """Return the 95 % Wilson score interval of the share of the samples that ``count`` is."""
        return wilson_interval(count, self.n)


@dataclass(frozen=True, eq=False)
class Proof:
    """What the cue does to the answers of a head.

    Attributes:
        sentence: the finding, for a person.
        distinct: whether clearly more samples are called ``direction`` with the cue than with the control (McNemar's
            exact test, 5 %); of picked samples, whether any neuron differs (5 % after Benjamini and Hochberg).
        pairs, changed, control_changed: of all classes; None where samples were picked and nothing was edited.
        p_value: of McNemar's test of the cue against the control: of the samples that are called ``direction`` with one
            of the two alone, how many with the cue; with more than two classes times the others that it was chosen
            among. None where there is no control.
        direction: the class that changed answers go to most often; empty without any.
        by_class: one entry a class.
        order: [P] places of the pairs, those that change most first.
        without, with_cue, control: [P] predictions; for picked samples the first two are the same.
    """

    sentence: str
    distinct: bool
    pairs: int
    changed: int | None
    control_changed: int | None
    p_value: float | None
    direction: str
    by_class: tuple[ClassProof, ...]
    order: np.ndarray
    without: np.ndarray
    with_cue: np.ndarray
    control: np.ndarray | None


def prove(measured: CueMeasurement, head: LinearHead) -> Proof:
    """Compare a head's answers for the samples as they are, with the cue, and with the control.

    Where the edit takes the cue out, "with the cue" stands for the edited samples throughout.

    Args:
        measured: the cue, measured.
        head: the head, such as the trained one.
    """
    if measured.edited is None or measured.control is None:
        return _of_picks(measured, head)
    before, after, other = (head.logits(vectors) for vectors in (measured.base, measured.edited, measured.control))
    without, with_cue, control = (logits.argmax(axis=1) for logits in (before, after, other))
    changed, by_control = with_cue != without, control != without
    names = measured.samples.class_names
    towards = int(np.bincount(with_cue[changed], minlength=len(names)).argmax())
    only_cue, only_control = (
        int(((first == towards) & (second != towards)).sum())
        for first, second in ((with_cue, control), (control, with_cue))
    )
    p_value = min(1.0, mcnemar(only_cue, only_control) * max(1, len(names) - 1))  # the class was chosen among so many
    distinct = p_value <= _LEVEL and only_cue > only_control
    moved = np.abs(softmax(after) - softmax(before)).sum(axis=1)
    by_class = tuple(
        _class_proof(names, int(label), measured.labels == label, without, with_cue, control)
        for label in np.unique(measured.labels)
    )
    return Proof(
        sentence=_sentence(measured, by_class, distinct),
        distinct=distinct,
        pairs=measured.num_pairs,
        changed=int(changed.sum()),
        control_changed=int(by_control.sum()),
        p_value=p_value,
        direction=names[towards] if changed.any() else "",
        by_class=by_class,
        order=np.lexsort((-moved, ~changed)),
        without=without,
        with_cue=with_cue,
        control=control,
    )


def _class_proof(
    names: tuple[str, ...],
    label: int,
    own: np.ndarray,
    without: np.ndarray,
    with_cue: np.ndarray,
    control: np.ndarray,
) -> ClassProof:
    before, after, other = without[own], with_cue[own], control[own]
    gained = np.bincount(after, minlength=len(names)) - np.bincount(before, minlength=len(names))
    called = int(gained.argmax()) if gained.any() else label
    counts = [int((answers == called).sum()) for answers in (after, other, before)]
    changed, by_control = int((after != before).sum()), int((other != before).sum())
    return ClassProof(names[label], int(own.sum()), changed, by_control, names[called], *counts)


def _sentence(measured: CueMeasurement, by_class: tuple[ClassProof, ...], distinct: bool) -> str:
    noun, cue = _NOUNS[measured.cue.kind], measured.cue.name.replace("_", " ")
    edit = "Without" if measured.removes else "With"
    control = {"box": "with a patch from elsewhere", "words": "with other words"}[measured.cue.kind]
    control = "with other words taken out" if measured.removes else control
    n, changed, by_control = (
        sum(getattr(part, name) for part in by_class) for name in ("n", "changed", "control_changed")
    )
    if not distinct:
        return (
            f"The {cue} cannot be told from the control: {edit.lower()} it {changed} of {n} {noun} get another answer, "
            f"{control} {by_control}."
        )
    most = max(by_class, key=lambda part: part.called_with - part.called_without)
    as_they_are = f", as they are {most.called_without}" if most.called_without else ""
    return (
        f'{edit} the {cue}, {most.called_with} of {most.n} "{most.label}" {noun} are called "{most.called}"; '
        f"{control} {most.called_control}{as_they_are}."
    )


def _of_picks(measured: CueMeasurement, head: LinearHead) -> Proof:
    """Compare the answers for samples that have the cue with those for others of their class; nothing is edited."""
    assert measured.has is not None
    predictions, has, names = head.predict(measured.base), measured.has, measured.samples.class_names
    parts = []
    for label in np.unique(measured.labels):
        own = measured.labels == label
        counts = [np.bincount(predictions[own & kind], minlength=len(names)) for kind in (has, ~has)]
        shares = [count / max(1, count.sum()) for count in counts]
        called = int((shares[0] - shares[1]).argmax())
        parts.append((names[int(label)], counts, called, shares[0][called] - shares[1][called]))
    both = [part for part in parts if min(count.sum() for count in part[1])]
    label_name, counts, called, _ = max(both, key=lambda part: part[3])
    sentence = (
        f'Of {counts[0].sum()} "{label_name}" samples with the {measured.cue.name.replace("_", " ")}, '
        f'{counts[0][called]} are called "{names[called]}"; of {counts[1].sum()} without it {counts[1][called]}. '
        "These are different samples, so this shows that the two go together, not that one causes the other."
    )
    moved = -head.logits(measured.base)[np.arange(len(has)), measured.labels]
    order = np.lexsort((moved, predictions == measured.labels))
    distinct = bool((measured.p_adjusted <= _LEVEL).any())
    return Proof(sentence, distinct, 0, None, None, None, names[called], (), order, predictions, predictions, None)
