"""The whole model in the form that its own library loads, read by that library alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import timm
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file

from neurontune_core import EmbeddingSet, InputError, LinearHead, TuneConfig
from neurontune_core.datasets import open_dataset
from neurontune_core.export import whole_model
from neurontune_core.export.bundle import ExportedFile, export_bundle
from neurontune_core.export.card import TunedRun
from neurontune_core.export.verification import VerificationError
from neurontune_core.extraction.extract import extract
from neurontune_core.mask import Mask
from neurontune_core.models import load_model
from tests.support.tiny_huggingface import image_folder, text_folder

TEXTS = ["the movie was great", "a film is not awful", "birds and a movie", "the text starts with 17", "great", "try 7"]
TABLES = {"image": "image_table", "text": "text_table"}


def tuned(root: Path, spec: dict, kind: str, size: int = 40) -> tuple[TunedRun, dict]:
    """Write a dataset of the kind to ``root``; return a random head over the model's own embeddings, and its spec."""
    root.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    if kind == "text":
        pd.DataFrame({"text": TEXTS, "label": np.arange(len(TEXTS)) % 2}).to_csv(root / "texts.csv", index=False)
        dataset = {"format": "text_table", "table": "texts.csv"}
    else:
        names = [f"{number}.png" for number in range(6)]
        for name in names:
            Image.fromarray(rng.integers(0, 256, (size, size + 10, 3), dtype=np.uint8)).save(root / name)
        pd.DataFrame({"filename": names, "y": np.arange(6) % 2}).to_csv(root / "metadata.csv", index=False)
        dataset = {"format": "image_table", "root": "."}
    model = load_model(spec, root)
    embeddings = extract(model, open_dataset(dataset, root), root / "embeddings", split="", device="cpu")
    embeddings = replace(embeddings, class_names=("land bird", "water bird"))
    biased = np.arange(model.num_neurons) % 3 == 0
    head = LinearHead(rng.normal(size=(2, model.num_neurons)), rng.normal(size=2)).masked(np.where(biased, 0.0, 1.0))
    return TunedRun(head, head, Mask(biased, 0.0, 0.0), TuneConfig(), embeddings), dataset


def exported(root: Path, run: TunedRun, spec: dict, dataset: dict | None) -> dict[str, ExportedFile]:
    files = export_bundle(root / "out", run, model=spec, dataset=dataset, base=root)
    assert sorted(file.name for file in (root / "out").iterdir()) == sorted(file.name for file in files)
    return {file.name: file for file in files}


def expected(run: TunedRun) -> np.ndarray:
    return np.asarray(run.evaluation.embeddings, dtype=np.float32) @ run.head.weight.T + run.head.bias


def run_snippet(folder: Path) -> torch.nn.Module:
    """Run the commented lines of load_head.py that load the whole model."""
    lines = (folder / "load_head.py").read_text().partition("folder is the one of this file:\n")[2].splitlines()
    names: dict = {"folder": folder}
    exec("\n".join(line.removeprefix("#").removeprefix(" ") for line in lines), names)
    return names["model"].eval()


def test_transformers_loads_an_image_classifier_from_the_folder_alone(tmp_path: Path) -> None:
    source = image_folder(tmp_path / "model", "vit", num_labels=2)
    processor = {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}, "resample": 2}
    processor |= {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.5, 0.5, 0.5], "do_normalize": True, "do_resize": True}
    (source / "preprocessor_config.json").write_text(json.dumps(processor))
    spec = {"family": "huggingface_image", "weights": "model"}
    run, dataset = tuned(tmp_path, spec, "image")
    files = exported(tmp_path, run, spec, dataset)
    out, own = tmp_path / "out", ["config.json", "model.safetensors", "preprocessor_config.json"]
    assert [name for name in files if name in own] == own
    network = transformers.AutoModelForImageClassification.from_pretrained(out).eval()
    assert network.config.id2label == {0: "land bird", 1: "water bird"}
    images = [Image.open(tmp_path / name) for name in run.evaluation.sources]
    pixels = transformers.AutoImageProcessor.from_pretrained(out)(images, return_tensors="pt")
    with torch.inference_mode():
        logits = network(**pixels).logits.numpy()
        again = run_snippet(out)(**pixels).logits.numpy()
    np.testing.assert_allclose(logits, expected(run), atol=1e-2)  # vectors on disk are of half precision
    assert np.array_equal(again, logits)
    assert not network.classifier.weight[:, ::3].any()
    assert "loaded by AutoModelForImageClassification.from_pretrained; all" in files["model.safetensors"].check
    assert "logits on 6 samples differ by at most" in files["model.safetensors"].check
    card = (out / "MODEL_CARD.md").read_text()
    assert all(f"| `{name}` |" in card for name in (*own, "model_state_dict.safetensors"))


