"""The classifiers of timm, with a checkpoint of the user's; nothing is fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from neurontune_core.errors import InputError
from neurontune_core.limits import MAX_LAYERS
from neurontune_core.models.base import ImageModel
from neurontune_core.models.fitting import fill, seeded
from neurontune_core.models.known_networks import timm_config
from neurontune_core.models.preprocessing import Preprocessing


def load(spec: dict[str, Any], base: Path) -> ImageModel:
    """Load a network of timm; preprocessing defaults to timm's own for the architecture.

    Raises:
        InputError: on an unknown architecture, one that does not end in one linear layer, or weights that do not fit.
    """
    import timm

    architecture = spec.get("architecture", "")
    if not timm.is_model(architecture):
        close = timm.list_models(f"{architecture[:4]}*")[:5] if architecture else []
        raise InputError(f'timm has no network "{architecture}"; close to it are {", ".join(close) or "none"}.')
    arguments = _arguments(spec.get("model_args") or {}) | sized(architecture, spec)
    try:
        with seeded():
            module = timm.create_model(architecture, pretrained=False, **arguments)
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise InputError(f'timm does not build "{architecture}" with {arguments} ({error}).') from None
    classifier_name = timm_config(architecture).classifier
    if not isinstance(classifier_name, str):
        raise InputError(
            f'"{architecture}" does not end in one linear layer ({classifier_name}), so its neurons have no one head.'
        )
    loading = fill(module, classifier_name, spec, base)
    labels = tuple(str(label) for label in spec.get("label_names") or ())
    last: Any = module
    if labels and len(labels) == getattr(last.get_classifier(), "out_features", 0):
        loading = replace(loading, class_names=labels)
    return ImageModel(module, architecture, _defaults(module).changed(spec), loading=loading)


def _arguments(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a network that a folder of timm's names, as long as they are small and plain.

    Raises:
        InputError: for any other.
    """
    for key, value in stored.items():
        parts = value if isinstance(value, list) else [value]
        small = all(not isinstance(part, int) or abs(part) <= MAX_LAYERS for part in parts)
        plain = all(isinstance(part, str | bool | int | float) for part in parts)
        if not (small and plain) or len(parts) > _MAX_PARTS or key in _NOT_READ:
            raise InputError(f'The model\'s argument "{key}" is none that is read; its value is {str(value)[:60]}.')
    return dict(stored)


_MAX_PARTS = 64
_NOT_READ = ("pretrained", "checkpoint_path", "cache_dir", "num_classes")


def sized(architecture: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return timm's argument for the spec's image size, for networks built for one size, as those with a position
    table are; nothing for others.

    >>> sized("vit_tiny_patch16_224", {"image_size": 64}), sized("resnet10t", {"image_size": 64})
    ({'img_size': 64}, {})
    """
    fixed = spec.get("image_size") and timm_config(architecture).fixed_input_size
    return {"img_size": spec["image_size"]} if fixed else {}


def _defaults(module: Any) -> Preprocessing:
    from timm.data import resolve_data_config

    config = resolve_data_config({}, model=module)
    size = config["input_size"][-1]
    squash = config["crop_mode"] == "squash"
    return Preprocessing(
        image_size=size,
        resize=int(size / config["crop_pct"]),
        resize_mode="squash" if squash else "short_side",
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        interpolation=config["interpolation"],
    )
