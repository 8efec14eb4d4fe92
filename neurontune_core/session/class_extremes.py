"""The most and the least biased neurons of one class with what they respond to: Figures 3 to 6 of the paper (A.9)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.identification.distributions import Distribution
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.gallery import Gallery

SHOWN = 3  # neurons of each kind, as in the paper
SAMPLES = 4  # of each neuron


@dataclass(frozen=True, eq=False)
class ShownSample:
    """One sample that activates a neuron strongly.

    Attributes:
        correct: whether the trained head classifies it correctly.
        activation: its magnitude.
        picture, heatmap: JPEG and transparent PNG; None where there are none.
        text: of a sample that is a text, or its id where only vectors are known; empty for a picture.
    """

    correct: bool
    activation: float
    picture: bytes | None = None
    heatmap: bytes | None = None
    text: str = ""


@dataclass(frozen=True, eq=False)
class ShownNeuron:
    """One neuron on one class: its score there, its activations by outcome, and its strongest samples."""

    neuron: int
    score: float
    distribution: Distribution
    samples: tuple[ShownSample, ...]


@dataclass(frozen=True, eq=False)
class ClassExtremes:
    """Neurons of one class: those with the smallest scores (unbiased) and the largest (biased), the extreme first."""

    class_name: str
    split: str
    unbiased: tuple[ShownNeuron, ...]
    biased: tuple[ShownNeuron, ...]


def class_extremes(
    diagnosis: Diagnosis,
    gallery: Gallery,
    label: int,
    *,
    neurons: int = SHOWN,
    samples: int = SAMPLES,
    heatmaps: bool = True,
) -> ClassExtremes:
    """Take the neurons with the largest and the smallest score of one class, as the paper's figures do.

    Args:
        diagnosis, gallery: of the project.
        label: the class.
        neurons: of each kind; fewer where the project has not twice as many.
        samples: of each neuron, those of the class that activate it most, whatever their outcome.
        heatmaps: whether to run the network for them; they are left out where there is none.

    Raises:
        InputError: when nothing is misclassified in the identification set, or nothing of this class.
    """
    class_name = diagnosis.identification.class_names[label]
    scores = diagnosis.scores.delta[label]
    if not diagnosis.scores.num_incorrect[label]:
        raise InputError(
            f'No sample of class "{class_name}" is misclassified in the identification set, so its neurons have no '
            "scores; choose another class."
        )
    order = np.argsort(-scores, kind="stable")
    count = min(neurons, len(order) // 2)

    def show(neuron: int) -> ShownNeuron:
        (distribution,) = diagnosis.distributions(neuron, [label])
        strongest = _strongest(diagnosis, gallery, neuron, label, samples, heatmaps)
        return ShownNeuron(neuron, float(scores[neuron]), distribution, strongest)

    return ClassExtremes(
        class_name,
        diagnosis.identification.split,
        unbiased=tuple(show(neuron) for neuron in order[::-1][:count].tolist()),
        biased=tuple(show(neuron) for neuron in order[:count].tolist()),
    )


def _strongest(
    diagnosis: Diagnosis, gallery: Gallery, neuron: int, label: int, samples: int, heatmaps: bool
) -> tuple[ShownSample, ...]:
    activations = np.abs(diagnosis.activations(neuron))
    own = np.flatnonzero(diagnosis.identification.labels == label)
    rows = own[np.argsort(-activations[own], kind="stable")[:samples]].tolist()
    split = diagnosis.project.content["roles"]["identification"]
    pictures, maps, texts = dict[int, bytes](), dict[int, bytes](), dict[int, tuple[str, ...]]()
    with suppress(InputError):  # a project of vectors, or samples that lie elsewhere now
        if gallery.has_images:
            pictures = gallery.thumbnails(split, rows)
        else:
            texts = gallery.descriptions(split, rows)
    if heatmaps and pictures and gallery.has_model:
        with suppress(InputError):
            maps = gallery.heatmaps(split, rows, neuron)
    ids = diagnosis.identification.sample_ids
    return tuple(
        ShownSample(
            bool(diagnosis.correct[row]),
            float(activations[row]),
            pictures.get(row),
            maps.get(row),
            "" if row in pictures else " / ".join(texts.get(row, (str(ids[row]),))),
        )
        for row in rows
    )
