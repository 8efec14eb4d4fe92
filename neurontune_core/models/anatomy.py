"""Where a network keeps its last linear layer, and the last map over the image that feeds it; found by running it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import nn

from neurontune_core.errors import InputError

Layout = Literal["vector", "channels_first", "channels_last", "tokens"]
Side = Literal["output", "input"]
_SIDES: tuple[Side, ...] = ("output", "input")  # a stage's output is preferred to what a pooling layer reads
_MAX_EXTRA_TOKENS = 16  # class and register tokens
_LAST_TOKEN_LAYERS = 8  # more than the layers of one block


@dataclass(frozen=True)
class Tap:
    """One side (output or input) of a named layer, and the layout of the tensor there."""

    module: str
    side: Side
    layout: Layout

    def spatial(self, tensor: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
        """Return the tensor as [B, channels, h, w]; of tokens, only those in the ``grid`` of patches.

        >>> tokens = torch.zeros(1, 1 + 2 * 3, 8)  # a class token and 2 x 3 patches
        >>> Tap("blocks", "output", "tokens").spatial(tokens, (2, 3)).shape
        torch.Size([1, 8, 2, 3])
        """
        if self.layout == "channels_last":
            return tensor.permute(0, 3, 1, 2)
        if self.layout == "tokens":
            rows, columns = grid
            patches = tensor[:, tensor.shape[1] - rows * columns :]  # class and register tokens come first
            return patches.transpose(1, 2).unflatten(2, grid)
        return tensor


@dataclass(frozen=True)
class Anatomy:
    """The parts of a network, as `dissect` finds them.

    Attributes:
        classifier_name: the last linear layer; None in a network without a head.
        num_neurons: M, the width of the embedding.
        channel_maps: the place of the map [B, M, h, w] whose mean over h and w is the embedding; None without one.
        heatmap: where Grad-CAM is taken in a network without ``channel_maps``; None when nothing there is spatial.
        grid: (rows, columns) of the patches of a token model; (0, 0) for others.
        remark: what follows the last linear layer, in a sentence; empty when nothing does.
    """

    classifier_name: str | None
    num_neurons: int
    channel_maps: Tap | None = None
    heatmap: Tap | None = None
    grid: tuple[int, int] = (0, 0)
    remark: str = ""


Batch = torch.Tensor | Mapping[str, torch.Tensor]


class _Call(NamedTuple):
    module: str
    layer: nn.Module
    input: torch.Tensor | None
    output: torch.Tensor


def run(module: nn.Module, batch: Batch) -> torch.Tensor:
    """Run the network on a tensor, or on tensors by name, and return its logits.

    Raises:
        ValueError: when it returns neither a tensor nor something with ``logits``.

    >>> run(nn.Identity(), torch.zeros(2, 3)).shape
    torch.Size([2, 3])
    """
    output = module(**batch) if isinstance(batch, Mapping) else module(batch)
    output = getattr(output, "logits", output)  # as Hugging Face's networks give them
    if not isinstance(output, torch.Tensor):
        raise ValueError(f"it returns {type(output).__name__}, not a tensor of logits")
    return output


def dissect(
    module: nn.Module, image_size: int, architecture: str, *, headless: bool = False, use_last_linear: bool = False
) -> Anatomy:
    """Run two noise images through ``module`` and find its parts by comparing numbers, not names.

    Args:
        module: a network that reads [B, 3, image_size, image_size].
        image_size: in pixels.
        architecture: the name of the network in messages.
        headless: whether the network's output is the embedding itself.
        use_last_linear: take the last linear layer as the head even where something follows it.

    Raises:
        InputError: when the output is not that of one linear layer, or the network refuses the image size.

    >>> convolution, pool = nn.Conv2d(3, 5, 3), nn.AdaptiveAvgPool2d(1)
    >>> network = nn.Sequential(convolution, nn.ReLU(), pool, nn.Flatten(), nn.Linear(5, 2)).eval()
    >>> anatomy = dissect(network, 16, "small")
    >>> anatomy.classifier_name, anatomy.num_neurons, anatomy.channel_maps.module
    ('4', 5, '1')
    """
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(2, 3, 6, 6, generator=generator)  # light and dark areas, so that neurons of any scale answer
    fine = torch.randn(2, 3, image_size, image_size, generator=generator)
    noise = fine + 2 * nn.functional.interpolate(coarse, size=image_size, mode="bilinear")
    try:
        calls, output = _trace(module, noise)
    except (RuntimeError, AssertionError, ValueError) as error:
        raise InputError(
            f'"{architecture}" cannot read images of {image_size} x {image_size} pixels ({error}).'
        ) from None
    head, remark = _find_head(calls, output, architecture, use_last_linear, headless)
    name, embedding = (None, output) if head is None else (head.module, head.input)
    assert embedding is not None
    before = calls if head is None else calls[: calls.index(head)]
    grid = _patch_grid(before)
    candidates = [
        (call, tap) for side in _SIDES for call in reversed(before) for tap in _taps(call, side, grid, before)
    ]
    maps = next((tap for call, tap in candidates if _is_pooled(call, tap, grid, embedding)), None)
    heatmap = None
    if maps is None:
        heatmap = _token_tap(module, name, before, noise, grid) if grid != (0, 0) else _last_map(before)
    return Anatomy(name, embedding.shape[1], maps, heatmap, grid, remark)


def dissect_text(
    module: nn.Module,
    batch: Mapping[str, torch.Tensor],
    architecture: str,
    *,
    headless: bool = False,
    use_last_linear: bool = False,
) -> Anatomy:
    """Find the parts of a network that reads tokens, as `dissect` does; ``batch`` is two texts, tokenized.

    Raises:
        InputError: when the output is not that of one linear layer.
    """
    calls, output = _trace(module, batch)
    head, remark = _find_head(calls, output, architecture, use_last_linear, headless)
    if head is None:
        return Anatomy(None, output.shape[1])
    assert head.input is not None
    return Anatomy(head.module, head.input.shape[1], remark=remark)


def _trace(module: nn.Module, batch: Batch) -> tuple[list[_Call], torch.Tensor]:
    """Record every call of every layer, in the order in which the calls ended."""
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
            return calls, run(module, batch)
    finally:
        for handle in handles:
            handle.remove()


def _find_head(
    calls: list[_Call], output: torch.Tensor, architecture: str, agreed: bool, headless: bool
) -> tuple[_Call | None, str]:
    """Return the linear layer whose output is the network's, and what follows it.

    With ``agreed``, it may be the last linear layer of the right size before something else.
    """
    if headless:
        if output.ndim != 2:
            raise InputError(f'"{architecture}" gives {list(output.shape)} for two samples, not one vector for each.')
        return None, ""
    linear = [call for call in calls if isinstance(call.layer, nn.Linear)]
    linear = [call for call in linear if call.input is not None and call.input.ndim == output.ndim == 2]
    exact = [call for call in linear if torch.equal(call.output, output)]
    if exact:
        return exact[-1], ""
    sized = [call for call in linear if call.output.shape == output.shape]
    if not sized:
        raise InputError(
            f'"{architecture}" does not end in one linear layer over a vector, so it has no neurons to examine; '
            "use a network whose last layer is torch.nn.Linear."
        )
    head = sized[-1]
    follows = "something that changes its output"
    for name, function in _ENDINGS.items():
        if torch.allclose(function(head.output), output, atol=1e-6):
            follows = name
    sentence = f'"{architecture}" does not end in one linear layer: behind "{head.module}" comes {follows}'
    if not agreed:
        raise InputError(f'{sentence}; to go by "{head.module}" alone, add "use_last_linear": true.')
    return head, f'{sentence}; the outputs of "{head.module}" are taken as the logits.'


_ENDINGS = {
    "a sigmoid": torch.sigmoid,
    "a softmax": lambda logits: torch.softmax(logits, dim=1),
    "a log-softmax": lambda logits: torch.log_softmax(logits, dim=1),
}


def _patch_grid(calls: list[_Call]) -> tuple[int, int]:
    """Return (h, w) of the patches when the network ends in tokens [B, h*w or a few more, D]; otherwise (0, 0).

    The patches are the pixels of the last convolution's map, or, where they are merged two by two (Swin), of that map
    halved as often as needed.
    """
    maps = [call.output for call in calls if isinstance(call.layer, nn.Conv2d)]
    tokens = [call.output.shape[1] for call in calls if call.output.ndim == 3]
    if not maps or maps[-1].ndim != 4 or not tokens:
        return 0, 0
    rows, columns = maps[-1].shape[2:]
    while rows * columns > tokens[-1] and min(rows, columns) > 1:
        rows, columns = -(-rows // 2), -(-columns // 2)
    return (rows, columns) if 0 <= tokens[-1] - rows * columns <= _MAX_EXTRA_TOKENS else (0, 0)


def _taps(call: _Call, side: Side, grid: tuple[int, int], calls: list[_Call]) -> list[Tap]:
    """Return the ways to read one side of a call as a map over the image."""
    tensor = call.output if side == "output" else call.input
    if tensor is None or sum(other.module == call.module for other in calls) > 1:  # one name, several tensors
        return []
    if tensor.ndim == 4:
        return [Tap(call.module, side, "channels_first"), Tap(call.module, side, "channels_last")]
    if tensor.ndim == 3 and grid != (0, 0) and 0 <= tensor.shape[1] - grid[0] * grid[1] <= _MAX_EXTRA_TOKENS:
        return [Tap(call.module, side, "tokens")]
    return []


def _is_pooled(call: _Call, tap: Tap, grid: tuple[int, int], embedding: torch.Tensor) -> bool:
    """Return whether the embedding is the mean of this map over the image, by comparing the recorded tensors."""
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
    module: nn.Module, classifier_name: str | None, calls: list[_Call], batch: torch.Tensor, grid: tuple[int, int]
) -> Tap | None:
    """Return the last block or normalization whose patch tokens still reach the embedding.

    A class token reads the patches for the last time in the last attention; behind it their gradient is zero.
    """
    patches = grid[0] * grid[1]
    names = [
        call.module
        for call in calls
        if call.output.ndim == 3
        and call.output.shape[1] >= patches
        and any(isinstance(layer, nn.LayerNorm) for layer in call.layer.modules())
    ]
    for name in reversed(names[-_LAST_TOKEN_LAYERS:]):
        kept: list[torch.Tensor] = []
        handles = [module.get_submodule(name).register_forward_hook(lambda _, __, out, kept=kept: kept.append(out))]
        if classifier_name is not None:
            head = module.get_submodule(classifier_name)
            handles.append(head.register_forward_pre_hook(lambda _, inputs, kept=kept: kept.append(inputs[0])))
        try:
            with torch.enable_grad():
                output = run(module, batch[:1].clone().requires_grad_())
                embedding = output if classifier_name is None else kept[-1]
                weights = torch.linspace(-1, 1, embedding.shape[1])
                (gradient,) = torch.autograd.grad((embedding * weights).sum(), kept[0], allow_unused=True)
        finally:
            for handle in handles:
                handle.remove()
        if gradient is not None and gradient[:, -patches:].abs().max() > 0:
            return Tap(name, "output", "tokens")
    return None
