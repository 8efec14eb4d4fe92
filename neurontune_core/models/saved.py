"""``model.json``: what a training here leaves beside its weights, so that they open by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurontune_core.errors import InputError
from neurontune_core.files import read_json, write_json

FORMAT = "neurontune-model/1"
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")  # in a folder as Hugging Face and timm save it
FILE = "model.json"


def write_model_file(folder: Path, spec: Mapping[str, Any], **facts: Any) -> None:
    """Write ``model.json``: the spec, its ``weights`` relative to ``folder``, and what else is to be remembered."""
    write_json(folder / FILE, {"format": FORMAT, "spec": dict(spec), **facts})


def resolved(spec: Mapping[str, Any], base: str | Path) -> dict[str, Any]:
    """Return the spec that a ``model.json`` holds, with what else ``spec`` says; any other spec as it is.

    It is asked for by ``weights``, the file itself or its folder, and knows better than a ``family`` in ``spec``.

    Raises:
        InputError: when the file that is asked for is not one that was written here.
    """
    path = _file(spec, base)
    if path is None:
        return dict(spec)
    own = _content(path)["spec"]
    return dict(spec) | own | {"weights": str((path.parent / str(own["weights"])).resolve())}


def trained_on(spec: Mapping[str, Any], base: str | Path) -> dict[str, Any] | None:
    """Return the spec of the dataset that such a model was trained on, with its splits; None when that is not
    known."""
    path = _file(spec, base)
    return None if path is None else _content(path).get("dataset")


def _file(spec: Mapping[str, Any], base: str | Path) -> Path | None:
    weights = spec.get("weights")
    if not isinstance(weights, str) or not weights:
        return None
    path = Path(base) / weights
    if path.name == FILE:
        return path
    path = path / FILE
    return path if path.is_file() and _is_ours(read_json(path)) else None


def _is_ours(content: Any) -> bool:
    return isinstance(content, dict) and content.get("format") == FORMAT and isinstance(content.get("spec"), dict)


def _content(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = read_json(path)
    if not _is_ours(content):
        raise InputError(f'{path} is not a trained model (expected format "{FORMAT}").')
    return content
