"""The exported bundle: every file is right when read by other means, and nothing wrong is ever offered."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from neurontune_core import EmbeddingSet, InputError, LinearHead, TuneConfig
from neurontune_core.export import bundle as export_module
from neurontune_core.export.bundle import FILES, export_bundle
from neurontune_core.export.card import TunedRun
from neurontune_core.export.verification import VerificationError
from neurontune_core.mask import Mask
from neurontune_core.models.base import Network

N, M = 60, 8
MODEL = {"family": "torchvision", "architecture": "resnet18", "weights": "random", "num_classes": 2, "image_size": 32}


@pytest.fixture
def run() -> TunedRun:
    rng = np.random.default_rng(0)
    labels, attributes = np.arange(N) % 2, np.arange(N) % 3 % 2
    evaluation = EmbeddingSet(
        np.abs(rng.normal(size=(N, M))).astype(np.float32),
        labels,
        ("land|bird\n<b>", "water_bird"),
        groups=labels * 2 + attributes,
        group_names=("a", "b", "c", "d"),
        split="test",
    )
    heads = [LinearHead(rng.normal(size=(2, M)), rng.normal(size=2)) for _ in range(3)]
    biased = np.arange(M) % 3 == 0
    return TunedRun(
        erm=heads[0],
        head=heads[1].masked(np.where(biased, 0.0, 1.0)),
        masking_off=heads[2],
        mask=Mask(biased, 0.0, 0.0, {3: "spurious", 4: "core"}, {"method": "NeuronTune"}),
        config=TuneConfig(epochs=7),
        evaluation=evaluation,
        epoch=5,
        data={"Identification": "val, 96 samples"},
        title="Birds | their backgrounds",
        warnings=('Class "x" has only 3 misclassified samples.',),
    )


@pytest.fixture(scope="module")
def picture_project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, EmbeddingSet, LinearHead]:
    """Make twelve noise images, a seeded network, their embeddings and the network's own head."""
    from neurontune_core.datasets import open_dataset
    from neurontune_core.extraction.extract import extract
    from neurontune_core.models import load_model

    root = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for number in range(12):
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(root / f"{number:02d}.png")
    names = [f"{number:02d}.png" for number in range(12)]
    pd.DataFrame({"filename": names, "y": np.arange(12) % 2}).to_csv(root / "metadata.csv", index=False)
    model = load_model(MODEL, root)
    dataset = open_dataset({"format": "image_table", "root": "."}, root)
    embeddings = extract(model, dataset, root / "embeddings", split="", device="cpu")
    head = model.head()
    assert head is not None
    return root, embeddings, head


@pytest.fixture
def picture_run(picture_project: tuple[Path, EmbeddingSet, LinearHead]) -> TunedRun:
    _, embeddings, erm = picture_project
    biased = np.arange(embeddings.num_neurons) % 2 == 0
    head = erm.masked(np.where(biased, 0.0, 1.0))
    return TunedRun(erm=erm, head=head, mask=Mask(biased, 0.0, 0.0), config=TuneConfig(), evaluation=embeddings)


def test_without_a_model_four_files_are_offered_and_each_says_how_it_was_checked(run: TunedRun, tmp_path: Path) -> None:
    files = export_bundle(tmp_path / "out", run)
    assert [file.name for file in files] == ["mask.json", "head.safetensors", "load_head.py", "MODEL_CARD.md"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(file.name for file in files)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]  # nothing is left beside it
    for file in files:
        assert file.bytes == file.path.stat().st_size > 0
    assert files[1].check == f"reloaded; logits on {N} samples differ by at most 0"
    assert files[0].check == "reloaded; the same 3 of 8 neurons"


def test_the_mask_is_the_documented_json(run: TunedRun, tmp_path: Path) -> None:
    export_bundle(tmp_path, run)
    assert json.loads((tmp_path / "mask.json").read_text()) == {
        "format": "neurontune-mask/1",
        "num_neurons": 8,
        "biased": [0, 3, 6],
        "threshold": 0.0,
        "mask_value": 0.0,
        "verdicts": {"3": "spurious", "4": "core"},
        "source": {"method": "NeuronTune"},
        "explanation": "",
        "neurons": [
            {"neuron": 0, "masked": True, "reasons": ["score"], "scores": {}},
            {"neuron": 3, "masked": True, "reasons": ["judged spurious"], "scores": {}},
            {"neuron": 4, "masked": False, "reasons": ["judged core"], "scores": {}},
            {"neuron": 6, "masked": True, "reasons": ["score"], "scores": {}},
        ],
    }


