"""Pairs of texts reach the network with the segments that its type wants, whatever the class of the tokenizer."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from neurontune_core.errors import InputError
from neurontune_core.models import load_model
from neurontune_core.preflight.request import Request
from tests.support.text_layouts import text_table
from tests.support.tiny_huggingface import POSITIONS, TEXT_FAMILIES, WORDS, text_folder

PAIRS = [("the movie was great", "it is not"), ("a film", "birds and text of the first number"), ("not", "the")]
SINGLES = ["the movie was great", "it is not a film", "birds"]


def own_logits(folder: Path, texts: list, pairs: bool, **options: bool) -> np.ndarray:
    """Return the logits of transformers' own network on what its own tokenizer gives."""
    network = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    columns = [list(column) for column in zip(*texts, strict=True)] if pairs else [texts]
    encoded = tokenizer(*columns, padding=True, truncation=True, max_length=POSITIONS, return_tensors="pt", **options)
    taken = inspect.signature(network.forward).parameters
    with torch.inference_mode():
        return network(**{name: values for name, values in encoded.items() if name in taken}).logits.numpy()


def our_logits(folder: Path, texts: list, pairs: bool) -> np.ndarray:
    model = load_model({"family": "huggingface_text", "weights": str(folder), "tokenization": {"pairs": pairs}}, ".")
    batch = model.batch(texts)
    head = model.head()
    assert head is not None
    from_embedding = head.logits(model.embed(batch).numpy())
    np.testing.assert_allclose(from_embedding, model.logits(batch).numpy(), atol=1e-4)
    return from_embedding


@pytest.mark.parametrize("kind", TEXT_FAMILIES)
@pytest.mark.parametrize("pairs", [False, True])
def test_every_family_reads_texts_and_pairs_as_the_library_does(tmp_path: Path, kind: str, pairs: bool) -> None:
    folder = text_folder(tmp_path / kind, kind)
    config = transformers.AutoConfig.from_pretrained(folder)
    numbered = kind in ("bert", "albert", "electra") and config.type_vocab_size > 1
    segments = {"return_token_type_ids": True} if numbered else {}
    texts = PAIRS if pairs else SINGLES
    np.testing.assert_allclose(
        our_logits(folder, texts, pairs), own_logits(folder, texts, pairs, **segments), atol=1e-4
    )


def generic(folder: Path, kind: str, processor: processors.PostProcessor, side: str = "right") -> Path:
    """Write a model with a tokenizer of no family, as ``tokenizers`` saves it."""
    text_folder(folder, kind)
    vocab = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processor
    for file in folder.glob("*token*"):
        file.unlink()
    for file in folder.glob("vocab*"):
        file.unlink()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]",
        padding_side=side,
    ).save_pretrained(folder)  # fmt: skip
    return folder


SPECIAL = [("[CLS]", 2), ("[SEP]", 3)]
NUMBERED = processors.TemplateProcessing(
    single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=SPECIAL
)
PLAIN = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=SPECIAL)


@pytest.mark.parametrize("kind", ["bert", "albert", "electra"])
@pytest.mark.parametrize("processor", [NUMBERED, PLAIN], ids=["numbered", "plain"])
@pytest.mark.parametrize("side", ["right", "left"])
def test_a_generic_tokenizer_gives_the_segments_of_the_networks_type(
    tmp_path: Path, kind: str, processor: processors.PostProcessor, side: str
) -> None:
    folder = generic(tmp_path / kind, kind, processor, side)
    model = load_model({"family": "huggingface_text", "weights": str(folder), "tokenization": {"pairs": True}}, ".")
    batch = model.batch(PAIRS)
    for row, (first, second) in enumerate(PAIRS):
        there = batch["attention_mask"][row].bool()
        segments = batch["token_type_ids"][row]
        assert segments[there].tolist() == [0] * (len(first.split()) + 2) + [1] * (len(second.split()) + 1)
        assert not segments[~there].any()
    swapped = model.logits({**batch, "token_type_ids": torch.zeros_like(batch["token_type_ids"])})
    assert (swapped - model.logits(batch)).abs().max() > 1e-3  # the segments count


def test_a_network_without_segments_gets_none(tmp_path: Path) -> None:
    folder = text_folder(tmp_path / "roberta", "roberta")
    model = load_model({"family": "huggingface_text", "weights": str(folder), "tokenization": {"pairs": True}}, ".")
    assert not model.batch(PAIRS).get("token_type_ids", torch.zeros(1)).any()


def test_the_length_of_texts_is_set_or_refused_never_ignored(tmp_path: Path) -> None:
    folder, table = text_folder(tmp_path / "bert", "bert"), text_table(tmp_path / "data")
    request = Request(str(table), str(folder), settings={"preprocessing": {"max_length": 8}})
    model = load_model(request.model().spec, ".")
    assert model.batch(["the movie was great " * 9])["input_ids"].shape == (1, 8)
    with pytest.raises(InputError, match='setting "mean" is none of a text model; it has max_length'):
        Request(str(table), str(folder), settings={"preprocessing": {"mean": [0.5]}}).model()
    with pytest.raises(InputError, match='tokenization setting "lowercase" is not known'):
        load_model({"family": "huggingface_text", "weights": str(folder), "tokenization": {"lowercase": True}}, ".")
