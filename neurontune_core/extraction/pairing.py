"""A model and a dataset side by side: what either says about how the other is to be read."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.models import TEXT_FAMILIES

if TYPE_CHECKING:
    from neurontune_core.datasets.base import Dataset
    from neurontune_core.models.base import ImageModel, Network
    from neurontune_core.models.text import TextModel

_NUMBERED = re.compile(r"class \d+")  # what a class of integer labels is called when nobody names it


@dataclass(frozen=True)
class Pairing:
    """A model and a dataset that fit each other.

    Attributes:
        model, dataset: ready to use; the model is the given one, set up for the data.
        model_spec, dataset_spec: load the same again without pairing.
        preprocessing_from: the source of the preprocessing, as it reads in a sentence.
        remarks: what was decided, in sentences.
        names_differ: whether the model names its outputs, and differently from the dataset's classes.
    """

    model: Network[Any]
    dataset: Dataset
    model_spec: dict[str, Any]
    dataset_spec: dict[str, Any]
    preprocessing_from: str
    remarks: tuple[str, ...] = ()
    names_differ: bool = False


def spec_for(dataset: Dataset, model_spec: dict[str, Any]) -> dict[str, Any]:
    """Return the model's spec, with ``pairs`` set where the samples are pairs of texts.

    >>> from types import SimpleNamespace
    >>> spec_for(SimpleNamespace(modality="text_pair"), {"family": "minilm"})
    {'family': 'minilm', 'tokenization': {'pairs': True}}
    """
    if dataset.modality == "image" or model_spec.get("family") not in TEXT_FAMILIES:
        return model_spec
    options = model_spec.get("tokenization") or {}
    pairs = {"pairs": True} if dataset.modality == "text_pair" else {}
    return model_spec | {"tokenization": pairs | options} if pairs | options else model_spec


def pair(
    model: Network[Any], dataset: Dataset, model_spec: dict[str, Any], dataset_spec: dict[str, Any], base: str | Path
) -> Pairing:
    """Decide preprocessing and the order of the classes.

    A model without preprocessing of its own gets the usual one of the dataset, at the size of its own input. Classes
    that both sides name get the model's order. Labels that are mere numbers get the model's names, also where they use
    only the first outputs, provided that these are over half of all.

    Args:
        model, dataset: as loaded.
        model_spec, dataset_spec: what they were loaded from.
        base: the folder that relative paths start from.
    """
    model_spec, origin = pair_inputs(model, dataset, model_spec)
    remarks: tuple[str, ...] = ()
    if model.num_classes == 1 and model.loading.trained_head and len(dataset.class_names) == 2:
        model.split_logit()
        model_spec = model_spec | {"two_logits": True}
        remarks = (
            f'The model has one output; it is read as "{dataset.class_names[1]}" where that is above 0, else as '
            f'"{dataset.class_names[0]}".',
        )
    pairing = Pairing(model, dataset, model_spec, dataset_spec, origin, remarks)
    return _pair_classes(pairing, Path(base))


def pair_inputs(model: Any, dataset: Dataset, spec: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Give the model the dataset's preprocessing where neither it nor its spec has one.

    Returns:
        The model's spec with it, and the source of the preprocessing.
    """
    field = dataset.preprocessing
    if model.modality != dataset.modality:
        return spec, ""
    if model.modality == "image":
        return _pair_images(model, field, spec)
    return _pair_texts(model, field, spec)


def _pair_images(model: ImageModel, field: Any, spec: dict[str, Any]) -> tuple[dict[str, Any], str]:
    if model.preprocessing_from or not field:
        return spec, model.preprocessing_from or "what is usual for the architecture, as nothing else says"
    size = model.preprocessing.image_size
    resize = round(size * field["resize"] / field["image_size"])
    settings = {"image_size": size, "resize": resize, "resize_mode": field["resize_mode"]}
    model.preprocessing = model.preprocessing.changed({"preprocessing": settings})
    model.preprocessing_from = "the dataset's own recipe, as the model brings none"
    return spec | {"preprocessing": settings}, model.preprocessing_from