def test_the_head_is_plain_safetensors_with_the_mask_folded_in(run: TunedRun, tmp_path: Path) -> None:
    export_bundle(tmp_path, run)
    tensors = load_file(tmp_path / "head.safetensors")
    logits = run.evaluation.embeddings @ tensors["weight"].T + tensors["bias"]
    np.testing.assert_allclose(logits, run.head.logits(run.evaluation.embeddings), atol=1e-5)
    assert not tensors["weight"][:, [0, 3, 6]].any()


@pytest.mark.long
def test_the_snippet_works_on_its_own_without_this_package(run: TunedRun, tmp_path: Path) -> None:
    export_bundle(tmp_path, run)
    np.save(tmp_path / "vectors.npy", run.evaluation.embeddings)
    program = (
        "import sys; sys.modules['neurontune_core'] = None\n"
        + (tmp_path / "load_head.py").read_text().replace("__file__", repr(str(tmp_path / "load_head.py")))
        + "\nimport json, numpy\nvectors = torch.from_numpy(numpy.load('vectors.npy'))\n"
        "print(json.dumps([class_names, head(vectors).tolist()]))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    class_names, logits = json.loads(done.stdout)
    assert tuple(class_names) == run.evaluation.class_names
    np.testing.assert_allclose(logits, run.head.logits(run.evaluation.embeddings), atol=1e-5)
    code = [line for line in (tmp_path / "load_head.py").read_text().splitlines() if line and line[0] not in '"#']
    assert len(code) <= 10


def test_the_card_shows_the_numbers_counted_by_hand(run: TunedRun, tmp_path: Path) -> None:
    export_bundle(tmp_path, run)
    card = (tmp_path / "MODEL_CARD.md").read_text()
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in card.splitlines()]
    table = {cells[0]: cells[1:] for cells in rows}
    sets, heads = run.evaluation, (run.erm, run.masking_off, run.head)
    right = [(sets.embeddings @ head.weight.T + head.bias).argmax(axis=1) == sets.labels for head in heads]
    for cell, hits in zip(table["**Average**"], right, strict=True):
        assert cell.startswith(f"{100 * hits.mean():.1f} [")
    for cell, hits in zip(table["**Worst group**"], right, strict=True):
        assert cell.startswith(f"{100 * min(hits[sets.groups == group].mean() for group in range(4)):.1f} [")
    for cell, hits in zip(table["**Worst class**"], right, strict=True):
        assert cell.startswith(f"{100 * min(hits[sets.labels == label].mean() for label in range(2)):.1f} [")
    for group, name in enumerate(sets.group_names):
        for cell, hits in zip(table[f"group {name}, n = {(sets.groups == group).sum()}"], right, strict=True):
            assert cell.startswith(f"{100 * hits[sets.groups == group].mean():.1f} [")
    fixed, broken = (right[2] & ~right[0]).sum(), (right[0] & ~right[2]).sum()
    assert f"{fixed} samples are corrected and {broken} are newly wrong" in card


def test_the_card_says_how_it_was_chosen_and_what_groups_were_for(run: TunedRun, tmp_path: Path) -> None:
    export_bundle(tmp_path, run)
    card = (tmp_path / "MODEL_CARD.md").read_text()
    assert (
        "epoch 5 of 7, chosen by the highest SFit (spuriousness fitness score, Σ|delta|) on the identification set"
        in card
    )
    assert "Group labels were used for the table above and for nothing else" in card
    assert "3 of 8, multiplied by 0; 2 by score (above 0)" in card
    assert "1 core, 1 spurious" in card
    assert "| `epochs` | `7` |" in card
    assert "only 3 misclassified samples" in card


