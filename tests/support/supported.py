"""What ``neurontune inspect`` reads: ``python -m tests.support.supported`` runs it and writes docs/supported.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch

from neurontune_core.datasets.base import SAMPLE_NOUNS
from neurontune_core.preflight.inspection import inspect_dataset
from neurontune_core.preflight.report import Report
from neurontune_core.preflight.request import Request
from tests.preflight.test_preflight import ENTRY
from tests.support.image_layouts import IMAGE_LAYOUTS, split_folders
from tests.support.layouts import PLAN
from tests.support.text_layouts import TEXT_LAYOUTS, multinli_rows, text_table
from tests.support.tiny_huggingface import IMAGE_FAMILIES, TEXT_FAMILIES, image_folder, text_folder

DOCUMENT = Path(__file__).parents[2] / "docs" / "supported.md"
INTRODUCTION = """# What is read

Found by running `neurontune inspect` on a small dataset of each layout and on weights of each family; a test compares
this file with what it finds. To write it anew, in a checkout:

    .venv/bin/python -m tests.support.supported

✓ stands where the page of `inspect` is right: for data, the layout was recognized from its path alone and every sample
was counted under its split, class and group; for models, the architecture was recognized from the weights alone, the
head has the size that it was built with, and the model answered.
"""
AGAINST_LIBRARIES = """## Held against the libraries

