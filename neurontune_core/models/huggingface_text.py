"""Hugging Face's sequence classifiers (BERT, DistilBERT, RoBERTa, ELECTRA, DeBERTa, ...) and their bare backbones."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from neurontune_core.errors import InputError
from neurontune_core.files import read_json
from neurontune_core.head import LinearHead
from neurontune_core.models.fitting import Fit, refuse_classes, seeded
from neurontune_core.models.huggingface import (
    Folder,
    assemble,
    class_names,
    fresh,
    head_of,
    network_class,
    open_folder,
    outline,
    read_weights,
)
from neurontune_core.models.text import PooledBackbone, Pooling, TextModel
from neurontune_core.models.tokenization import open_tokenization


def load(spec: dict[str, Any], base: Path) -> TextModel:
    """Load a text classifier or encoder from a model's folder, with its tokenizer.

    A folder without a trained head (``BertModel``, a sentence encoder), or ``num_classes`` 0, gives a feature extractor
    whose embedding is pooled by ``pooling``: "mean", "cls" (default: as the folder says, otherwise "mean") or "pooler",
    ReLU of the model's own pooler. ``num_classes`` adds a freshly initialized last layer, ``head`` (a file of
    `LinearHead`) the one that was trained for it; a last layer in the weights themselves takes precedence.
    ``tokenization`` sets ``max_length`` and ``pairs``.

    Raises:
        InputError: when the folder is incomplete, its model reads no texts, or the weights do not fit.
    """
    from transformers import AutoModelForSequenceClassification

    folder = open_folder(spec, base)
    config, requested = folder.config, spec.get("num_classes")
    state: dict[str, torch.Tensor] = {}
    if requested != 0 and not spec.get("pooling"):
        cls = network_class(AutoModelForSequenceClassification, config, "text classifier")
        probe = outline(cls, config)
        head = head_of(probe, config.num_labels)
        if folder.checkpoint is None:
            config.num_labels = requested or config.num_labels
            return _model(fresh(cls, config), cls.__name__, Fit(), folder, spec)
        state, fit = read_weights(folder.checkpoint, probe, str(spec.get("weights_key") or ""))
        if f"{head}.weight" in state:
            stored_classes = len(state[f"{head}.weight"])
            refuse_classes(folder.checkpoint, stored_classes, requested)
            config.num_labels = stored_classes
            module, _, over = assemble(cls, config, state, str(folder.checkpoint))
            return _model(module, cls.__name__, replace(fit, unexpected=(*fit.unexpected, *over)), folder, spec)
    return _backbone(folder, spec, base)


def _backbone(folder: Folder, spec: dict[str, Any], base: Path) -> TextModel:
    """Build the pooled network from a folder without a classifier."""
    from transformers import AutoModel

    config, stored_head = folder.config, LinearHead.load(base / str(spec["head"])) if spec.get("head") else None
    requested = int(spec.get("num_classes") or (0 if stored_head is None else stored_head.num_classes))
    pooling = spec.get("pooling") or _pooling_of(folder.path)
    if pooling not in _POOLED:
        raise InputError(f'pooling has the value "{pooling}"; use one of {", ".join(_POOLED)}.')
    cls = network_class(AutoModel, config, "text encoder")
    fit, head = Fit(trained_head=False, headless=not requested), None
    if folder.checkpoint is None:
        backbone = fresh(cls, config)
    else:
        state, fit = read_weights(folder.checkpoint, outline(cls, config))
        backbone, missing, over = assemble(cls, config, state, str(folder.checkpoint), r"^pooler\.")
        fit = replace(fit, missing=tuple(missing), unexpected=(*fit.unexpected, *over))
        head = _own_head(folder.checkpoint, fit.prefix) if requested else None
        if head is None and stored_head is not None:
            stored_head.check_fits(config.hidden_size, requested)
            head = {
                "weight": torch.from_numpy(stored_head.weight.copy()),
                "bias": torch.from_numpy(stored_head.bias.copy()),
            }
        fit = replace(fit, trained_head=head is not None, headless=not requested)
    if pooling == "pooler" and not has_pooler(backbone, fit):
        raise InputError(f'The model in {folder.path} has no pooler; leave "pooling" out, or use "mean" or "cls".')
    module = PooledBackbone(backbone, pooling, getattr(config, "hidden_dropout_prob", None) or 0.0)
    if requested:
        with seeded():
            module.classifier = nn.Linear(config.hidden_size, requested)
        if head is not None:
            fit = replace(fit, unexpected=tuple(name for name in fit.unexpected if not name.startswith("classifier.")))
            module.classifier.load_state_dict(head)
    remark = f"The network has no head of its own; its embedding is the {_POOLED[pooling]}."
    fit = replace(fit, remarks=(*fit.remarks, remark))
    return _model(module, f"{cls.__name__}, {pooling} pooling", fit, folder, spec)


# Types whose own tokenizers number the two texts of a pair; RoBERTa and its kin have a table of types and read zeros.
_SEGMENTED = frozenset(
    (
        *("bert", "albert", "electra", "mobilebert", "squeezebert", "convbert", "rembert", "big_bird", "funnel"),
        *(
            "megatron-bert",
            "ernie",
            "roformer",
            "layoutlm",
            "fnet",
            "splinter",
            "nystromformer",
            "tapas",
            "visual_bert",
        ),
    )
)
_POOLED = {
    "mean": "mean over its tokens",
    "cls": "vector of its first token",
    "pooler": "ReLU of its own pooler",
}


def has_pooler(backbone: nn.Module, fit: Fit) -> bool:
    """Return whether the backbone has a pooler, and the checkpoint (where there is one) its weights.

    >>> class Backbone(nn.Module):
    ...     pooler = None
    >>> has_pooler(Backbone(), Fit())
    False
    """
    there = getattr(backbone, "pooler", None) is not None
    return there and not any(name.startswith("pooler.") for name in fit.missing)


def _own_head(checkpoint: Path, prefix: str) -> dict[str, torch.Tensor] | None:
    """Return the last layer that was saved with a `PooledBackbone`; empty without one."""
    from neurontune_core.models.checkpoints import read_checkpoint

    state = read_checkpoint(checkpoint).state
    names = ("classifier.weight", "classifier.bias")
    if prefix != "backbone." or any(name not in state for name in names):
        return None
    return {name.removeprefix("classifier."): state[name] for name in names}


def _pooling_of(folder: Path) -> Pooling:
    """Return the pooling that a sentence encoder's folder sets; "mean" by default."""
    path = folder / "1_Pooling" / "config.json"
    return "cls" if path.is_file() and read_json(path).get("pooling_mode_cls_token") else "mean"