def _pair_texts(model: TextModel, field: Any, spec: dict[str, Any]) -> tuple[dict[str, Any], str]:
    options = spec.get("tokenization") or {}
    if options.get("max_length"):
        return spec, "the model's settings"
    if not field.get("max_length"):
        return spec, "its tokenizer"
    max_length = min(model.tokenization.max_length, int(field["max_length"]))
    model.tokenization = replace(model.tokenization, max_length=max_length)
    return spec | {
        "tokenization": {**options, "max_length": max_length}
    }, "its tokenizer, at the dataset's usual length"


def _pair_classes(pairing: Pairing, base: Path) -> Pairing:
    theirs, ours = pairing.model.loading.class_names, pairing.dataset.class_names
    if pairing.model_spec.get("two_logits"):  # one output has one name, or none
        theirs = theirs if len(theirs) == 2 else ()
    outputs = pairing.model.num_classes if pairing.model.loading.trained_head else None
    if outputs is None or pairing.dataset_spec.get("class_names") or theirs == ours:
        return pairing
    numbers = _numbers(ours)
    gaps = bool(numbers) and numbers != list(range(len(numbers))) and len(numbers) != outputs
    reach = outputs / 2 < len(ours) <= outputs - (not theirs)  # 0 and 1 are no part of ImageNet's thousand
    if numbers and numbers[-1] < outputs and (reach or gaps):
        names = theirs if len(theirs) == outputs else tuple(f"class {index}" for index in range(outputs))
        remark = (
            f"The labels are numbers up to {numbers[-1]}; they are read as numbers of the model's {outputs} outputs."
        )
        return _renamed(pairing, names, remark, base) or pairing
    if not theirs:
        return pairing
    order = _same_names(ours, theirs)
    remark = f"The classes are in the order of the model's outputs: {', '.join(order[:6])}."
    return (order and _renamed(pairing, order, remark, base)) or replace(pairing, names_differ=True)


def _numbers(names: tuple[str, ...]) -> list[int]:
    """Return the numbers of classes that are only numbered; empty for others."""
    return [int(name.split()[1]) for name in names] if all(map(_NUMBERED.fullmatch, names)) else []


def _same_names(ours: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the dataset's names in the model's order; empty when they are other names."""
    spelled = {_plain(name): name for name in ours}
    order = tuple(spelled.get(_plain(name), "") for name in theirs)
    return order if len(spelled) == len(ours) == len(theirs) and all(order) else ()


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name).strip().casefold()


def _renamed(pairing: Pairing, names: tuple[str, ...], remark: str, base: Path) -> Pairing | None:
    """Return the pairing with the dataset read under other class names; None if that changed a sample's class."""
    from neurontune_core.datasets import open_dataset

    if names == pairing.dataset.class_names:
        return pairing
    spec = pairing.dataset_spec | {"class_names": list(names)}
    try:
        dataset = open_dataset(spec, base, look_for_files=False)
    except InputError:
        return None
    before, after = pairing.dataset.samples["label"].to_numpy(), dataset.samples["label"].to_numpy()
    numbers = _numbers(pairing.dataset.class_names)
    if sorted(names) == sorted(pairing.dataset.class_names):
        same = [pairing.dataset.class_names[one] == names[two] for one, two in zip(before, after, strict=True)]
    elif numbers and len(names) > len(numbers):
        same = (np.array(numbers)[before] == after).tolist()  # the numbers themselves are the outputs
    else:
        same = (before == after).tolist()  # the same numbers under more or better names
    if not all(same):
        return None
    return replace(pairing, dataset=dataset, dataset_spec=spec, remarks=(*pairing.remarks, remark))


def accepts_order(pairing: Pairing, names: tuple[str, ...], base: str | Path) -> bool:
    """Return whether naming the classes in this order renumbers the labels without changing any sample's class."""
    return _renamed(pairing, names, "", Path(base)) is not None
