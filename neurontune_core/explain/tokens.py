"""Which words of a text a neuron goes by."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from neurontune_core.errors import InputError
from neurontune_core.explain.words import words_of

if TYPE_CHECKING:
    import torch

    from neurontune_core.models.text import TextModel
    from neurontune_core.models.tokenization import Text


_POINTS_AT_ONCE = 32  # of the integral, over all texts of a batch


class AttributedWord(NamedTuple):
    """A word and its share of the neuron's activation.

    Attributes:
        text: as in the sample.
        start, end: its characters, ``part[start:end]``.
        part: 0, or 1 in the second text of a pair.
        value: in units of the activation; negative where the word lowers it.
    """

    text: str
    start: int
    end: int
    part: int
    value: float


@dataclass(frozen=True)
class TextAttribution:
    """The words of one sample, in order, up to where the network stopped reading.

    Attributes:
        words: their values add up to the activation minus that of the baseline.
        activation: of the neuron.
        characters_read: of each part; less than its length where the text was cut at the network's ``max_length``.
        cut: whether anything was cut off.
    """

    words: tuple[AttributedWord, ...]
    activation: float
    characters_read: tuple[int, ...]
    cut: bool


def token_attributions(
    model: TextModel, texts: Sequence[Text], neuron: int, *, steps: int = 32, batch_size: int = 8
) -> list[TextAttribution]:
    """Compute integrated gradients (Sundararajan et al. 2017) of one neuron of the embedding by token.

    The baseline is the same sample with every token but the special ones ([CLS], [SEP]) replaced by padding, so that
    special tokens have no share and can be left out. The values of a word's pieces are added up.

    Args:
        model: the network.
        texts: samples as ``model.tokenization`` reads them.
        neuron: 0..M-1.
        steps: points of the integral; more of them bring the sum of the values closer to the activation's change.
        batch_size: samples tokenized and padded together.

    Returns:
        One attribution per text.

    Raises:
        InputError: when there is no such neuron.
    """
    if not 0 <= neuron < model.num_neurons:
        raise InputError(f"There is no neuron {neuron}; this model has the neurons 0..{model.num_neurons - 1}.")
    results = []
    for start in range(0, len(texts), batch_size):
        batch = list(texts[start : start + batch_size])
        encoded = model.tokenization.encode(batch)
        inputs = {name: tensor.to(model.device) for name, tensor in model.tokenization.tensors(encoded).items()}
        activations = model.embed(inputs)[:, neuron].tolist()
        values = _integrated(model, inputs, encoded, neuron, steps).tolist()
        for row, text in enumerate(batch):
            parts = (text,) if isinstance(text, str) else tuple(text)
            results.append(_attribution(parts, encoded, row, values[row], activations[row]))
    return results


def _integrated(
    model: TextModel, inputs: dict[str, torch.Tensor], encoded: Any, neuron: int, steps: int
) -> torch.Tensor:
    """Return [B, T], one value a token; 0 for special tokens and padding."""
    import torch
    from captum.attr import LayerIntegratedGradients

    ids = inputs["input_ids"]
    others = [name for name in inputs if name != "input_ids"]
    text = torch.tensor(
        [[part is not None for part in encoded.sequence_ids(row)] for row in range(len(ids))], device=ids.device
    )
    baseline = torch.where(text, model.tokenization.tokenizer.pad_token_id, ids)

    def activations(ids: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        return model.embed_with_gradient({"input_ids": ids, **dict(zip(others, rest, strict=True))})

    with model.lock, torch.enable_grad():  # captum sets hooks, which would see other callers
        attributions = LayerIntegratedGradients(activations, model.input_embeddings()).attribute(
            ids,
            baselines=baseline,
            target=neuron,
            additional_forward_args=tuple(inputs[name] for name in others),
            n_steps=steps,
            internal_batch_size=max(_POINTS_AT_ONCE, len(ids)),
        )
    return attributions.sum(dim=2).detach() * text


def _attribution(
    parts: tuple[str, ...], encoded: Any, row: int, values: list[float], activation: float
) -> TextAttribution:
    words = [list(words_of(part)) for part in parts]
    starts = [[word.start for word in part_words] for part_words in words]
    sums = [[0.0] * len(part_words) for part_words in words]
    read = [0] * len(parts)
    for (start, end), part, value in zip(
        encoded["offset_mapping"][row], encoded.sequence_ids(row), values, strict=True
    ):
        if part is None:
            continue
        read[part] = max(read[part], end)
        while start < end and parts[part][start].isspace():  # some tokenizers count the space before a word to it
            start += 1
        sums_here = sums[part]
        if sums_here:
            sums_here[max(bisect_right(starts[part], start) - 1, 0)] += value
    cut = bool(encoded.encodings[row].overflowing)
    attributed = tuple(
        AttributedWord(*word, part, value)
        for part, part_words in enumerate(words)
        for word, value in zip(part_words, sums[part], strict=True)
        if word.start < read[part]
    )
    characters = tuple(end if cut else len(text) for end, text in zip(read, parts, strict=True))
    return TextAttribution(attributed, activation, characters, cut)