def _model(module: nn.Module, architecture: str, fit: Fit, folder: Folder, spec: dict[str, Any]) -> TextModel:
    network = module.backbone if isinstance(module, PooledBackbone) else module
    assert isinstance(network, nn.Module)
    settings = dict(spec.get("tokenization") or {})
    limit = _positions(network, folder)
    inputs = list(inspect.signature(network.forward).parameters)
    vocabulary = network.get_input_embeddings().num_embeddings  # type: ignore[operator]
    unknown = set(settings) - {"max_length", "pairs"}
    if unknown:
        raise InputError(f'The tokenization setting "{min(unknown)}" is not known; known are max_length and pairs.')
    kinds = getattr(folder.config, "type_vocab_size", 0) or 0
    segments = (kinds > 1 and folder.config.model_type in _SEGMENTED) or folder.config.model_type == "xlnet"
    tokenization = open_tokenization(folder.path, settings, inputs, limit, vocabulary, segments=segments)
    agreed = bool(spec.get("use_last_linear"))
    fit = replace(fit, class_names=() if fit.headless else class_names(folder.config))
    return TextModel(module, architecture, tokenization, loading=fit, use_last_linear=agreed)


def _positions(network: nn.Module, folder: Folder) -> int:
    """Return the longest input in tokens; RoBERTa counts its positions from the padding index."""
    limit = int(getattr(folder.config, "max_position_embeddings", 0) or 512)
    for name, layer in network.named_modules():
        if name.endswith("position_embeddings") and isinstance(layer, nn.Embedding) and layer.padding_idx is not None:
            limit -= layer.padding_idx + 1
    path = folder.path / "sentence_bert_config.json"
    return min(limit, int(read_json(path).get("max_seq_length") or limit)) if path.is_file() else limit
