"""Settings, result and registry entry that all methods share, and the selection among fitted heads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from neurontune_core.embeddings import EmbeddingSet, check_compatible
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import evaluate
from neurontune_core.evaluation.inferred_groups import environments, inferred_groups, twin_heads
from neurontune_core.head import LinearHead
from neurontune_core.settings import Settings, setting

Role = Literal["identification", "tuning"]
Trains = Literal["head", "backbone"]
Select = Literal[
    "worst_class_accuracy", "worst_group_accuracy", "accuracy", "worst_inferred_accuracy", "worst_environment_accuracy"
]

BY_GROUP = "worst_group_accuracy"
INFERRED, ENVIRONMENT = "worst_inferred_accuracy", "worst_environment_accuracy"
SELECT_HELP = (
    "measured on the identification set to choose; worst_group_accuracy uses group labels, as the paper did; "
    "worst_inferred_accuracy and worst_environment_accuracy use guessed groups (XRM's twin heads, EIIL's environments)"
)


@dataclass(frozen=True)
class TrainSettings(Settings):
    """Settings of mini-batch training of a head on cached embeddings."""

    epochs: int = setting(20, "epochs; one of them is kept", low=1)
    batches: int = setting(100, "batches an epoch", low=1)
    batch_size: int = setting(128, "samples a batch", low=1)
    learning_rate: float = setting(1e-3, "constant learning rate", low=1e-12)
    optimizer: Literal["sgd", "adamw"] = setting("sgd", "sgd or adamw", choices=Literal["sgd", "adamw"])
    momentum: float = setting(0.9, "momentum of SGD", high=0.9999)
    weight_decay: float = setting(1e-4, "weight decay")
    select: Select = setting("worst_class_accuracy", SELECT_HELP, choices=Select)
    seed: int = setting(0, "seed of everything random", high=2**63 - 1)


class Fitted(NamedTuple):
    """Head that a method fitted.

    Attributes:
        head: the head.
        chosen: what was selected to make it, such as an epoch or a value of a grid; JSON-able.
        warnings: sentences.
    """

    head: LinearHead
    chosen: dict[str, Any]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class MethodResult:
    """Head made by one method, and how.

    Attributes:
        method: the method's key.
        head: everything folded in; plain ``embeddings @ weight.T + bias`` gives its logits.
        settings: what it ran with.
        chosen: what was selected, such as an epoch or a value of a grid; JSON-able.
        uses_groups: whether any group label was used, to train or to select.
        warnings: sentences.
        seconds: wall time.
    """

    method: str
    head: LinearHead
    settings: Any
    chosen: dict[str, Any]
    uses_groups: bool
    warnings: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Method:
    """One method of the paper's tables.

    Attributes:
        key: short name for the command line and files.
        name: as the paper prints it.
        source: the paper.
        summary: one sentence.
        settings: its settings class; every field has a default and a help text.
        fit: ``(head, identification, tuning, settings) -> Fitted``; it sees group labels only where they are declared.
        groups_in: the sets whose group labels it needs.
        trains: the part of the network that it changes.
        fixed: settings that the method sets itself, or that have no effect on it.
    """

    key: str
    name: str
    source: str
    summary: str
    settings: type
    fit: Callable[[LinearHead, EmbeddingSet, EmbeddingSet, Any], Fitted]
    groups_in: tuple[Role, ...] = ()
    trains: Trains = "head"
    fixed: tuple[str, ...] = ()

    @property
    def uses_groups(self) -> bool:
        """Return whether it uses group labels with any settings."""
        return bool(self.groups_in)

    def groups_needed(self, settings: Any) -> tuple[Role, ...]:
        """Return the sets whose group labels are used with these settings."""
        if getattr(settings, "select", None) == BY_GROUP and "identification" not in self.groups_in:
            return (*self.groups_in, "identification")
        return self.groups_in

    def run(
        self, head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: Any = None
    ) -> MethodResult:
        """Run the method.

        Args:
            head: the ERM head of the model that made the embeddings.
            identification: D_Ide, on which methods select (and on which held-out methods train).
            tuning: D_Tune, on which the other methods train.
            settings: an instance of ``self.settings``; None for its defaults.

        Raises:
            InputError: when group labels are needed and missing, when the sets or the head do not fit each other, when
                the settings are of another method, or when the method itself refuses the data.
        """
        began = time.perf_counter()
        settings = self.settings() if settings is None else settings
        if type(settings) is not self.settings:
            raise InputError(f"{self.name} takes {self.settings.__name__}, but got {type(settings).__name__}.")
        check_compatible(identification, tuning)
        head.check_fits(tuning.num_neurons, tuning.num_classes, tuning.class_names)
        needed = self.groups_needed(settings)
        identification = self._visible(identification, "identification", needed)
        tuning = self._visible(tuning, "tuning", needed)
        with threadpool_limits(1):  # two threads on a busy machine made these small products many times slower
            identification = _guessed(getattr(settings, "select", ""), head, identification, tuning, settings)
            fitted = self.fit(head, identification, tuning, settings)
        provenance = (
            _plain(settings)
            | fitted.head.provenance
            | fitted.chosen
            | {"method": self.name, "uses_groups": bool(needed)}
        )
        return MethodResult(
            method=self.key,
            head=replace(fitted.head, class_names=tuning.class_names, provenance=provenance),
            settings=settings,
            chosen=fitted.chosen,
            uses_groups=bool(needed),
            warnings=fitted.warnings,
            seconds=time.perf_counter() - began,
        )

    def _visible(self, embedding_set: EmbeddingSet, role: Role, needed: tuple[Role, ...]) -> EmbeddingSet:
        """Return the set as the method may see it: without groups unless they are declared."""
        if role not in needed:
            bare = embedding_set.groups is None and embedding_set.overlapping_groups is None
            return embedding_set if bare else replace(embedding_set, groups=None, overlapping_groups=None)
        if embedding_set.groups is None:
            subject, remedy = self.name, "choose a method that uses none"
            if role not in self.groups_in:
                subject, remedy = f"{self.name} selected by {BY_GROUP}", "select by worst_class_accuracy"
            raise InputError(
                f"{subject} uses group labels, but the {role} set has none; add them to the data, or {remedy}."
            )
        return embedding_set


def _guessed(
    select: str, head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: Any
) -> EmbeddingSet:
    """Return the identification set with guessed groups in place of any others, where the selection asks for them."""
    if select == INFERRED:
        twins = twin_heads(tuning, getattr(settings, "seed", 0) % 2**31)
        return inferred_groups(identification, twins.mistakes(identification))
    return (
        inferred_groups(identification, environments(head, identification)) if select == ENVIRONMENT else identification
    )


def _plain(settings: Any) -> dict[str, Any]:
    """Convert settings to a dictionary for JSON, without arrays."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return {name: value for name, value in values.items() if not isinstance(value, np.ndarray)}