@pytest.mark.parametrize("off", [True, False])
def test_the_card_says_when_the_baseline_was_not_run(run: TunedRun, tmp_path: Path, off: bool) -> None:
    export_bundle(tmp_path, run if off else replace(run, masking_off=None))
    assert ("Retraining without a mask was not run" in (tmp_path / "MODEL_CARD.md").read_text()) is not off


def test_the_card_never_guesses_a_worst_group(run: TunedRun, tmp_path: Path) -> None:
    export_bundle(tmp_path, replace(run, evaluation=replace(run.evaluation, groups=None)))
    card = (tmp_path / "MODEL_CARD.md").read_text()
    assert "Worst group" not in card
    assert "no group labels, so the worst group is not known" in card


def test_the_card_calls_no_head_better_on_a_tie(run: TunedRun, tmp_path: Path) -> None:
    export_bundle(tmp_path, replace(run, masking_off=run.head, erm=run.head))
    assert "has the better" not in (tmp_path / "MODEL_CARD.md").read_text()


def test_the_card_says_when_another_head_is_better(run: TunedRun, tmp_path: Path) -> None:
    perfect = LinearHead(np.zeros((2, M)), np.zeros(2))
    evaluation = replace(run.evaluation, labels=np.zeros(N, dtype=np.int64))
    poor = LinearHead(np.zeros((2, M)), np.array([0.0, 1.0]))
    export_bundle(tmp_path, replace(run, masking_off=perfect, head=poor, evaluation=evaluation))
    assert "- No masking has the better worst class: 100.0 against 0.0." in (tmp_path / "MODEL_CARD.md").read_text()


def test_names_from_elsewhere_cannot_break_the_cards_tables(run: TunedRun, tmp_path: Path) -> None:
    export_bundle(tmp_path, run)
    card = (tmp_path / "MODEL_CARD.md").read_text()
    assert r"class land\|bird &lt;b&gt;, n = 30" in card
    assert r"class water\_bird, n = 30" in card
    assert card.startswith("# Birds \\| their backgrounds: retrained head\n")
    assert "<b>" not in card


def test_the_whole_model_is_reloaded_and_run_on_real_pictures(
    picture_project: tuple[Path, EmbeddingSet, LinearHead], picture_run: TunedRun, tmp_path: Path
) -> None:
    import torch
    import torchvision

    root, embeddings, _ = picture_project
    files = export_bundle(
        tmp_path / "out", picture_run, model=MODEL, dataset={"format": "image_table", "root": "."}, base=root
    )
    assert [file.name for file in files] == list(FILES)
    check = next(file.check for file in files if file.name == "model_state_dict.safetensors")
    assert "tensors equal; logits on 8 samples differ by at most" in check

    from safetensors.torch import load_file as load_torch_file

    network = torchvision.models.resnet18(num_classes=2)  # by other means than this package
    network.load_state_dict(load_torch_file(tmp_path / "out" / "model_state_dict.safetensors"))
    preset = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.transforms()
    with torch.inference_mode():
        for row, source in enumerate(embeddings.sources[:3]):
            pixels = torch.from_numpy(np.array(Image.open(root / source).resize((37, 37), Image.Resampling.BILINEAR)))
            center = pixels.permute(2, 0, 1)[:, 2:34, 2:34].float() / 255
            mean, std = (torch.tensor(values)[:, None, None] for values in (preset.mean, preset.std))
            logits = network.eval()(((center - mean) / std)[None])[0].numpy()
            np.testing.assert_allclose(logits, picture_run.head.logits(embeddings.embeddings)[row], atol=1e-2)


def test_embeddings_of_another_model_are_found_out_and_nothing_is_offered(
    picture_project: tuple[Path, EmbeddingSet, LinearHead], picture_run: TunedRun, tmp_path: Path
) -> None:
    root, embeddings, _ = picture_project
    foreign = replace(embeddings, embeddings=np.roll(np.asarray(embeddings.embeddings), 1, axis=1))
    with pytest.raises(VerificationError, match="of another model or other images"):
        export_bundle(
            tmp_path / "out",
            replace(picture_run, evaluation=foreign),
            model=MODEL,
            dataset={"format": "image_table", "root": "."},
            base=root,
        )
    assert not list(tmp_path.iterdir())


