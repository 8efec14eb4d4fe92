"""What a look at a model and a dataset found: plain data, for the screen, the command line and JSON."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

from neurontune_core.statistics import wilson_interval

Level = Literal["note", "warning", "blocker"]
Subject = Literal["model", "data", "labels", "preprocessing", "accuracy", "cost"]
STATUS: dict[str, str] = {"note": "OK", "warning": "warnings", "blocker": "blockers"}


@dataclass(frozen=True)
class Finding:
    """One thing that a person should know, and what mends it.

    Attributes:
        level: a "blocker" stops the extraction; a "warning" may spoil what comes of it; a "note" informs.
        sentence: what was found.
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
    """The network.

    Attributes:
        num_classes: C, its outputs; None without a head.
        num_neurons: M, the width of the embedding.
        head: the name of its last linear layer; empty without one.
        trained_head: whether that layer came with the weights.
        class_names: what the model's folder calls its outputs.
        input: how a sample becomes its input; ``input_from`` says who says so.
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
    """Samples of one split, class and group (empty where groups are not known)."""

    split: str
    label: str
    group: str
    n: int


@dataclass(frozen=True)
class DataFacts:
    """The dataset.

    Attributes:
        columns: what each column of its table was taken for; empty for folders.
        counts: one entry for every split, class and group, in this order; 0 where one has no samples.
        overlapping: the samples of each split in groups of which a sample may be in several or in none.
        opened, unreadable: how many samples were opened, and how many of these could not be read.
        reasons: what was wrong with the first of them.
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
    """The first n of the same samples, read in another way.

    Attributes:
        before: right as they were read; ``fixed`` mistakes are right then, and ``broken`` right answers wrong.
        more_likely: samples whose own class gets more probability then; None where that does not say anything.
        settings: what makes it so.
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
    """How the model does on a small sample, classes drawn evenly.

    Attributes:
        chance: the share that always answering the commonest class of the sample gets.
        normalizations: the same with other means and standard deviations.
        order: the model's outputs read in another order, where there are samples enough to tell; else None.
        order_note: why the order of the labels was not checked, or how.
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
    """What the extraction will take on this device, from a few batches of it.

    Attributes:
        measured: samples that the rate rests on.
        memory, disk: bytes; memory is the weights and what the batches took on top.
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
    """One page on a model and a dataset before anything slow starts.

    Attributes:
        model_spec, dataset_spec: what extraction is to be given; None for a half that was refused.
        findings: blockers first.
        seconds: how long the look took.
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
    """Return the value with dataclasses as dicts under their public keys, and tuples as lists."""
    if is_dataclass(value):
        return {
            _PUBLIC_KEYS.get(field.name, field.name): _public(getattr(value, field.name)) for field in fields(value)
        }
    return [_public(item) for item in value] if isinstance(value, tuple) else value
