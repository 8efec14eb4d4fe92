"""Image classifiers by spec: ``{"family": ..., "architecture": ..., "weights": ...}``."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurontune_core.errors import InputError

if TYPE_CHECKING:
    from neurontune_core.models.base import ImageModel

FAMILIES = {
    "efficientnet_lite": "neurontune_core.models.efficientnet_lite",
    "torchvision": "neurontune_core.models.torchvision_models",
    "timm": "neurontune_core.models.timm_models",
}


def load_model(spec: dict[str, Any], base: str | Path) -> ImageModel:
    """Load the network that ``spec`` names.

    Args:
        spec: ``family`` (a key of `FAMILIES`), ``architecture``, ``weights`` (a path relative to ``base``, or
            ``"random"``; ``"imagenet"`` for EfficientNet-Lite), and optionally ``num_classes``, ``image_size`` and
            ``preprocessing`` (fields of `Preprocessing`).
        base: the folder that relative paths start from.

    Raises:
        InputError: when the family or architecture is unknown, or the checkpoint is unsafe or does not fit.
    """
    family = spec.get("family")
    if family not in FAMILIES:
        raise InputError(f'The model family "{family}" is not known; use one of {", ".join(FAMILIES)}.')
    return importlib.import_module(FAMILIES[family]).load(spec, Path(base))
