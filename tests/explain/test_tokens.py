"""Which words of a text a neuron goes by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from neurontune_core.errors import InputError
from neurontune_core.explain.tokens import token_attributions
from neurontune_core.models import load_model
from neurontune_core.models.text import TextModel
from tests.support.tiny_huggingface import text_folder

TEXTS = ["The movie   was great!", "don't try 17 birds, a film", "great"]


def load(folder: Path, **spec: object) -> TextModel:
    return load_model({"family": "huggingface_text", "weights": str(folder), **spec}, ".")


def activation_with_vectors(model: TextModel, text, neuron: int, changed) -> float:
    """Return the neuron's activation when ``changed`` has been at the word vectors: a second way to a baseline."""
    handle = model.input_embeddings().register_forward_hook(lambda _, inputs, output: changed(inputs[0], output))
    try:
        return float(model.embed(model.tokenization([text]))[0, neuron])
    finally:
        handle.remove()


@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta", "deberta", "deberta-v2"])
@pytest.mark.parametrize("headless", [False, True])
def test_the_words_add_up_to_the_activation_minus_the_baselines(tmp_path: Path, kind: str, headless: bool) -> None:
    folder = text_folder(tmp_path / kind, kind)
    model = load(folder, **({"num_classes": 0} if headless else {}))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    special = torch.tensor(tokenizer.all_special_ids)
    padding = model.input_embeddings().weight[tokenizer.pad_token_id]

    def without_words(ids: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        named = torch.isin(ids, special) & (ids != tokenizer.unk_token_id)
        return torch.where(named.unsqueeze(2), vectors, padding)

    result = token_attributions(model, TEXTS, 3, steps=100, batch_size=2)
    changes = []
    for text, attribution in zip(TEXTS, result, strict=True):
        baseline = activation_with_vectors(model, text, 3, without_words)
        total = sum(word.value for word in attribution.words)
        changes.append(attribution.activation - baseline)
        assert attribution.activation == pytest.approx(float(model.embed(model.tokenization([text]))[0, 3]), abs=1e-5)
        assert total == pytest.approx(changes[-1], abs=5e-3)
    assert max(map(abs, changes)) > 0.05


@pytest.mark.parametrize("kind", ["bert", "roberta", "deberta", "deberta-v2"])
def test_word_pieces_become_words_where_they_stand(tmp_path: Path, kind: str) -> None:
    model = load(text_folder(tmp_path / kind, kind))
    result = token_attributions(model, TEXTS, 0, steps=2)
    assert [word.text for word in result[0].words] == ["The", "movie", "was", "great", "!"]
    assert [word.text for word in result[1].words] == ["don't", "try", "17", "birds", ",", "a", "film"]
    for text, attribution in zip(TEXTS, result, strict=True):
        assert all(text[word.start : word.end] == word.text and word.part == 0 for word in attribution.words)
        assert not attribution.cut
        assert attribution.characters_read == (len(text),)


@pytest.mark.parametrize("kind", ["bert", "roberta", "deberta-v2"])
def test_a_neuron_that_reads_one_word_goes_by_that_word(tmp_path: Path, kind: str) -> None:
    """Check, with layers that add nothing, the mean of the vectors: the share of a word is what it adds to the mean."""
    model = load(text_folder(tmp_path / kind, kind), num_classes=0)
    backbone = model.module.backbone
    for layer in backbone.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.weight.zero_()
            layer.bias.zero_()
        elif isinstance(layer, torch.nn.LayerNorm):
            layer.register_forward_hook(lambda _, inputs, __: inputs[0])
    vectors = model.input_embeddings().weight
    with torch.no_grad():
        vectors[:, 5] = 0
        with_it, without = (
            model.tokenization([text])["input_ids"][0].tolist() for text in ("the great the", "the the")
        )
        pieces = [token for token in with_it if token not in without]
        vectors[pieces, 5] = 7.0
    text = "the great the"
    (result,) = token_attributions(model, [text], 5, steps=4)
    tokens = model.tokenization([text])["input_ids"][0].tolist()
    shared = {word.text + str(word.start): word.value for word in result.words}
    assert shared["great4"] == pytest.approx(7 * sum(token in pieces for token in tokens) / len(tokens), abs=1e-4)
    assert shared["the0"] == pytest.approx(0, abs=1e-4)
    assert shared["the10"] == pytest.approx(0, abs=1e-4)


def test_batches_and_padding_do_not_change_the_values(tmp_path: Path) -> None:
    model = load(text_folder(tmp_path / "roberta", "roberta"))
    together = token_attributions(model, TEXTS, 1, steps=8, batch_size=3)
    alone = [token_attributions(model, [text], 1, steps=8, batch_size=1)[0] for text in TEXTS]
    for ours, theirs in zip(together, alone, strict=True):
        np.testing.assert_allclose(
            [word.value for word in ours.words], [word.value for word in theirs.words], atol=1e-5
        )


def test_a_long_text_is_cut_and_that_is_said(tmp_path: Path) -> None:
    model = load(text_folder(tmp_path / "bert", "bert"), tokenization={"max_length": 8})
    for rest in (" film was awful", "! film was awful"):  # the mark begins where the network stops reading
        (result,) = token_attributions(model, [f"the movie was great and the{rest}"], 0, steps=2)
        assert result.cut
        assert [word.text for word in result.words] == ["the", "movie", "was", "great", "and", "the"]
        assert result.characters_read == (len("the movie was great and the"),)


def test_the_words_of_a_pair_know_their_part(tmp_path: Path) -> None:
    model = load(text_folder(tmp_path / "deberta", "deberta"), tokenization={"pairs": True})
    (result,) = token_attributions(model, [("the movie", "not the film")], 0, steps=2)
    assert [(word.text, word.part) for word in result.words] == [
        ("the", 0),
        ("movie", 0),
        ("not", 1),
        ("the", 1),
        ("film", 1),
    ]


def test_an_empty_text_has_no_words_and_hooks_do_not_stay_behind(tmp_path: Path) -> None:
    model = load(text_folder(tmp_path / "bert", "bert"))
    (result,) = token_attributions(model, [""], 0, steps=2)
    assert result.words == ()
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in model.module.modules())
    with pytest.raises(InputError, match=r"no neuron 16; this model has the neurons 0..15"):
        token_attributions(model, TEXTS, 16)
