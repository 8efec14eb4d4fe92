"""Folders as save_pretrained writes them, with networks of a few thousand weights."""

from __future__ import annotations

import string
from pathlib import Path

import torch
import transformers
from tokenizers.pre_tokenizers import ByteLevel

_SENTENCE = "the a movie film was is great awful not 7 17 number starts with text first try and of , . ! ' t don birds"
WORDS = _SENTENCE.split()
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
POSITIONS = 40


def _bert_tokenizer(folder: Path) -> None:
    letters = string.ascii_lowercase + string.digits
    pieces = [*WORDS, *letters, *(f"##{letter}" for letter in letters)]
    vocab = dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces])
    (folder / "vocab.txt").write_text("\n".join(vocab), encoding="utf-8")
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)


def _byte_tokenizer(name: str, specials: list[str]):
    """Return a maker of tokenizers of bytes and a few merges, so that words are of several pieces."""

    def save(folder: Path) -> None:
        merges = [("t", "h"), ("th", "e"), ("Ġ", "m"), ("i", "s"), ("Ġ", "a")]
        pieces = [*specials, *sorted(ByteLevel.alphabet()), *("".join(merge) for merge in merges)]
        vocab = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
        getattr(transformers, name)(vocab=vocab, merges=merges).save_pretrained(folder)

    return save


def _unigram_tokenizer(folder: Path) -> None:
    pieces = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "▁", *string.ascii_lowercase, *string.digits, *",.!'", "[MASK]"]
    words = [f"▁{word}" for word in WORDS if word.isalnum()]
    vocab = [(piece, -10.0) for piece in pieces] + [(word, -1.0) for word in words if word not in pieces]
    transformers.DebertaV2Tokenizer(vocab=vocab, unk_id=3).save_pretrained(folder)


_TOKENIZERS = {
    "roberta": _byte_tokenizer("RobertaTokenizer", ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]),
    "deberta": _byte_tokenizer("DebertaTokenizer", ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]),
    "deberta-v2": _unigram_tokenizer,
}
TEXT_FAMILIES = ("bert", "distilbert", "roberta", "electra", "albert", "deberta", "deberta-v2")


def text_folder(
    folder: Path, kind: str, *, num_labels: int = 3, cls: str = "AutoModelForSequenceClassification"
) -> Path:
    """Write a text model of the kind with random weights and its tokenizer; ``cls`` is the class that is saved."""
    folder.mkdir(parents=True)
    _TOKENIZERS.get(kind, _bert_tokenizer)(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    sizes = {
        "distilbert": {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24},
        "electra": {**SMALL, "embedding_size": 8},
        "albert": {**SMALL, "embedding_size": 8},
        "deberta": {**SMALL, "relative_attention": True, "pos_att_type": ["c2p", "p2c"], "type_vocab_size": 0},
        "deberta-v2": {**SMALL, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "type_vocab_size": 0},
    }.get(kind, SMALL)
    shift = 2 if kind == "roberta" else 0  # its positions start behind the padding index
    config = transformers.AutoConfig.for_model(
        kind,
        **sizes,
        vocab_size=len(tokenizer),
        max_position_embeddings=POSITIONS + shift,
        pad_token_id=tokenizer.pad_token_id,
        num_labels=num_labels,
        initializer_range=0.3,
    )
    torch.manual_seed(0)
    getattr(transformers, cls).from_config(config).save_pretrained(folder)
    return folder


IMAGE_FAMILIES = {
    "vit": {**SMALL, "image_size": 32, "patch_size": 8},
    "dinov2": {**SMALL, "image_size": 32, "patch_size": 8, "mlp_ratio": 2},
    "swin": {
        "image_size": 64,
        "patch_size": 4,
        "embed_dim": 8,
        "depths": [1, 1, 1],
        "num_heads": [1, 2, 2],
        "window_size": 4,
    },
    "convnext": {"image_size": 64, "hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2},
    "resnet": {"image_size": 64, "embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]},
    "clip": {
        "vision_config": {**SMALL, "image_size": 32, "patch_size": 8},
        "text_config": {**SMALL, "vocab_size": 20, "max_position_embeddings": 8},
    },
}


def image_folder(
    folder: Path, kind: str, *, num_labels: int = 3, cls: str = "AutoModelForImageClassification", **changed: object
) -> Path:
    """Write an image model of the kind with random weights."""
    config = transformers.AutoConfig.for_model(
        kind, **{**IMAGE_FAMILIES[kind], **changed}, num_labels=num_labels, initializer_range=0.3
    )
    torch.manual_seed(0)
    getattr(transformers, cls).from_config(config).save_pretrained(folder)
    return folder
