"""TextModel: a network that reads tokens, and the pooling that makes one of a network without a head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import nn

from neurontune_core.models.anatomy import dissect_text
from neurontune_core.models.base import Network
from neurontune_core.models.fitting import Fit
from neurontune_core.models.tokenization import Text, Tokenization

Pooling = Literal["mean", "cls", "pooler"]


class TextModel(Network[Mapping[str, torch.Tensor]]):
    """A `Network` that reads texts; its batches are what ``tokenization`` makes of them, tensors [B, T] by name.

    Attributes:
        tokenization: how texts become its input.

    Raises:
        InputError: when the network does not end in one linear layer.
    """

    def __init__(
        self,
        module: nn.Module,
        architecture: str,
        tokenization: Tokenization,
        *,
        loading: Fit = Fit(),
        use_last_linear: bool = False,
    ) -> None:
        self.tokenization = tokenization
        module = module.eval().requires_grad_(False)
        texts = ["a first text to try", "and another, of 2024"]
        batch = tokenization([(text, text) for text in texts] if tokenization.pairs else texts)
        options = {"headless": loading.headless, "use_last_linear": use_last_linear}
        super().__init__(module, architecture, dissect_text(module, batch, architecture, **options), loading)

    @property
    def modality(self) -> str:
        return "text_pair" if self.tokenization.pairs else "text"

    def prepare(self, sample: Text) -> Text:
        """Return a text unchanged: texts are tokenized a batch at a time."""
        return sample

    def batch(self, prepared: Sequence[Text]) -> dict[str, torch.Tensor]:
        return self.tokenization(prepared)

    def input_settings(self) -> dict[str, Any]:
        return self.tokenization.to_json()

    def input_embeddings(self) -> nn.Module:
        """Return the layer that maps each token to a vector."""
        return self.module.get_input_embeddings()  # type: ignore[operator]


class PooledBackbone(nn.Module):
    """A text backbone without a head, pooled from the tokens [B, T, M] to [B, M], then ``classifier``, if it gets one.

    Args:
        backbone: the network.
        pooling: "mean" over the tokens that are not padding (Reimers & Gurevych 2019, the default of sentence
            encoders), "cls", the first token, or "pooler", ReLU of the backbone's own pooler behind dropout, as BERT is
            trained for the paper's datasets. Vectors are not scaled to unit length.
        dropout: of the pooler's vector, while training.
    """

    def __init__(self, backbone: nn.Module, pooling: Pooling, dropout: float = 0.0) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.classifier: nn.Module = nn.Identity()

    def forward(self, attention_mask: torch.Tensor, **tokens: torch.Tensor) -> torch.Tensor:
        output = self.backbone(attention_mask=attention_mask, **tokens)
        if self.pooling == "pooler":
            return self.classifier(torch.relu(self.dropout(output.pooler_output)))
        hidden = output.last_hidden_state  # [B, T, M]
        if self.pooling == "cls":
            return self.classifier(hidden[:, 0])
        weight = attention_mask.unsqueeze(2).to(hidden.dtype)
        return self.classifier((hidden * weight).sum(dim=1) / weight.sum(dim=1))

    def get_input_embeddings(self) -> nn.Module:
        return self.backbone.get_input_embeddings()  # type: ignore[operator]
