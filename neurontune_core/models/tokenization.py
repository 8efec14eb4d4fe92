"""Tokenization: how texts become a network's input."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from neurontune_core.errors import InputError

SEGMENTS = "token_type_ids"
Text = str | tuple[str, str]


@dataclass(frozen=True)
class Tokenization:
    """How texts become the network's input: word pieces, cut at ``max_length``, padded to the longest of the batch.

    Attributes:
        tokenizer: a fast tokenizer of transformers, which knows where each piece stands in the text.
        max_length: tokens that the network sees, special ones included; of a pair, the longer text is cut first.
        pairs: whether a sample is two texts (premise and hypothesis) or one.
        inputs: the tensors that the network takes.
        segments: whether its token types must tell the two texts of a pair.
    """

    tokenizer: Any
    max_length: int
    pairs: bool
    inputs: tuple[str, ...]
    segments: bool = False
    lock: Any = field(default_factory=threading.Lock, repr=False, compare=False)  # tokenizers keep settings of a call

    def __call__(self, texts: Sequence[Text]) -> dict[str, torch.Tensor]:
        """Tokenize B texts, or pairs of them, to tensors [B, T] by name, T at most ``max_length``."""
        return self.tensors(self.encode(texts))

    def tensors(self, encoded: Any) -> dict[str, torch.Tensor]:
        """Return the tensors of an encoded batch that the network takes."""
        tensors = {name: torch.tensor(encoded[name]) for name in self.inputs}
        if self.segments and self.pairs and not tensors[SEGMENTS].any():
            tensors[SEGMENTS] = _segments(encoded, tensors[SEGMENTS])  # the tokenizer is of another family
        return tensors

    def encode(self, texts: Sequence[Text]) -> Any:
        """Return transformers' ``BatchEncoding`` of the batch, with the offsets of the tokens.

        Raises:
            InputError: when a sample is a pair where one text is read, or the other way round.
        """
        parts = []
        for text in texts:
            is_pair = isinstance(text, list | tuple)
            if is_pair != self.pairs or (is_pair and len(text) != 2):
                raise InputError(
                    f"Expected {'pairs of texts' if self.pairs else 'single texts'}, but got {text!r:.80}."
                )
            parts.append(tuple(text) if is_pair else (text,))
        with self.lock:
            return self.tokenizer(
                *(list(column) for column in zip(*parts, strict=True)),
                truncation=True,
                max_length=self.max_length,
                padding=True,
                return_offsets_mapping=True,
                return_attention_mask=True,
                return_token_type_ids=SEGMENTS in self.inputs or None,
            )

    def to_json(self) -> dict[str, Any]:
        return {"tokenizer": type(self.tokenizer).__name__, "max_length": self.max_length, "pairs": self.pairs}


def _segments(encoded: Any, zeros: torch.Tensor) -> torch.Tensor:
    """Return [B, T] 1 from the first token of a pair's second text to its last one, as BERT counts segments."""
    segments = zeros.clone()
    for row in range(len(zeros)):
        places = encoded.sequence_ids(row)
        if 1 in places:
            end = sum(encoded["attention_mask"][row])
            first = len(places) - end if not encoded["attention_mask"][row][0] else 0  # padding may stand in front
            segments[row, places.index(1) : first + end] = 1
    return segments


def open_tokenization(
    folder: Path,
    settings: dict[str, Any],
    inputs: Sequence[str],
    limit: int,
    vocabulary: int,
    *,
    segments: bool = False,
) -> Tokenization:
    """Open the tokenizer of a model's folder.

    Args:
        folder: the model's folder.
        settings: ``max_length`` (default: the tokenizer's, at most ``limit``) and ``pairs`` (default False).
        inputs: the names of the arguments of the network's ``forward``.
        limit: the number of positions of the network, in tokens.
        segments: whether the network tells the two texts of a pair by their token types.
        vocabulary: the number of token vectors of the network.

    Raises:
        InputError: when the folder has no fast tokenizer, or a setting is out of range.
    """
    from transformers import AutoTokenizer

    unknown = set(settings) - {"max_length", "pairs"}
    if unknown:
        raise InputError(f'The tokenization setting "{min(unknown)}" is not known; known are max_length, pairs.')
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # a foreign tokenizer may stop the reader anywhere, with any error
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise InputError(f"{folder} has no tokenizer that can be read ({reason}); save it beside the model.") from None
    files = {*tokenizer.vocab_files_names.values(), "tokenizer.json"}
    if not any((folder / file).is_file() for file in files):  # transformers would make an empty one, silently
        raise InputError(f"{folder} has no tokenizer ({', '.join(sorted(files))}); save it beside the model.")
    if len(tokenizer) > vocabulary:
        raise InputError(
            f"The tokenizer in {folder} has {len(tokenizer)} tokens, but the network knows {vocabulary}; "
            "use the one that the network was trained with."
        )
    if not tokenizer.is_fast:
        raise InputError(
            f"The tokenizer in {folder} does not tell where tokens stand; save its tokenizer.json beside it."
        )
    if tokenizer.pad_token_id is None:
        raise InputError(f"The tokenizer in {folder} has no padding token, so texts cannot be put in one batch.")
    max_length = int(settings.get("max_length") or min(tokenizer.model_max_length, limit))
    if not 3 <= max_length <= limit:
        raise InputError(
            f"Expected a max_length of 3 to {limit} tokens, as the network has positions, got {max_length}."
        )
    names = tuple(name for name in tokenizer.model_input_names if name in inputs)
    segments = segments and SEGMENTS in inputs
    if segments and SEGMENTS not in names:  # generic tokenizers do not list them
        names = (*names, SEGMENTS)
    return Tokenization(tokenizer, max_length, bool(settings.get("pairs", False)), names, segments)
