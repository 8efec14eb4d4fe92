"""What every method shares: its settings, its result, its registry entry, and choosing among candidate heads."""

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
from neurontune_core.head import LinearHead
from neurontune_core.settings import Settings, setting

Role = Literal["identification", "tuning"]
Trains = Literal["head", "backbone"]
Select = Literal["worst_class_accuracy", "worst_group_accuracy", "accuracy"]

BY_GROUP = "worst_group_accuracy"
SELECT_HELP = "measured on the identification set to choose; worst_group_accuracy uses group labels, as the paper did"


@dataclass(frozen=True)
class TrainSettings(Settings):
    """Mini-batch training of a head on cached embeddings."""

    epochs: int = setting(20, "epochs; one of them is kept", low=1)
    batches: int = setting(100, "batches an epoch", low=1)
    batch_size: int = setting(128, "samples a batch", low=1)
    learning_rate: float = setting(1e-3, "constant learning rate", low=1e-12)
    optimizer: Literal["sgd", "adamw"] = setting("sgd", "sgd or adamw", choices=Literal["sgd", "adamw"])
    momentum: float = setting(0.9, "momentum of SGD", high=0.9999)
    weight_decay: float = setting(1e-4, "weight decay")
    select: Select = setting("worst_class_accuracy", SELECT_HELP, choices=Select)
    seed: int = setting(0, "seed of all that is random", high=2**63 - 1)


class Fitted(NamedTuple):
    """What a method's own function returns."""

    head: LinearHead
    chosen: dict[str, Any]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class MethodResult:
    """A head made by one method.

    Attributes:
        method: the method's key.
        head: everything folded in; plain ``embeddings @ weight.T + bias`` gives its logits.
        settings: what it ran with.
        chosen: what was chosen on the way, such as an epoch or a value of a grid; JSON-able.
        uses_groups: whether any group label was used, to train or to choose.
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
        groups_in: the sets whose group labels it cannot do without.
        trains: what it changes.
        fixed: settings that the method decides itself, or that change nothing in it.
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
        """Whether it uses group labels whatever its settings."""
        return bool(self.groups_in)

    def groups_needed(self, settings: Any) -> tuple[Role, ...]:
        """The sets whose group labels are used with these settings."""
        if getattr(settings, "select", None) == BY_GROUP and "identification" not in self.groups_in:
            return (*self.groups_in, "identification")
        return self.groups_in

    def run(
        self, head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: Any = None
    ) -> MethodResult:
        """Run the method.

        Args:
            head: the ERM head of the model that made the embeddings.
            identification: D_Ide, on which methods choose (and which held-out methods train on).
            tuning: D_Tune, which the others train on.
            settings: an instance of ``self.settings``; None is its defaults.

        Raises:
            InputError: when group labels are needed and missing, when the sets or the head do not fit each other, when
                the settings are of another method, or when the method itself refuses the data.
        """
        began = time.perf_counter()
        settings = self.settings() if settings is None else settings
        if type(settings) is not self.settings:
            raise InputError(f"{self.name} takes {self.settings.__name__}, but got {type(settings).__name__}.")
        check_compatible(identification, tuning)
        head.check_fits(tuning.num_neurons, tuning.num_classes)
        needed = self.groups_needed(settings)
        identification = self._seen(identification, "identification", needed)
        tuning = self._seen(tuning, "tuning", needed)
        with threadpool_limits(1):  # two threads on a busy machine made these small products many times slower
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

    def _seen(self, embedding_set: EmbeddingSet, role: Role, needed: tuple[Role, ...]) -> EmbeddingSet:
        """The set as the method may see it: without groups unless they are declared."""
        if role not in needed:
            bare = embedding_set.groups is None and embedding_set.overlapping_groups is None
            return embedding_set if bare else replace(embedding_set, groups=None, overlapping_groups=None)
        if embedding_set.groups is None:
            what, cure = self.name, "choose a method that uses none"
            if role not in self.groups_in:
                what, cure = f"{self.name} selected by {BY_GROUP}", "select by worst_class_accuracy"
            raise InputError(f"{what} uses group labels, but the {role} set has none; add them to the data, or {cure}.")
        return embedding_set


def _plain(settings: Any) -> dict[str, Any]:
    """Settings as JSON can hold them; matrices are left out."""
    values = {each.name: getattr(settings, each.name) for each in fields(settings)}
    return {name: value for name, value in values.items() if not isinstance(value, np.ndarray)}


class Candidate(NamedTuple):
    """One head to choose from, and how it came to be."""

    head: LinearHead
    chosen: dict[str, Any]


def best_of(candidates: Iterable[Candidate], selection: EmbeddingSet, select: str) -> Candidate:
    """The candidate with the highest ``select`` (an attribute of `Evaluation`); ties go to the higher accuracy, then to
    the earliest."""
    best, highest = None, (-1.0, -1.0)
    for candidate in candidates:
        evaluation = evaluate(candidate.head, selection)
        score = (float(getattr(evaluation, select)), evaluation.accuracy)
        if score > highest:
            best, highest = candidate, score
    if best is None:
        raise ValueError("no candidates")
    return Candidate(best.head, best.chosen | {select: highest[0]})


def require_classes(embedding_set: EmbeddingSet, role: Role) -> None:
    """Raise InputError unless every class has a sample."""
    counts = np.bincount(embedding_set.labels, minlength=embedding_set.num_classes)
    for name, count in zip(embedding_set.class_names, counts, strict=True):
        if count == 0:
            raise InputError(f'Class "{name}" has no sample in the {role} set; add samples of it.')