def test_without_pictures_the_models_tensors_are_still_compared(
    picture_project: tuple[Path, EmbeddingSet, LinearHead], picture_run: TunedRun, tmp_path: Path
) -> None:
    files = export_bundle(tmp_path / "out", picture_run, model=MODEL, base=picture_project[0])
    assert "tensors equal; no samples to run it on" in files[2].check


def test_a_model_with_another_last_layer_than_the_tuned_one_is_not_offered(
    picture_project: tuple[Path, EmbeddingSet, LinearHead],
    picture_run: TunedRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual = Network.state_dict_with
    monkeypatch.setattr(Network, "state_dict_with", lambda self, head: usual(self, picture_run.erm))
    with pytest.raises(VerificationError, match="its last layer is not the tuned head"):
        export_bundle(tmp_path / "out", picture_run, model=MODEL, base=picture_project[0])
    assert not list(tmp_path.iterdir())


def test_pictures_that_were_moved_do_not_withhold_the_model(
    picture_project: tuple[Path, EmbeddingSet, LinearHead], picture_run: TunedRun, tmp_path: Path
) -> None:
    moved = {"format": "image_table", "root": "moved"}
    files = export_bundle(tmp_path / "out", picture_run, model=MODEL, dataset=moved, base=picture_project[0])
    assert "tensors equal; not run on samples: There is no folder" in files[2].check


def test_a_head_that_comes_back_different_is_not_offered(
    run: TunedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(self: LinearHead, path: Path) -> None:
        save_file({"weight": self.weight + np.float32(1e-3), "bias": self.bias}, path)

    export_bundle(tmp_path / "out", run)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    monkeypatch.setattr(LinearHead, "save", damaged)
    with pytest.raises(VerificationError, match=r"head\.safetensors was read back, and its logits differ by"):
        export_bundle(tmp_path / "out", run)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


@pytest.mark.parametrize(
    "change", [{"biased": np.arange(M) % 3 == 1}, {"threshold": 0.1}, {"mask_value": 0.5}, {"verdicts": {3: "core"}}]
)
def test_a_mask_that_comes_back_different_is_not_offered(
    run: TunedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict
) -> None:
    other = replace(run.mask, **change)
    monkeypatch.setattr(export_module.Mask, "load", lambda path: other)
    with pytest.raises(VerificationError, match=r"mask\.json"):
        export_bundle(tmp_path / "out", run)


def test_a_new_bundle_leaves_no_file_of_an_older_one(run: TunedRun, tmp_path: Path) -> None:
    (tmp_path / "model_state_dict.safetensors").write_bytes(b"of an older bundle")
    export_bundle(tmp_path, run)
    assert not (tmp_path / "model_state_dict.safetensors").exists()


def test_a_mask_of_another_width_is_refused(run: TunedRun, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="The mask is for 5 neurons, but the head has 8"):
        export_bundle(tmp_path, replace(run, mask=Mask(np.ones(5, dtype=bool), 0.0, 0.0)))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "other/1"}, "is not a mask"),
        ({"biased": [9]}, r"names a neuron outside 0\.\.7"),
        ({"biased": ["x"]}, "is not a whole mask"),
        ({"threshold": None}, "is not a whole mask"),
    ],
)
def test_a_wrong_mask_file_is_refused_in_a_sentence(
    run: TunedRun, tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    run.mask.save(tmp_path / "mask.json")
    (tmp_path / "mask.json").write_text(json.dumps(json.loads((tmp_path / "mask.json").read_text()) | change))
    with pytest.raises(InputError, match=sentence):
        Mask.load(tmp_path / "mask.json")


def test_a_folder_with_files_of_somebody_else_is_refused_and_left_as_it_is(run: TunedRun, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r'holds other files, such as "thesis\.tex"; choose an empty folder'):
        export_bundle(tmp_path, run)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(InputError, match="is a file; give a folder"):
        export_bundle(tmp_path / "thesis.tex", run)
    with pytest.raises(InputError, match="cannot be written to"):
        export_bundle(tmp_path / "thesis.tex" / "inside", run)