Generated tables compare what a network reads, and what it is, with the libraries themselves. A sample runs with all
tests, the rest with `pytest --slow`.
"""
COMPARED = (  # what, against what, how many are right
    (
        "image processors of transformers' classifiers, three sizes of picture (`tests/models/test_processors.py`)",
        "the processor's own output, to 1e-4",
        "35 of 35 kinds; donut-swin, imagegpt, siglip2, textnet and timm_wrapper give no square of three channels",
    ),
    (
        "texts and pairs of seven families (`tests/models/test_segments.py`)",
        "the logits of transformers' own network and tokenizer, to 1e-4",
        "14 of 14",
    ),
    ("generic tokenizers on BERT, ALBERT and ELECTRA, padded on either side", "segments counted by hand", "12 of 12"),
    (
        "images of ten modes in eight formats, deep images, EXIF (`tests/datasets/test_pictures.py`)",
        "Pillow, torchvision's scaling",
        "all that a format can hold",
    ),
    (
        "networks of the index (`tests/models/test_every_network.py`)",
        "the network itself: its head on its embedding, to 1e-4",
        "a sample of 10 of 1,385, one of which ends in a convolution and is refused; not all were run yet",
    ),
)


class Layout(NamedTuple):
    """What lies on disk, and what a right page says of the small one in `image_layouts` or `text_layouts`."""

    files: str
    modality: str
    samples: int
    classes: int
    groups: int


_WATERBIRDS = "`metadata.csv` with `img_filename, y, split, place` beside the images"
_SENTENCES = "`metadata_random.csv` beside {}"
_TEXTS = "texts in one table, {}"
LAYOUTS = {
    "waterbirds": Layout(_WATERBIRDS, "image", 32, 2, 4),
    "celeba, .csv": Layout("`list_attr_celeba.csv`, `list_eval_partition.csv`, `img_align_celeba/`", "image", 32, 2, 4),
    "celeba, .txt": Layout("`Anno/`, `Eval/` and `Img/`, as the authors ship it", "image", 32, 2, 4),
    "celeba, metadata": Layout("`metadata.csv` with `img_filename, y, split, place`", "image", 32, 2, 4),
    "imagenet9": Layout("`metadata.csv` with `img_filename, y, label_name, split`", "image", 36, 9, 0),
    "imagenet_a": Layout("folders of WordNet ids, mapped to the nine classes", "image", 10, 9, 0),
    "subpopbench": Layout("`metadata_*.csv` with `filename, split, y, a`", "image", 32, 2, 4),
    "wilds": Layout("`metadata.csv` with `split, y, filename`; splits of other names are left out", "image", 28, 2, 0),
    "split folders": Layout("`split/class/image`, or `class/image`", "image", 32, 2, 0),
    "imagefolder, .csv": Layout("Hugging Face's imagefolder with `metadata.csv`", "image", 32, 2, 4),
    "imagefolder, .jsonl in split folders": Layout("the same with `metadata.jsonl` in each split", "image", 32, 2, 4),
    "hub parquet": Layout("Parquet shards that hold the images", "image", 32, 2, 0),
    "multinli, .jsonl": Layout(_SENTENCES.format("the sentences as `.jsonl`"), "text_pair", 34, 3, 6),
    "multinli, .txt": Layout(_SENTENCES.format("the sentences as `.txt`"), "text_pair", 34, 3, 6),
    "multinli, GLUE": Layout(_SENTENCES.format("GLUE's `.tsv`"), "text_pair", 34, 3, 6),
    "civilcomments": Layout("`all_data_with_identities.csv`, as WILDS has it", "text", 32, 2, 4),
    "text, .csv": Layout(_TEXTS.format("`.csv`"), "text", 32, 2, 4),
    "text, .tsv": Layout(_TEXTS.format("`.tsv`"), "text", 32, 2, 4),
    "text, .jsonl": Layout(_TEXTS.format("`.jsonl`"), "text", 32, 2, 4),
    "text, .parquet": Layout(_TEXTS.format("`.parquet`"), "text", 32, 2, 4),
    "pairs, a file a split": Layout("pairs of texts in `train.tsv`, `dev.tsv`, `test.tsv`", "text_pair", 32, 2, 0),
    "save_to_disk": Layout("a folder that `datasets` saved, Arrow shards", "text", 32, 2, 0),
}


def document(folder: Path) -> str:
    """Return the whole file, by what `inspect` finds now."""
    lines = ["## Data", "", "| layout | on disk | samples | groups | right |", "|---|---|---|---|---|"]
    lines += data_rows(folder)
    lines += ["", "## Models", "", "| family | network tried | recognized by | right |", "|---|---|---|---|"]
    lines += model_rows(folder)
    return "\n".join([INTRODUCTION, *lines, "", *against_libraries()])


def against_libraries() -> list[str]:
    """Return the lines on what is held against the libraries, as the tests named in them count it."""
    rows = [f"| {' | '.join(row)} |" for row in COMPARED]
    return [AGAINST_LIBRARIES, "| what | against | right |", "|---|---|---|", *rows, ""]


def data_rows(folder: Path, every: int = 1) -> list[str]:
    """Return the row of every n-th layout."""
    return [
        f"| {name} | {layout.files} | {SAMPLE_NOUNS[layout.modality]} | {'yes' if layout.groups else '–'} "
        f"| {_tick(_reads(name, folder))} |"
        for name, layout in list(LAYOUTS.items())[::every]
    ]


def model_rows(folder: Path, every: int = 1) -> list[str]:
    """Return the row of every n-th network."""
    rows = []
    for number, (family, network, by, make) in list(enumerate(_models()))[::every]:
        place = folder / f"model {number}"
        place.mkdir()
        rows.append(f"| {family} | {network} | {by} | {_tick(_answers(make, family, place))} |")
    return rows


def _tick(right: bool) -> str:
    return "✓" if right else "✗"


def _reads(name: str, folder: Path) -> bool:
    """Return whether the page of this layout is right, read from its path alone?"""
    place = folder / name.replace(",", "").replace(" ", "-")
    place.mkdir()
    report, expected = inspect_dataset(Request(str((IMAGE_LAYOUTS | TEXT_LAYOUTS)[name](place)))), LAYOUTS[name]
    if report.data is None or report.of("blocker"):
        return False
    data = report.data
    shape = (data.modality, data.num_samples, len(data.class_names), len(data.group_names))
    cells = [count.n for count in data.counts]
    return shape == expected[1:] and cells == _cells(name) and data.unreadable == 0


def _cells(name: str) -> list[int]:
    """Return the samples of every split x class (x group), by the plan that the layouts were made from."""
    if name == "imagenet9":
        return [2] * 9 + [1] * 18
    if name == "imagenet_a":
        return [4, 2, 2, 0, 0, 0, 0, 0, 2]  # dogs, cats, frogs and insects, all test
    samples: list[tuple[int, int, int]] = [(split, label, cue) for label, cue, split in PLAN]
    if name == "wilds":
        samples = [each for number, each in enumerate(samples) if number % 8 != 7]
    if name.startswith("multinli"):
        names = ("contradiction", "entailment", "neutral")
        samples = [
            (row.split, names.index(row.gold_label), int(row.sentence2.startswith("Nothing")))
            for row in multinli_rows().itertuples()
            if row.gold_label != "-"
        ]
    labels, cues = list(range(LAYOUTS[name].classes)), [0, 1] if LAYOUTS[name].groups else [None]
    if name.startswith("imagefolder"):  # names stand in the order of the alphabet: blue (1), green (0)
        cues.reverse()
    if name.startswith("text"):  # clickbait (1), news (0)
        labels.reverse()
    return [
        sum(each[:2] == (split, label) and cue in (None, each[2]) for each in samples)
        for split in range(3)
        for label in labels
        for cue in cues
    ]


_NETWORKS = (  # family, architecture, neurons, side of the images
    ("torchvision", "resnet18", 512, 32),
    ("torchvision", "densenet121", 1024, 32),
    ("torchvision", "efficientnet_b0", 1280, 32),
    ("torchvision", "mobilenet_v3_small", 1024, 32),
    ("torchvision", "convnext_tiny", 768, 32),
    ("torchvision", "swin_t", 768, 32),
    ("timm", "resnet10t", 512, 64),
    ("timm", "vit_tiny_patch16_224", 192, 224),
    ("efficientnet_lite", "efficientnet_lite0", 1280, 64),
    ("cifar_resnet", "resnet20", 64, 64),
)
Made = tuple[Request, str, tuple[int, int]]  # what to inspect, the network's name, and its head [C, M]


def _models() -> Iterator[tuple[str, str, str, Callable[[Path], Made]]]:
    for family, network, neurons, side in _NETWORKS:
        yield (
            family,
            network,
            "a state dict",
            partial(_by_family, family=family, network=network, head=neurons, side=side),
        )
    yield "torchvision", "resnet18", "a Lightning checkpoint", _lightning
    for kind in IMAGE_FAMILIES:
        yield "huggingface_image", kind, "`config.json`", lambda place, kind=kind: _hugging_face_image(place, kind)
    for kind in TEXT_FAMILIES:
        yield "huggingface_text", kind, "`config.json`", lambda place, kind=kind: _hugging_face_text(place, kind)
    yield "python", "one's own", "`--entry module:function`", _python


def _answers(make: Callable[[Path], Made], family: str, place: Path) -> bool:
    """Return whether the page of this model is right, read from its weights alone?"""
    request, architecture, head = make(place)
    report: Report = inspect_dataset(request, place, device="cpu", allow_python=True, samples=8, files=4)
    if report.model is None or report.accuracy is None or report.cost is None:
        return False
    facts = report.model
    shape = (facts.num_classes, facts.num_neurons)
    named = family.startswith("huggingface") or facts.architecture == architecture
    return (facts.family, shape, named, report.accuracy.n) == (family, head, True, 8) and not report.of("blocker")


def _by_family(place: Path, family: str, network: str, head: int, side: int) -> Made:
    torch.save(_random(family, network, place), place / "model.pth")
    return Request(*_paths(place), settings={"image_size": side}), network, (2, head)


def _lightning(place: Path) -> Made:
    state = {f"model.{name}": tensor for name, tensor in _random("torchvision", "resnet18", place).items()}
    torch.save({"state_dict": state, "epoch": 3, "pytorch-lightning_version": "2.5.0"}, place / "model.pth")
    return Request(*_paths(place), settings={"image_size": 32}), "resnet18", (2, 512)


def _random(family: str, network: str, place: Path) -> dict[str, torch.Tensor]:
    from neurontune_core.models import load_model

    spec = {"family": family, "architecture": network, "weights": "random", "num_classes": 2}
    return load_model(spec, place).module.state_dict()


def _hugging_face_image(place: Path, kind: str) -> Made:
    neurons = {"swin": 32, "convnext": 16}.get(kind, 32 if kind == "dinov2" else 16)
    folder = image_folder(place / "model", kind, num_labels=2)
    return Request(str(split_folders(_data(place))), str(folder)), kind, (2, neurons)


def _hugging_face_text(place: Path, kind: str) -> Made:
    folder = text_folder(place / "model", kind, num_labels=2)
    return Request(str(text_table(_data(place))), str(folder)), kind, (2, 16)


def _python(place: Path) -> Made:
    (place / "brightness.py").write_text(ENTRY)
    request = Request(str(split_folders(_data(place))), entry="brightness:network", settings={"image_size": 8})
    return request, "brightness:network", (2, 3)


def _paths(place: Path) -> tuple[str, str]:
    return str(split_folders(_data(place))), str(place / "model.pth")


def _data(place: Path) -> Path:
    (place / "data").mkdir()
    return place / "data"


if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        DOCUMENT.write_text(document(Path(scratch)), encoding="utf-8")
