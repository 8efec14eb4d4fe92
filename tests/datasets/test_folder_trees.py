"""Trees of folders as people unpack them: what are splits, what are classes, what is left out, and that it is said."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from neurontune_core.datasets import open_dataset
from neurontune_core.datasets.base import Dataset
from neurontune_core.datasets.guess import guess_dataset
from neurontune_core.errors import InputError

SPLITS, CLASSES = ("train", "val", "test"), ("cat", "dog")
USUAL = [f"{split}/{label}/{number}.png" for split in SPLITS for label in CLASSES for number in range(3)]


def make(root: Path, *paths: str) -> Path:
    for number, path in enumerate(paths):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number * 7 % 255, 90, 90)).save(file, "PNG")
    return root


def opened(root: Path, **changes: object) -> Dataset:
    return open_dataset(guess_dataset(root).spec | changes, ".")


def counts(dataset: Dataset) -> dict[str, int]:
    return {split: len(dataset.rows(split)) for split in dataset.splits}


def remarked(dataset: Dataset) -> str:
    return " ".join(f"[{remark.level}] {remark.sentence} {remark.flags}" for remark in dataset.remarks)


def moved(prefix: str, paths: list[str] = USUAL) -> list[str]:
    return [f"{prefix}{path}" for path in paths]


@pytest.mark.parametrize(
    ("paths", "sentence"),
    [
        (
            [*USUAL, "masks/cat/a.png", "masks/dog/b.png"],
            "[warning] Left out, as they stand beside the splits: masks (2",
        ),
        ([*USUAL, "unlabeled/x.png"], "unlabeled (1 images)"),
        (moved("dataset/"), "The folder dataset is read, as it holds everything."),
        (moved("a/b/"), "The folder a/b is read"),
        ([*USUAL, *moved("chest_xray/")], "chest_xray (18 images)"),
        ([f"seg_{p.split('/')[0]}/seg_{p}" for p in USUAL], "is read, as it holds the whole split"),
        ([f"{c}/{s}/{j}.png" for c in CLASSES for s in SPLITS for j in range(3)], "read as class/split"),
        ([p.replace("/", "/animals/", 1) for p in USUAL], "The folder train/animals is read"),
        ([p.replace("train", "Training").replace("val/", "dev/") for p in USUAL], ""),
        ([*USUAL, "train/cat/.ipynb_checkpoints/0.png", ".trash/a.png", "__MACOSX/train/cat/a.png"], ""),
    ],
)
def test_splits_are_seen_wherever_they_stand_and_the_rest_is_named(
    tmp_path: Path, paths: list[str], sentence: str
) -> None:
    (tmp_path / "docs").mkdir()
    dataset = opened(make(tmp_path, *paths))
    assert dataset.class_names == CLASSES
    assert counts(dataset) == {"train": 6, "val": 6, "test": 6}
    assert sentence in remarked(dataset)
    labels = dataset.samples.groupby("source")["label"].first()
    assert all(CLASSES[label] in source.split("/") for source, label in labels.items())


def test_images_of_a_split_outside_its_class_folders_are_counted(tmp_path: Path) -> None:
    dataset = opened(make(tmp_path, *(p for p in USUAL if p[:4] != "test"), *(f"test/{j}.png" for j in range(4))))
    assert counts(dataset) == {"train": 6, "val": 6}
    assert "4 images lie in test itself, in no folder of a class, and are left out" in remarked(dataset)


def test_classes_that_only_begin_like_splits_stay_classes(tmp_path: Path) -> None:
    dataset = opened(make(tmp_path, "train_station/1.png", "test_tube/1.png", "bus/1.png"))
    assert (dataset.class_names, dataset.splits) == (("bus", "test_tube", "train_station"), ("",))
    vehicles = opened(make(tmp_path / "vehicles", "train/1.png", "bus/1.png", "car/1.png"))
    assert vehicles.class_names == ("bus", "car", "train")


def test_two_levels_of_folders_are_two_readings_with_a_flag(tmp_path: Path) -> None:
    root = make(tmp_path, "fruit/apple/1.png", "fruit/pear/1.png", "tool/saw/1.png", "tool/file/2.png")
    dataset = opened(root)
    assert dataset.class_names == ("fruit", "tool")
    assert "[warning] There are two levels of folders" in remarked(dataset)
    assert "--classes apple,pear,file,saw" in remarked(dataset)
    other = opened(root, class_names=["apple", "pear", "file", "saw"])
    assert other.samples["label"].tolist() == [0, 1, 2, 3]


def test_parts_that_hold_the_same_classes_are_no_classes(tmp_path: Path) -> None:
    dataset = opened(make(tmp_path, *(f"part_{n}/{c}/{j}.png" for n in (1, 2) for c in CLASSES for j in range(2))))
    assert (dataset.class_names, len(dataset.samples)) == (CLASSES, 8)
    assert "not part_1, part_2" in remarked(dataset)


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["images/1.png", "images/2.png"], "are in one folder .images., which makes one class"),
        (["HAM_images_part_1/1.png", "HAM_images_part_2/2.png"], "are parts of one collection, not classes"),
        (
            [f"{v}/val/{c}/1.png" for v in ("original", "only_fg") for c in CLASSES],
            "holds several datasets with splits",
        ),
        (["cat/notes.txt"], "hold no images"),
    ],
)
def test_what_are_no_classes_is_refused_with_the_reason(tmp_path: Path, paths: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        guess_dataset(make(tmp_path, *paths))


def test_numbers_as_folders_are_read_as_text_and_it_is_said(tmp_path: Path) -> None:
    dataset = opened(make(tmp_path, *(f"{split}/{n}/1.png" for split in ("train", "val") for n in range(12))))
    assert dataset.class_names == tuple(sorted(map(str, range(12))))
    assert f"--classes {','.join(map(str, range(12)))}" in remarked(dataset)
    padded = opened(make(tmp_path / "padded", *(f"{n:02}/1.png" for n in range(12))))
    assert not padded.remarks  # 00, 01, ... sort as numbers do


@pytest.mark.parametrize(("first", "second"), [("Dog", "dog"), (" dog", "dog")])
def test_a_class_in_two_spellings_is_one(tmp_path: Path, first: str, second: str) -> None:
    dataset = opened(make(tmp_path, f"train/{first}/1.png", "train/cat/1.png", f"val/{second}/1.png", "val/cat/1.png"))
    assert (len(dataset.class_names), len(dataset.samples)) == (2, 4)
    assert "One class is spelled in 2 ways" in remarked(dataset)
    assert first.strip() in dataset.class_names
    assert "of 2 classes" in guess_dataset(tmp_path).description


def test_composed_and_decomposed_names_are_one_class(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "café") for form in ("NFC", "NFD")]
    dataset = opened(
        make(tmp_path, *(f"{s}/{c}/1.png" for s, n in zip(SPLITS, names, strict=False) for c in (n, "bar")))
    )
    assert len(dataset.class_names) == 2
    assert sorted(dataset.samples["label"].value_counts()) == [2, 2]


def test_every_ending_that_pillow_reads_is_read_and_others_are_counted(tmp_path: Path) -> None:
    kinds = {".jfif": "JPEG", ".pgm": "PPM", ".jp2": "JPEG2000", "": "PNG", ".TIFF": "TIFF", ".tga": "TGA"}
    for label in CLASSES:
        (tmp_path / label).mkdir()
        for number, (ending, kind) in enumerate(kinds.items()):
            mode = "L" if ending == ".pgm" else "RGB"
            Image.new(mode, (8, 8)).save(tmp_path / label / f"{number}{ending}", kind)
        (tmp_path / label / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
        (tmp_path / label / "README").write_text("words")
    dataset = opened(tmp_path)
    assert len(dataset.samples) == 2 * len(kinds)
    assert all(dataset.open_image(row).size == (8, 8) for row in range(len(dataset.samples)))
    assert "2 files are passed over, as Pillow does not read them: 2 .heic" in remarked(dataset)
    assert any("pillow-heif" in remark.fix for remark in dataset.remarks)


def test_pipes_loops_links_and_names_that_are_no_text_are_left_alone(tmp_path: Path) -> None:
    root = make(tmp_path / "data", "cat/1.png", "dog/1.png")
    outside = make(tmp_path / "outside", "fox/1.png")
    os.mkfifo(root / "cat" / "pipe.png")
    (root / "cat" / "loop.png").symlink_to("loop.png")
    (root / "loop").symlink_to("loop")
    (root / "fox").symlink_to(outside / "fox")
    (root / "dog" / "again").symlink_to("..")
    with open(os.fsencode(root / "dog") + b"/caf\xe9.png", "wb") as file:
        file.write((root / "dog" / "1.png").read_bytes())
    dataset = opened(root)
    assert (dataset.class_names, len(dataset.samples)) == (CLASSES, 2)
    text = remarked(dataset)
    assert "3 entries are passed over" in text
    assert "1 folders are links and are not followed: fox" in text
    assert "1 folders are links and are not followed: again" in text
    text.encode()  # what is not text on disk is escaped
