"""The model's half of the report, and what is wrong between the two halves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neurontune_core.datasets.base import SAMPLE_NOUNS
from neurontune_core.errors import listing
from neurontune_core.extraction.pairing import Pairing
from neurontune_core.models.detect import ModelGuess
from neurontune_core.preflight.report import Finding, ModelFacts, SampleAccuracy

if TYPE_CHECKING:
    from typing import Any

    from neurontune_core.models.base import Network


def facts_of(model: Network[Any], guess: ModelGuess, input_from: str) -> ModelFacts:
    fit = model.loading
    return ModelFacts(
        description=guess.description,
        family=guess.spec["family"],
        architecture=model.architecture,
        modality=model.modality,
        num_parameters=sum(parameter.numel() for parameter in model.module.parameters()),
        num_classes=model.num_classes,
        num_neurons=model.num_neurons,
        head=model.classifier_name or "",
        trained_head=fit.trained_head,
        class_names=fit.class_names,
        input=model.input_settings(),
        input_from=input_from,
        loading=tuple(fit.sentences()),
        prefix=fit.prefix,
        missing=fit.missing,
        unexpected=fit.unexpected,
        alternatives=tuple(map(str, guess.alternatives)),
    )


def judge_model(facts: ModelFacts, accuracy: SampleAccuracy | None) -> Iterator[Finding]:
    if facts.alternatives:
        speaks_for_it = accuracy is not None and accuracy.interval[0] > accuracy.chance
        yield Finding(
            "note" if speaks_for_it else "warning",
            "model",
            f"The weights fit several networks equally well; {facts.family} {facts.architecture} was taken, and "
            f"{listing(facts.alternatives, 6)} would fit too.",
            "If it was trained as another of them, name its family and architecture.",
            "--family NAME --arch NAME",
        )
    if not facts.trained_head:
        yield Finding(
            "warning",
            "model",
            "The weights hold no last layer for these classes, so extraction gives vectors without a head, and nothing "
            "can be said of its mistakes.",
            "Give the weights of a classifier that was trained on these classes.",
        )


def judge_pair(pairing: Pairing) -> Iterator[Finding]:
    """Yield what does not fit between model and data."""
    model, dataset = pairing.model, pairing.dataset
    if model.modality != dataset.modality:
        yield Finding(
            "blocker",
            "model",
            f"The model reads {SAMPLE_NOUNS[model.modality]}, but the data are {SAMPLE_NOUNS[dataset.modality]}.",
            "Give a model and a dataset of the same kind.",
        )
        return
    outputs, classes = model.num_classes, len(dataset.class_names)
    if model.loading.trained_head and outputs is not None and outputs != classes:
        yield Finding(
            "warning",
            "labels",
            f"The model's head has {outputs} outputs, but the dataset has {classes} classes "
            f"({listing(dataset.class_names, 4)}), so extraction leaves that head out.",
            "Give the weights that were trained on these classes, or name the classes that it was trained on.",
        )
    if pairing.names_differ:
        yield Finding(
            "warning",
            "labels",
            f"The model calls its outputs {listing(model.loading.class_names, 6)}; the dataset calls its classes "
            f"{listing(dataset.class_names, 6)}.",
            "Make sure that they are the same classes in the same order, or give them in the order of the outputs.",
            "--classes NAME,NAME,...",
        )
    for remark in pairing.remarks:
        yield Finding("note", "labels", remark)
