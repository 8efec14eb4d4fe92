"""The result of inspecting a model and a dataset, as plain data for the screen, the command line and JSON."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

from neurontune_core.statistics import wilson_interval

Level = Literal["note", "warning", "blocker"]
Subject = Literal["model", "data", "labels", "preprocessing", "accuracy", "cost"]
STATUS: dict[str, str] = {"note": "OK", "warning": "warnings", "blocker": "blockers"}


@dataclass(frozen=True)
class Finding:
    """One thing that a user should know, and how to fix it.

    Attributes:
        level: a "blocker" prevents extraction; a "warning" may spoil its result; a "note" informs.
        about: what it concerns.
        sentence: what is wrong.
        fix: what to do about it; empty when there is nothing to do.
        flags: the same on the command line.
    """

    level: Level
    about: Subject
    sentence: str
    fix: str = ""
    flags: str = ""


@dataclass(frozen=True)
class ModelFacts:
    """What is known of the network.

    Attributes:
        num_classes: C, its outputs; None without a head.
        num_neurons: M, the width of the embedding.
        head: the name of its last linear layer; empty without one.
        trained_head: whether that layer came with the weights.
        class_names: the names of the outputs in the model's folder.
        input: how a sample becomes its input; ``input_from`` is the source of these settings.
        loading: what was stripped, left out, missing or assumed, in sentences.
        alternatives: other networks that the weights fit as well.
    """

    description: str
    family: str
    architecture: str
    modality: str
    num_parameters: int
    num_classes: int | None
    num_neurons: int
    head: str
    trained_head: bool
    class_names: tuple[str, ...]
    input: dict[str, Any]
    input_from: str
    loading: tuple[str, ...]
    prefix: str
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Count:
    """The number of samples of one split, class and group (empty where groups are unknown)."""

    split: str
    label: str
    group: str
    n: int


@dataclass(frozen=True)
class DataFacts:
    """What is known of the dataset.

    Attributes:
        columns: role -> column of its table; empty for folders.
        counts: one entry for every split, class and group, in this order; 0 where one has no samples.
        overlapping: the samples of each split in overlapping groups: a sample may be in several or in none.
        opened, unreadable: how many samples were opened, and how many of these could not be read.
        reasons: why the first of them could not be read.
    """

    description: str
    root: str
    modality: str
    num_samples: int
    class_names: tuple[str, ...]
    group_names: tuple[str, ...]
    columns: dict[str, str]
    counts: tuple[Count, ...]
    overlapping: tuple[Count, ...]
    opened: int
    unreadable: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """The predictions on the first n of the same samples under another normalization or order of the labels.

    Attributes:
        before: how many are correct as the samples were read; ``fixed`` of the misclassified ones become correct, and
            ``broken`` of the correct ones become misclassified.
        more_likely: samples whose own class becomes more probable; None where that is meaningless.
        settings: the settings of the other normalization or order.

    >>> Reading("values from 0 to 1", n=10, before=4, fixed=5, broken=1, more_likely=None).accuracy
    0.8
    """

    name: str
    n: int
    before: int
    fixed: int
    broken: int
    more_likely: int | None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def accuracy(self) -> float:
        return (self.before + self.fixed - self.broken) / self.n


@dataclass(frozen=True)
class SampleAccuracy:
    """The accuracy of the model on a small sample with classes drawn evenly.

    Attributes:
        chance: the accuracy of always predicting the most frequent class of the sample.
        normalizations: the same with other means and standard deviations.
        order: the same with the outputs in another order, where there are enough samples; otherwise None.
        order_note: how the order of the labels was checked, or why it was not.
    """

    split: str
    n: int
    correct: int
    chance: float
    normalizations: tuple[Reading, ...]
    order: Reading | None
    order_note: str

    @property
    def accuracy(self) -> float:
        return self.correct / self.n

    @property
    def interval(self) -> tuple[float, float]:
        return wilson_interval(self.correct, self.n)


@dataclass(frozen=True)
class ExtractionCost:
    """The estimated cost of the extraction on this device, from a few batches.

    Attributes:
        measured: samples that the rate is measured on.
        memory, disk: bytes; memory is that of the weights and what the batches took on top.
    """

    device: str
    samples: int
    measured: int
    samples_per_second: float
    seconds: float
    memory: int
    free_memory: int
    disk: int


@dataclass(frozen=True)
class Report:
    """The result of an inspection.

    Attributes:
        model_spec, dataset_spec: specs for the extraction; None for a half that was refused.
        findings: blockers first.
        seconds: how long the inspection took.

    >>> Report(None, None, None, None, (Finding("warning", "data", "It is small."),), None, None).status
    'warnings'
    """

    model: ModelFacts | None
    data: DataFacts | None
    accuracy: SampleAccuracy | None
    cost: ExtractionCost | None
    findings: tuple[Finding, ...]
    model_spec: dict[str, Any] | None
    dataset_spec: dict[str, Any] | None
    seconds: float = 0.0

    @property
    def status(self) -> str:
        """Return "OK", "warnings" or "blockers"."""
        levels = {finding.level for finding in self.findings}
        return next((STATUS[level] for level in ("blocker", "warning") if level in levels), STATUS["note"])

    def of(self, level: Level) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.level == level)

    def to_json(self) -> dict[str, Any]:
        """Return the report as ``neurontune inspect --json`` prints it."""
        value = {"status": self.status, **_public(self)}
        if self.accuracy:
            value["accuracy"] |= {"accuracy": self.accuracy.accuracy, "interval": list(self.accuracy.interval)}
        return value


# Keys of `neurontune inspect --json` that scripts read, where the attributes have better names.
_PUBLIC_KEYS = {
    "fix": "mend",
    "opened": "looked_at",
    "more_likely": "likelier",
    "normalizations": "normalizations",
    "order_note": "order_said",
}


def _public(value: Any) -> Any:
    """Convert dataclasses to dicts of their public keys, and tuples to lists."""
    if is_dataclass(value):
        return {
            _PUBLIC_KEYS.get(field.name, field.name): _public(getattr(value, field.name)) for field in fields(value)
        }
    return [_public(item) for item in value] if isinstance(value, tuple) else value
