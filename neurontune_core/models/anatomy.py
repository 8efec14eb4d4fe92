"""Where a network keeps its last linear layer, and the last map over the picture that feeds it; found by running it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import nn

from neurontune_core.errors import InputError

Layout = Literal["vector", "channels_first", "channels_last", "tokens"]
Side = Literal["output", "input"]
_SIDES: tuple[Side, ...] = ("output", "input")  # a stage's output is preferred to what a pooling layer reads


@dataclass(frozen=True)
class Tap:
    """One side of a named layer, and how the tensor there is laid out."""

    module: str
    side: Side
    layout: Layout

    def spatial(self, tensor: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
        """The tensor as [B, channels, h, w]; of tokens, the ``grid`` of patches without class and register tokens."""
        if self.layout == "channels_last":
            return tensor.permute(0, 3, 1, 2)
        if self.layout == "tokens":
            rows, columns = grid
            patches = tensor[:, tensor.shape[1] - rows * columns :]  # class and register tokens come first
            return patches.transpose(1, 2).unflatten(2, grid)
        return tensor


@dataclass(frozen=True)
class Anatomy:
    """What `dissect` found.

    Attributes:
        classifier_name: the last linear layer; its output is the network's.
        channel_maps: where the map [B, M, h, w] is whose mean over h and w is the embedding; None without one.
        heatmap: where Grad-CAM looks in a network without ``channel_maps``; None when nothing there is spatial.
        grid: (rows, columns) of the patches of a token model; (0, 0) for others.
    """

    classifier_name: str
    channel_maps: Tap | None
    heatmap: Tap | None
    grid: tuple[int, int]


class _Call(NamedTuple):
    module: str
    layer: nn.Module
    input: torch.Tensor | None
    output: torch.Tensor


def dissect(module: nn.Module, image_size: int, architecture: str) -> Anatomy:
    """Run two noise pictures through ``module`` and find its parts by comparing numbers, not names.

    Raises:
        InputError: when the output is not that of one linear layer, or the network refuses the image size.
    """
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(2, 3, 6, 6, generator=generator)  # light and dark areas, so that neurons of any scale answer
    fine = torch.randn(2, 3, image_size, image_size, generator=generator)
    noise = fine + 2 * nn.functional.interpolate(coarse, size=image_size, mode="bilinear")
    try:
        calls, logits = _trace(module, noise)
    except (RuntimeError, AssertionError, ValueError) as error:
        raise InputError(
            f'"{architecture}" cannot read pictures of {image_size} x {image_size} pixels ({error}).'
        ) from None
    heads = [call for call in calls if isinstance(call.layer, nn.Linear) and torch.equal(call.output, logits)]
    if not heads or heads[-1].input is None or heads[-1].input.ndim != 2:
        raise InputError(
            f'"{architecture}" does not end in one linear layer over a vector, so it has no neurons to examine; '
            "use a network whose last layer is torch.nn.Linear."
        )
    head, embedding = heads[-1], heads[-1].input
    before = calls[: calls.index(head)]
    grid = _patch_grid(before)
    candidates = [
        (call, tap) for side in _SIDES for call in reversed(before) for tap in _taps(call, side, grid, before)
    ]
    maps = next((tap for call, tap in candidates if _is_pooled(call, tap, grid, embedding)), None)
    heatmap = None
    if maps is None:
        heatmap = _token_tap(module, head.module, before, noise, grid) if grid != (0, 0) else _last_map(before)
    return Anatomy(head.module, maps, heatmap, grid)


def _trace(module: nn.Module, batch: torch.Tensor) -> tuple[list[_Call], torch.Tensor]:
    """Every call of every layer, in the order in which they ended."""
    calls: list[_Call] = []
    handles = []
    for name, layer in module.named_modules():
        if name:

            def record(layer: nn.Module, inputs: tuple, output: object, name: str = name) -> None:
                if isinstance(output, torch.Tensor):
                    first = inputs[0] if inputs and isinstance(inputs[0], torch.Tensor) else None
                    calls.append(_Call(name, layer, first, output))

            handles.append(layer.register_forward_hook(record))
    try:
        with torch.inference_mode():
            logits = module(batch)
    finally:
        for handle in handles:
            handle.remove()
    if not isinstance(logits, torch.Tensor):
        raise ValueError(f"it returns {type(logits).__name__}, not a tensor of logits")
    return calls, logits


def _patch_grid(calls: list[_Call]) -> tuple[int, int]:
    """(h, w) of the last convolution when the network goes on with tokens [B, h*w or a few more, D]."""
    maps = [call.output for call in calls if isinstance(call.layer, nn.Conv2d)]
    if not maps or maps[-1].ndim != 4:
        return 0, 0
    rows, columns = maps[-1].shape[2:]
    tokens = [call.output.shape[1] for call in calls if call.output.ndim == 3]
    return (rows, columns) if tokens and 0 <= tokens[-1] - rows * columns <= 16 else (0, 0)


def _taps(call: _Call, side: Side, grid: tuple[int, int], calls: list[_Call]) -> list[Tap]:
    """The ways to read one side of a call as a map over the picture."""
    tensor = call.output if side == "output" else call.input
    if tensor is None or sum(other.module == call.module for other in calls) > 1:  # one name, several tensors
        return []
    if tensor.ndim == 4:
        return [Tap(call.module, side, "channels_first"), Tap(call.module, side, "channels_last")]
    if tensor.ndim == 3 and grid != (0, 0) and tensor.shape[1] == grid[0] * grid[1]:
        return [Tap(call.module, side, "tokens")]
    return []


def _is_pooled(call: _Call, tap: Tap, grid: tuple[int, int], embedding: torch.Tensor) -> bool:
    """Is the embedding the mean of this map over the picture? Tensors are compared after the run, as hooks see them."""
    tensor = call.output if tap.side == "output" else call.input
    assert tensor is not None
    maps = tap.spatial(tensor, grid)
    if maps.shape[:2] != embedding.shape or maps.shape[2] * maps.shape[3] == 1:
        return False
    scale = float(embedding.abs().max())
    return scale > 0 and torch.allclose(maps.mean(dim=(2, 3)), embedding, rtol=1e-4, atol=1e-5 * scale)


def _last_map(calls: list[_Call]) -> Tap | None:
    for call in reversed(calls):
        if call.output.ndim == 4 and min(call.output.shape[2:]) > 1:
            return Tap(call.module, "output", "channels_first")
    return None


def _token_tap(
    module: nn.Module, classifier_name: str, calls: list[_Call], batch: torch.Tensor, grid: tuple[int, int]
) -> Tap | None:
    """The last normalisation whose patch tokens still reach the embedding.

    A class token reads the patches for the last time in the last attention; behind it their gradient is zero.
    """
    patches = grid[0] * grid[1]
    names = [
        call.module
        for call in calls
        if isinstance(call.layer, nn.LayerNorm) and call.output.ndim == 3 and call.output.shape[1] >= patches
    ]
    for name in reversed(names[-4:]):
        kept: list[torch.Tensor] = []
        layer, head = module.get_submodule(name), module.get_submodule(classifier_name)
        handles = [
            layer.register_forward_hook(lambda _, __, output, kept=kept: kept.append(output)),
            head.register_forward_pre_hook(lambda _, inputs, kept=kept: kept.append(inputs[0])),
        ]
        try:
            with torch.enable_grad():
                module(batch[:1].clone().requires_grad_())
                weights = torch.linspace(-1, 1, kept[-1].shape[1])
                (gradient,) = torch.autograd.grad((kept[-1] * weights).sum(), kept[0], allow_unused=True)
        finally:
            for handle in handles:
                handle.remove()
        if gradient is not None and gradient[:, -patches:].abs().max() > 0:
            return Tap(name, "output", "tokens")
    return None
