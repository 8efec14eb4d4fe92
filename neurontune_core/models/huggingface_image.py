"""Hugging Face's image classifiers: ViT, Swin, ConvNeXt, ResNet, CLIP's vision tower and others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from neurontune_core.errors import InputError
from neurontune_core.files import read_json
from neurontune_core.models.base import ImageModel
from neurontune_core.models.fitting import Fit, refuse_classes, seeded
from neurontune_core.models.huggingface import (
    assemble,
    class_names,
    first_line,
    fresh,
    head_of,
    network_class,
    open_folder,
    outline,
    read_weights,
)
from neurontune_core.models.huggingface_processor import open_processor
from neurontune_core.models.preprocessing import Preprocessing

_INTERPOLATION = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}  # PIL's numbers
_WARP_FROM = 384  # pixels, in ConvNeXt's processor: from there on the image is squashed, not cropped


def load(spec: dict[str, Any], base: Path) -> ImageModel:
    """Load an image classifier from a model's folder; its ``preprocessor_config.json`` sets the preprocessing.

    A folder without a trained head (``ViTModel``) gives a feature extractor: its embedding is the input of the family's
    own classifier.

    Raises:
        InputError: when the folder is incomplete, its model has no classifier, or the weights do not fit.
    """
    from transformers import AutoModelForImageClassification

    folder = open_folder(spec, base)
    config, requested = folder.config, spec.get("num_classes")
    cls = network_class(AutoModelForImageClassification, config, "image classifier")
    if folder.checkpoint is None:
        config.num_labels = requested or config.num_labels
        head, fit = head_of(outline(cls, config), config.num_labels), Fit()
        module, stored_classes = fresh(cls, config), config.num_labels
    else:
        probe = outline(cls, config)
        head = head_of(probe, config.num_labels)
        state, fit = read_weights(folder.checkpoint, probe, str(spec.get("weights_key") or ""))
        weight = state.get(f"{head}.weight")
        stored_classes = 0 if weight is None else len(weight)
        refuse_classes(folder.checkpoint, stored_classes, requested)
        config.num_labels = stored_classes or requested or config.num_labels
        module, missing, over = assemble(cls, config, state, str(folder.checkpoint), f"^{head}\\.")
        fit = replace(
            fit, missing=tuple(missing), unexpected=(*fit.unexpected, *over), trained_head=bool(stored_classes)
        )
    if requested == 0 or (not stored_classes and not requested):
        module.set_submodule(head, nn.Identity())
        fit = replace(fit, headless=True, trained_head=False)
    elif not stored_classes:
        with seeded():
            layer = module.get_submodule(head)
            assert isinstance(layer, nn.Linear)
            layer.reset_parameters()
    preprocessing, remarks = _preprocessing(folder.path, config)
    origin = "its preprocessor_config.json" if (folder.path / "preprocessor_config.json").is_file() else ""
    fit = replace(fit, remarks=(*fit.remarks, *remarks), class_names=class_names(config))
    return ImageModel(
        module,
        cls.__name__,
        preprocessing.changed(spec),
        preprocessing_from=origin,
        loading=fit,
        use_last_linear=bool(spec.get("use_last_linear")),
    )


def _preprocessing(folder: Path, config: Any) -> tuple[Preprocessing, tuple[str, ...]]:
    """Read ``preprocessor_config.json``; without one, return the defaults and a remark that says so."""
    path = folder / "preprocessor_config.json"
    if not path.is_file():
        size = _side(getattr(getattr(config, "vision_config", config), "image_size", None) or 224, path)
        assumed = Preprocessing(image_size=size, resize=size, resize_mode="squash")
        return assumed, (f"{folder} has no preprocessor_config.json; ImageNet's mean and std were assumed.",)
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path} holds no settings by name; save the processor again.")
    closest, unread = None, ""
    try:
        closest = _read(content, path)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        unread = first_line(error)
    try:
        return open_processor(folder, content, closest), ()
    except ValueError as error:
        if closest is None:
            raise InputError(f"{path} is not understood ({unread or error}); {error}.") from None
        return closest, (f"{path.name} is imitated, as {error}; a center square is read where it would keep oblongs.",)


def _read(content: dict[str, Any], path: Path) -> Preprocessing:
    size = content.get("size", 224)
    short_side = isinstance(size, dict) and "shortest_edge" in size
    resize = _side(size, path)
    image_size, squash = resize, not short_side
    if "crop_pct" in content and short_side:  # ConvNeXt names the crop, and resizes to more
        squash = resize >= _WARP_FROM
        resize = resize if squash else int(resize / (content["crop_pct"] or 224 / 256))
    elif content.get("do_center_crop", False):
        image_size = _side(content.get("crop_size", size), path)
    elif short_side:  # without a crop the network would see oblongs; ours sees their center
        squash = False
    ones, zeros = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
    normalized = content.get("do_normalize", True)
    mean = content["image_mean"] if normalized else zeros
    std = content["image_std"] if normalized else ones
    scale = 255 * content.get("rescale_factor", 1 / 255) if content.get("do_rescale", True) else 255.0
    return Preprocessing(
        image_size=image_size,
        resize=resize,
        resize_mode="squash" if squash else "short_side",
        mean=tuple(value / scale for value in mean),  # type: ignore[arg-type]
        std=tuple(value / scale for value in std),  # type: ignore[arg-type]
        interpolation=_INTERPOLATION[content.get("resample", 2)],
    )


def _side(size: Any, path: Path) -> int:
    if isinstance(size, list | tuple):
        size = {"height": size[0], "width": size[1]}
    if isinstance(size, dict):
        if "shortest_edge" in size:
            return int(size["shortest_edge"])
        if size["height"] != size["width"]:
            raise InputError(f"{path} asks for {size['height']} x {size['width']} pixels; only squares are read.")
        return int(size["height"])
    return int(size)
