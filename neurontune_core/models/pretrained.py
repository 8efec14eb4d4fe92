"""A network in the files that its own library loads: those of ``save_pretrained``, timm's checkpoint or hub folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from neurontune_core.files import read_json, write_json
from neurontune_core.models.base import Network
from neurontune_core.models.huggingface import quiet
from neurontune_core.models.known_networks import timm_config
from neurontune_core.models.saved import PRETRAINED_FILES, PROCESSOR, WEIGHTS
from neurontune_core.models.text import PooledBackbone, TextModel
from neurontune_core.models.timm_models import sized

_AUTO = {
    "huggingface_image": "AutoModelForImageClassification",
    "huggingface_text": "AutoModelForSequenceClassification",
}


@dataclass(frozen=True)
class LibraryForm:
    """How the library of a network's family loads it from a folder.

    Attributes:
        call: the function of the library, for a sentence.
        code: a line of Python that makes the network, where ``folder`` is its folder; its imports first.
        load: makes the network of a folder.
    """

    call: str
    code: str
    load: Callable[[Path], nn.Module]


def write_transformers(network: Network[Any], class_names: Sequence[str], source: Path, folder: Path) -> None:
    """Write configuration, weights, and tokenizer or image processor as transformers does.

    Args:
        network: of one of the Hugging Face families. A `PooledBackbone`, for which transformers has no class, is
            written with the configuration of its backbone.
        class_names: of its outputs.
        source: the folder that the network came from, or a checkpoint in it.
        folder: where the files go.
    """
    from safetensors.torch import save_file

    module: Any = network.module
    pooled = isinstance(module, PooledBackbone)
    transformer: Any = module.backbone if pooled else module
    transformer.config.id2label = dict(enumerate(class_names))
    transformer.config.label2id = {name: index for index, name in enumerate(class_names)}
    with quiet():
        if pooled:
            transformer.config.save_pretrained(folder)
            state = {name: tensor.clone().contiguous() for name, tensor in module.state_dict().items()}
            save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
        else:
            transformer.save_pretrained(folder)
        if isinstance(network, TextModel):
            network.tokenization.tokenizer.save_pretrained(folder)
    processor = (source if source.is_dir() else source.parent) / PROCESSOR
    if processor.is_file():
        shutil.copyfile(processor, folder / PROCESSOR)


def write_library_form(
    network: Network[Any],
    spec: Mapping[str, Any],
    base: Path,
    class_names: Sequence[str],
    state_file: Path,
) -> LibraryForm | None:
    """Write what the library of the network's family needs beside its state dict; None where it has no such form.

    Args:
        network: with the weights that are written.
        spec, base: that it was loaded from.
        class_names: of its outputs.
        state_file: its state dict, already written; the other files go beside it.
    """
    family, weights = str(spec.get("family")), base / str(spec.get("config") or spec.get("weights"))
    if family in _AUTO and not isinstance(network.module, PooledBackbone):
        _write_only_known(network, class_names, weights, state_file.parent)
        return _of_transformers(_AUTO[family])
    if family == "timm" and network.classifier_name == timm_config(network.architecture).classifier:
        options = {"num_classes": len(class_names), **sized(network.architecture, spec)}
        config = _hub_config(weights)
        if config is None:
            return _of_timm(network.architecture, options, state_file.name)
        write_json(state_file.with_name("config.json"), _for_classes(config, network, options, class_names))
        shutil.copyfile(state_file, state_file.with_name(WEIGHTS))
        return _of_timm_folder()
    return None


def _write_only_known(network: Network[Any], class_names: Sequence[str], source: Path, folder: Path) -> None:
    """Write as `write_transformers` does, but only `PRETRAINED_FILES`, so that an export knows its own files again."""
    if isinstance(network, TextModel):  # so that texts are cut as they were for the network
        network.tokenization.tokenizer.model_max_length = network.tokenization.max_length
    working = folder / ".transformers"
    working.mkdir()
    write_transformers(network, class_names, source, working)
    for name in PRETRAINED_FILES:
        if (working / name).is_file():
            (working / name).rename(folder / name)
    shutil.rmtree(working)


def _of_transformers(auto: str) -> LibraryForm:
    def load(folder: Path) -> nn.Module:
        import transformers

        with quiet():
            network: nn.Module = getattr(transformers, auto).from_pretrained(folder, local_files_only=True)
        return network.eval()

    call = f"{auto}.from_pretrained"
    return LibraryForm(call, f"from transformers import {auto}\nmodel = {call}(folder)", load)


def _of_timm(architecture: str, options: Mapping[str, Any], name: str) -> LibraryForm:
    def load(folder: Path) -> nn.Module:
        import timm

        network: nn.Module = timm.create_model(architecture, checkpoint_path=folder / name, **options)
        return network.eval()

    words = "".join(f", {key}={value!r}" for key, value in options.items())
    call = f'timm.create_model("{architecture}"{words}, checkpoint_path=folder / "{name}")'
    return LibraryForm("timm.create_model with it as checkpoint_path", f"import timm\nmodel = {call}", load)


def _hub_config(weights: Path) -> dict[str, Any] | None:
    """Return the configuration of the hub folder that a timm network came from; None where it came from none."""
    path = (weights if weights.is_dir() else weights.parent) / "config.json"
    config = read_json(path) if path.is_file() else None
    is_timms = isinstance(config, dict) and "architecture" in config and "model_type" not in config
    return config if is_timms else None


def _for_classes(
    config: Mapping[str, Any], network: Network[Any], options: Mapping[str, Any], class_names: Sequence[str]
) -> dict[str, Any]:
    """Return a hub folder's configuration for this network: its classes, and how images are prepared for it."""
    labels = ("labels", "label_names", "label_descriptions", "label_offset")
    kept = {key: value for key, value in config.items() if key not in labels}
    stored = dict(kept.get("pretrained_cfg") or {})
    stored = {key: value for key, value in stored.items() if key not in labels and not key.startswith("test_")}
    images = network.input_settings()
    stored |= {key: images[key] for key in ("mean", "std", "interpolation")}
    stored |= {
        "num_classes": len(class_names),
        "custom_load": False,
        "input_size": [3, images["image_size"], images["image_size"]],
        "crop_pct": images["image_size"] / images["resize"],
        "crop_mode": "squash" if images["resize_mode"] == "squash" else "center",
    }
    built_with = {key: value for key, value in options.items() if key != "num_classes"}
    return kept | {
        "architecture": network.architecture,
        "num_classes": len(class_names),
        "label_names": list(class_names),
        "model_args": dict(kept.get("model_args") or {}) | built_with,
        "pretrained_cfg": stored,
    }


def _of_timm_folder() -> LibraryForm:
    def load(folder: Path) -> nn.Module:
        import timm

        network: nn.Module = timm.create_model(f"local-dir:{folder}", pretrained=True)
        return network.eval()

    code = 'import timm\nmodel = timm.create_model(f"local-dir:{folder}", pretrained=True)'
    return LibraryForm('timm.create_model("local-dir:…", pretrained=True)', code, load)
