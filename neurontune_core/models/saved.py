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
PROCESSOR = "preprocessor_config.json"
WEIGHTS = "model.safetensors"
# Of a folder that an export writes for transformers or timm. A fast tokenizer is in tokenizer.json; those after
# tokenizer_config.json are of its older form.
PRETRAINED_FILES = (
    *("config.json", WEIGHTS, PROCESSOR, "tokenizer.json", "tokenizer_config.json"),
    *("special_tokens_map.json", "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt"),
    *("spiece.model", "spm.model", "sentencepiece.bpe.model"),
)


def weights_in(folder: Path) -> Path:
    """Return the weights in a model's folder: one file, the list of its shards, or its only variant.

    Raises:
        InputError: when there are none, or several variants.
    """
    for name in WEIGHT_FILES:
        for candidate in (folder / name, folder / f"{name}.index.json"):
            if candidate.is_file():
                return candidate
    variants = sorted(
        path
        for pattern in ("model.*.safetensors", "pytorch_model.*.bin")
        for path in folder.glob(pattern)
        if path.is_file() and "-of-" not in path.name
    )
    if len(variants) == 1:
        return variants[0]
    if variants:
        names = ", ".join(path.name for path in variants[:4])
        raise InputError(f"The folder {folder} holds several variants of the weights ({names}); give the file of one.")
    if (folder / "adapter_config.json").is_file():
        raise InputError(
            f"The folder {folder} holds a LoRA adapter, a change to another model; merge both (merge_and_unload) and "
            "save the result."
        )
    steps = sorted(path.name for path in folder.glob("checkpoint-*") if path.is_dir())
    inside = f"; its folders {', '.join(steps[:4])} are checkpoints of a training: give one of them" if steps else ""
    raise InputError(f"The folder {folder} holds neither {' nor '.join(WEIGHT_FILES)}{inside}.")


def write_model_file(folder: Path, spec: Mapping[str, Any], **facts: Any) -> None:
    """Write ``model.json``: the spec, its ``weights`` relative to ``folder``, and further facts.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_model_file(Path(folder), {"family": "timm", "weights": "model.pt"}, dataset={"root": "birds"})
    ...     spec = resolved({"weights": folder}, ".")
    ...     spec["family"], Path(spec["weights"]).name, trained_on({"weights": folder}, ".")
    ('timm', 'model.pt', {'root': 'birds'})
    """
    write_json(folder / FILE, {"format": FORMAT, "spec": dict(spec), **facts})


def resolved(spec: Mapping[str, Any], base: str | Path) -> dict[str, Any]:
    """Add the spec of a ``model.json`` to a spec whose ``weights`` name the file or its folder; keep others.

    What the file says takes precedence over ``spec``, such as its ``family``.

    Raises:
        InputError: when the file that ``weights`` names is not one of `write_model_file`.
    """
    path = _file(spec, base)
    if path is None:
        return dict(spec)
    own = _content(path)["spec"]
    return dict(spec) | own | {"weights": str((path.parent / str(own["weights"])).resolve())}


def trained_on(spec: Mapping[str, Any], base: str | Path) -> dict[str, Any] | None:
    """Return the dataset spec that such a model was trained on, with its splits; None when it is unknown."""
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