def best_of(candidates: Iterable[Fitted], selection: EmbeddingSet, select: str) -> Fitted:
    """Return the best candidate; ties go to the higher accuracy, then to the earliest.

    Args:
        candidates: at least one.
        selection: the set to measure them on.
        select: the measure, an attribute of `Evaluation`, or a rule whose guessed groups the set holds; its value
            becomes a part of ``chosen``.

    >>> samples = EmbeddingSet(np.array([[1.0], [-1.0]]), [0, 1], ("land", "water"))
    >>> heads = [LinearHead(np.array([[weight], [0.0]]), np.zeros(2)) for weight in (-1.0, 1.0)]
    >>> best_of([Fitted(head, {"epoch": n}) for n, head in enumerate(heads)], samples, "accuracy").chosen
    {'epoch': 1, 'accuracy': 1.0}
    """
    best, highest = None, (-1.0, -1.0)
    for candidate in candidates:
        evaluation = evaluate(candidate.head, selection)
        measure = BY_GROUP if select in (INFERRED, ENVIRONMENT) else select
        score = (float(getattr(evaluation, measure)), evaluation.accuracy)
        if score > highest:
            best, highest = candidate, score
    if best is None:
        raise ValueError("no candidates")
    return best._replace(chosen=best.chosen | {select: highest[0]})


def require_classes(embedding_set: EmbeddingSet, role: Role) -> None:
    """Raise InputError unless every class has a sample."""
    counts = np.bincount(embedding_set.labels, minlength=embedding_set.num_classes)
    for name, count in zip(embedding_set.class_names, counts, strict=True):
        if count == 0:
            raise InputError(f'Class "{name}" has no sample in the {role} set; add samples of it.')
