"""The network that is trained: opened for the data's classes, and written so that it opens by itself."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from neurontune_core.datasets.base import SAMPLE_NOUNS, Dataset
from neurontune_core.errors import InputError
from neurontune_core.extraction.pairing import pair_inputs
from neurontune_core.files import write_whole
from neurontune_core.models import load_model
from neurontune_core.models.base import ImageModel, Network
from neurontune_core.models.huggingface_text import has_pooler
from neurontune_core.models.pretrained import write_transformers
from neurontune_core.models.saved import resolved, write_model_file
from neurontune_core.models.text import PooledBackbone, TextModel
from neurontune_core.training.config import TrainConfig

_NOT_KEPT = ("weights", "config", "head", "hub", "num_classes")  # of a spec, once its weights are ours


def open_trainable(
    spec: Mapping[str, Any], base: Path, dataset: Dataset, config: TrainConfig
) -> tuple[Network[Any], dict[str, Any], list[str]]:
    """Load the network with a last layer for the data's classes.

    A last layer for other classes, or none, is replaced by a freshly initialized one. A text backbone with a pooler and
    no head gets the embedding of the paper's BERT, ReLU(dropout(pooler)); one without a pooler, and a sentence encoder,
    are pooled as in extraction. Images and texts are preprocessed as usual for the dataset where the spec says nothing.

    Args:
        spec: of the model to start from.
        base: the folder that relative paths start from.
        dataset: the training data.
        config: the settings.

    Returns:
        The network, its spec, and sentences for the user.

    Raises:
        InputError: when the network cannot be loaded or trained, or reads another kind of sample.
    """
    spec = {name: value for name, value in resolved(spec, base).items() if name != "num_classes"}
    if spec.get("family") == "python":
        raise InputError("A network of one's own Python entry cannot be trained here; give one of the known families.")
    if dataset.modality != "image":
        spec["tokenization"] = {"pairs": dataset.modality == "text_pair"} | dict(spec.get("tokenization") or {})
    classes = len(dataset.class_names)
    network = load_model(spec, base)
    if network.num_classes is None:
        spec["num_classes"] = classes
        if isinstance(network.module, PooledBackbone) and not spec.get("pooling"):
            # A sentence encoder knows its own.
            says = spec["family"] == "minilm" or (base / str(spec["weights"]) / "1_Pooling").is_dir()
            pooler = not says and has_pooler(network.module.backbone, network.loading)
            spec["pooling"] = "pooler" if pooler else network.module.pooling
        network = load_model(spec, base)
    if network.modality != dataset.modality:
        raise InputError(
            f'"{network.architecture}" reads {SAMPLE_NOUNS[network.modality]}, but the samples of {dataset.root} are '
            f"{SAMPLE_NOUNS[dataset.modality]}; give a model and a dataset of the same kind."
        )
    remarks = network.loading.sentences()
    fresh = not network.loading.trained_head or spec.get("weights") == "random" or config.fresh_head
    if fresh or network.num_classes != classes:
        was = "It has no trained head" if fresh else f"Its own last layer is for {network.num_classes} classes"
        if not config.fresh_head:
            remarks.append(f"{was}, so training starts with a fresh last layer for {classes} classes.")
        network.renew_head(classes, config.seed)
    spec, _ = pair_inputs(network, dataset, spec)
    return network, spec, remarks


def trained_parameters(
    network: Network[Any], config: TrainConfig, frozen: Sequence[str] = ()
) -> list[torch.nn.Parameter]:
    """Mark the parameters that are trained (all but those of frozen parts, or the last layer) as trainable, and return
    them."""
    part = network.module if config.layers == "all" else network.module.get_submodule(str(network.classifier_name))
    part.requires_grad_(True)
    for each in _parts(network, frozen):
        each.requires_grad_(False)
    return [parameter for parameter in part.parameters() if parameter.requires_grad]


def training_mode(network: Network[Any], config: TrainConfig, frozen: Sequence[str] = ()) -> None:
    """Turn on dropout and batch statistics, but not in frozen parts; where only the last layer is trained, all else
    stays in evaluation mode."""
    network.module.train(config.layers == "all")
    for each in _parts(network, frozen):
        each.eval()


def _parts(network: Network[Any], names: Sequence[str]) -> list[torch.nn.Module]:
    """Return parts of the network by their names.

    Raises:
        InputError: when it has no part of a name.
    """
    parts = dict(network.module.named_modules())
    unknown = [name for name in names if name not in parts]
    if unknown:
        raise InputError(f'"{network.architecture}" has no part "{unknown[0]}" that could be frozen.')
    return [parts[name] for name in names]


def save_trained(
    network: Network[Any], spec: Mapping[str, Any], base: Path, folder: Path, class_names: tuple[str, ...], **facts: Any
) -> dict[str, Any]:
    """Write the weights, read them back and compare, then write ``model.json``.

    Args:
        network: the trained network.
        spec, base: as for `open_trainable`.
        folder: of the trained model.
        class_names: the C class names.
        facts: further JSON-able content of ``model.json``.

    Returns:
        The spec in ``model.json``.

    Raises:
        RuntimeError: when the weights on disk differ from the network's.
    """
    module = network.module.eval().requires_grad_(False).cpu()
    written = {name: value for name, value in spec.items() if name not in _NOT_KEPT}
    written["num_classes"] = len(class_names)
    if str(spec["family"]).startswith("huggingface"):
        written["weights"] = "model"
        shutil.rmtree(folder / "model", ignore_errors=True)  # of an attempt that was killed here
        (folder / "model").mkdir(parents=True)
        write_transformers(network, class_names, base / str(spec.get("config") or spec["weights"]), folder / "model")
    else:
        written["weights"] = "model.safetensors"
        _save_tensors(module, folder / "model.safetensors")
    if isinstance(network, ImageModel):
        written["preprocessing"] = network.preprocessing.to_json()
    elif isinstance(network, TextModel):
        written["tokenization"] = {"max_length": network.tokenization.max_length, "pairs": network.tokenization.pairs}
    again = load_model(written, folder)
    state, loaded = module.state_dict(), again.module.state_dict()
    same = state.keys() == loaded.keys() and all(torch.equal(loaded[name], state[name]) for name in state)
    if not same or again.input_settings() != network.input_settings():
        raise RuntimeError(f"{folder / written['weights']} was read back, and is not the network that was trained")
    write_model_file(folder, written, class_names=class_names, **facts)
    return written


def _save_tensors(module: torch.nn.Module, path: Path) -> None:
    from safetensors.torch import save_file

    state = {name: tensor.clone().contiguous() for name, tensor in module.state_dict().items()}
    write_whole(path, lambda temporary: save_file(state, temporary, metadata={"format": "pt"}))