@pytest.mark.parametrize("kind", ["bert", "roberta", "deberta-v2"])
def test_transformers_loads_a_text_classifier_and_its_tokenizer_from_the_folder_alone(
    tmp_path: Path, kind: str
) -> None:
    text_folder(tmp_path / "model", kind, num_labels=2)
    spec = {"family": "huggingface_text", "weights": "model", "tokenization": {"max_length": 20}}
    run, dataset = tuned(tmp_path, spec, "text")
    files = exported(tmp_path, run, spec, dataset)
    out = tmp_path / "out"
    network = transformers.AutoModelForSequenceClassification.from_pretrained(out).eval()
    assert network.config.id2label == {0: "land bird", 1: "water bird"}
    tokens = transformers.AutoTokenizer.from_pretrained(out)(TEXTS, padding=True, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        logits = network(**tokens).logits.numpy()
        assert np.array_equal(run_snippet(out)(**tokens).logits.numpy(), logits)
    np.testing.assert_allclose(logits, expected(run), atol=1e-2)
    assert files["tokenizer.json"].check == "read back; the same tokens of two texts"


@pytest.mark.parametrize("own", [True, False])
def test_an_image_processor_that_prepares_otherwise_is_left_out(tmp_path: Path, own: bool) -> None:
    source = image_folder(tmp_path / "model", "resnet", num_labels=2)
    processor = {"size": {"shortest_edge": 64}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "crop_pct": 1.0}
    (source / "preprocessor_config.json").write_text(json.dumps(processor))
    spec: dict = {"family": "huggingface_image", "weights": "model"}
    if own:
        spec["preprocessing"] = {"mean": [0.1, 0.2, 0.3]}
    run, dataset = tuned(tmp_path, spec, "image", 64)
    assert ("preprocessor_config.json" in exported(tmp_path, run, spec, dataset)) is not own


def test_a_body_without_a_class_of_its_own_is_a_state_dict_alone(tmp_path: Path) -> None:
    text_folder(tmp_path / "model", "bert", cls="AutoModel")
    spec = {"family": "huggingface_text", "weights": "model"}
    run, dataset = tuned(tmp_path, spec, "text")
    files = exported(tmp_path, run, spec, dataset)
    assert list(files)[2:] == ["model_state_dict.safetensors", "load_head.py", "MODEL_CARD.md"]


def test_timm_loads_the_state_dict_as_its_checkpoint(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_file(timm.create_model("test_vit", num_classes=5, img_size=64).state_dict(), tmp_path / "weights.safetensors")
    spec = {"family": "timm", "architecture": "test_vit", "weights": "weights.safetensors", "image_size": 64}
    run, dataset = tuned(tmp_path, spec, "image", 64)
    with pytest.raises(InputError, match="has 5 classes, but num_classes says 2"):
        exported(tmp_path, run, spec, dataset)
    save_file(timm.create_model("test_vit", num_classes=2, img_size=64).state_dict(), tmp_path / "weights.safetensors")
    run, dataset = tuned(tmp_path, spec, "image", 64)
    files = exported(tmp_path, run, spec, dataset)
    assert "config.json" not in files
    path = tmp_path / "out" / "model_state_dict.safetensors"
    network = timm.create_model("test_vit", num_classes=2, img_size=64, checkpoint_path=path)
    assert np.array_equal(network.get_classifier().weight.detach().numpy(), run.head.weight)
    theirs = run_snippet(tmp_path / "out").state_dict()
    assert all(torch.equal(theirs[name], tensor) for name, tensor in load_file(path).items())
    check = files["model_state_dict.safetensors"].check
    assert "reloaded into test_vit; all" in check
    assert "also loaded by timm.create_model with it as checkpoint_path; all" in check


def hub_folder(folder: Path) -> dict:
    folder.mkdir()
    torch.manual_seed(0)
    network = timm.create_model("test_resnet", num_classes=2)
    timm.models.save_for_hf(network, folder, model_config={"label_names": ["n01", "n02"]}, safe_serialization=True)
    return {
        "family": "timm",
        "architecture": "test_resnet",
        "weights": f"{folder.name}/model.safetensors",
        "preprocessing": {"mean": [0.1, 0.2, 0.3]},
    }


def test_timm_loads_the_folder_of_a_model_that_came_from_a_hub_folder(tmp_path: Path) -> None:
    spec = hub_folder(tmp_path / "model")
    run, dataset = tuned(tmp_path, spec, "image")
    files = exported(tmp_path, run, spec, dataset)
    out = tmp_path / "out"
    network = timm.create_model(f"local-dir:{out}", pretrained=True).eval()
    assert network.pretrained_cfg["label_names"] == ["land bird", "water bird"]
    assert list(network.pretrained_cfg["mean"]) == [0.1, 0.2, 0.3]
    prepare = timm.data.create_transform(**timm.data.resolve_data_config({}, model=network))
    images = torch.stack([prepare(Image.open(tmp_path / name)) for name in run.evaluation.sources])
    with torch.inference_mode():
        np.testing.assert_allclose(network(images).numpy(), expected(run), atol=1e-2)
        assert np.array_equal(run_snippet(out)(images).numpy(), network(images).numpy())
    assert 'loaded by timm.create_model("local-dir:…", pretrained=True); all' in files["model.safetensors"].check


def test_a_library_that_reads_something_else_withholds_the_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = hub_folder(tmp_path / "model")
    run, dataset = tuned(tmp_path, spec, "image")
    create = timm.create_model

    def other(*words: object, **named: object) -> torch.nn.Module:
        network = create(*words, **named)
        if str(words[0]).startswith("local-dir:"):
            network.get_classifier().weight.data += 1
        return network

    monkeypatch.setattr(timm, "create_model", other)
    with pytest.raises(VerificationError, match=r"model\.safetensors was read back, and its tensors are not those"):
        exported(tmp_path, run, spec, dataset)
    assert not (tmp_path / "out").exists()


def test_another_tokenizer_withholds_the_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text_folder(tmp_path / "model", "bert", num_labels=2)
    spec = {"family": "huggingface_text", "weights": "model"}
    run, dataset = tuned(tmp_path, spec, "text")
    monkeypatch.setattr(whole_model, "_TRIED", ("a", "b"))
    real = transformers.AutoTokenizer.from_pretrained

    def lower(folder: Path, **options: object) -> object:
        tokenizer = real(folder, **options)
        if (Path(folder) / "mask.json").exists():
            tokenizer.add_tokens(["a"], special_tokens=True)
            tokenizer.backend_tokenizer.post_processor = None
        return tokenizer

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", lower)
    with pytest.raises(VerificationError, match=r"tokenizer\.json was read back, and it gives other tokens"):
        exported(tmp_path, run, spec, dataset)


def test_an_export_replaces_one_of_another_form_but_never_a_model_of_ones_own(tmp_path: Path) -> None:
    spec = hub_folder(tmp_path / "model")
    run, dataset = tuned(tmp_path, spec, "image")
    before = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}
    with pytest.raises(InputError, match=r'holds other files, such as "config\.json"'):
        export_bundle(tmp_path / "model", run, model=spec, dataset=dataset, base=tmp_path)
    assert {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()} == before
    exported(tmp_path, run, spec, dataset)
    exported(tmp_path, run, spec, dataset)  # again, in place
    files = export_bundle(tmp_path / "out", run)  # without the whole model
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(file.name for file in files)


def test_an_embedding_set_of_another_width_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    spec = hub_folder(tmp_path / "model")
    run, _ = tuned(tmp_path, spec, "image")
    narrow = EmbeddingSet(np.ones((4, 3)), [0, 1, 0, 1], ("a", "b"))
    with pytest.raises(InputError):
        export_bundle(tmp_path / "out", replace(run, evaluation=narrow), model=spec, base=tmp_path)
    assert not (tmp_path / "out").exists()
