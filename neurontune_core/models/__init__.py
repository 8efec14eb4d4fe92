"""Classifiers by spec: ``{"family": ..., "architecture": ..., "weights": ...}``."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from neurontune_core.errors import InputError
from neurontune_core.models.saved import resolved

FAMILIES = {
    "efficientnet_lite": "neurontune_core.models.efficientnet_lite",
    "torchvision": "neurontune_core.models.torchvision_models",
    "timm": "neurontune_core.models.timm_models",
    "huggingface_image": "neurontune_core.models.huggingface_image",
    "huggingface_text": "neurontune_core.models.huggingface_text",
    "minilm": "neurontune_core.models.minilm",
    "cifar_resnet": "neurontune_core.models.cifar_resnet",
    "python": "neurontune_core.models.python_entry",
}
TEXT_FAMILIES = ("huggingface_text", "minilm")
# Families whose weights a user names, as a menu offers them: not the packaged encoder, and no Python entry point.
NAMED_FAMILIES = ("torchvision", "timm", "huggingface_image", "huggingface_text", "efficientnet_lite", "cifar_resnet")
ALLOWED_HUB_MODELS: Mapping[str, str] = {}  # hub id -> the revision (commit) that was looked at; none so far


def is_python_entry(spec: Mapping[str, Any]) -> bool:
    """Return whether a spec's network is built by the user's own code, which no screen runs.

    >>> is_python_entry({"family": "python", "entry": "my_model:network"}), is_python_entry({"family": "timm"})
    (True, False)
    """
    return spec.get("family") == "python"


def names_entry(spec: Mapping[str, Any] | None, entry: str | None) -> bool:
    """Return whether the user named the very entry point that builds a spec's network, as the command line requires.

    A project file from somebody else therefore cannot run code that the user did not name.

    >>> spec = {"family": "python", "entry": "my_model:network"}
    >>> names_entry(spec, "my_model:network"), names_entry(spec, None)
    (True, False)
    """
    return bool(entry and spec and is_python_entry(spec) and spec.get("entry") == entry)


def load_model(
    spec: dict[str, Any],
    base: str | Path,
    *,
    allow_python: bool = False,
    allowed_hub: Mapping[str, str] = ALLOWED_HUB_MODELS,
) -> Any:
    """Load the network that ``spec`` names: a `TextModel` for "huggingface_text" and "minilm", else an `ImageModel`.

    Args:
        spec: ``family`` (a key of `FAMILIES`), ``architecture``, ``weights`` (a path relative to ``base``, or
            ``"random"``; ``"imagenet"`` for EfficientNet-Lite; for the Hugging Face families a folder; or a
            ``model.json``, which says all the rest: see `resolved`), and optionally
            ``num_classes`` (0: a feature extractor without a head), ``image_size``, ``preprocessing`` (fields of
            `Preprocessing`), ``weights_key`` (where a checkpoint with several networks has this one), ``two_logits``
            (make two of one logit), ``use_last_linear`` (agree to go by the last linear layer of a head that is more
            than that), ``entry`` (``"module:function"`` of the family "python"), and what `huggingface_text` reads.
        base: the folder that relative paths start from.
        allow_python: whether ``entry`` may be imported, which runs it; only the command line sets it, where the user
            names the entry point.
        allowed_hub: Hugging Face hub ids that ``hub`` may name, with their pinned revisions.

    Raises:
        InputError: when the family or architecture is unknown, or the checkpoint is unsafe or does not fit.

    >>> model = load_model({"family": "cifar_resnet", "architecture": "resnet20", "weights": "random"}, ".")
    >>> model.num_neurons, model.num_classes, model.classifier_name
    (64, 10, 'linear')
    """
    entry, spec = spec.get("entry"), resolved(spec, base)
    family = spec.get("family")
    if family not in FAMILIES:
        raise InputError(f'The model family "{family}" is not known; use one of {", ".join(FAMILIES)}.')
    if family == "python" and not (allow_python and entry and spec.get("entry") == entry):  # a person's, not a file's
        flag = f", with --entry {spec['entry']}" if spec.get("entry") else ""
        raise InputError(f"A Python entry point runs code, so it is only loaded from the command line{flag}.")
    if spec.get("hub"):
        from neurontune_core.models.huggingface import cached_folder

        spec = spec | {"weights": str(cached_folder(str(spec["hub"]), allowed_hub))}
    model = importlib.import_module(FAMILIES[family]).load(spec, Path(base))
    if model.modality == "image" and (spec.get("preprocessing") or spec.get("image_size")):
        model.preprocessing_from = "the model's settings"
    own = model.loading.normalization if model.modality == "image" else None
    if own and not {"mean", "std"} & set(spec.get("preprocessing") or {}):
        model.preprocessing = replace(model.preprocessing, mean=own[0], std=own[1])
        model.preprocessing_from = f"the checkpoint's own {model.loading.normalization_from}"
    if spec.get("two_logits"):
        model.split_logit()
    return model
