"""Datasets on disk: what is read, what is guessed, and what is refused."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from neurontune_core.datasets import guess_dataset, open_dataset
from neurontune_core.datasets.base import split_name
from neurontune_core.errors import InputError


def picture(path: Path, color: str = "red", size: tuple[int, int] = (8, 6)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)
    return path


def table(root: Path, rows: list[dict], name: str = "metadata.csv") -> Path:
    for row in rows:
        picture(root / str(row["filename"]))
    pd.DataFrame(rows).to_csv(root / name, index=False)
    return root


BIRDS = [
    {"filename": "a.png", "y": 0, "split": 0, "place": 0},
    {"filename": "b.png", "y": 0, "split": 1, "place": 1},
    {"filename": "sub/c.png", "y": 1, "split": 2, "place": 0},
    {"filename": "d.png", "y": 1, "split": 0, "place": 1},
]
TABLE = {"format": "image_table"}


def test_a_table_gives_labels_splits_and_groups_numbered_label_by_label(tmp_path: Path) -> None:
    spec = TABLE | {"class_names": ["land", "water"], "attribute_names": ["forest", "sea"]}
    data = open_dataset(spec, table(tmp_path, BIRDS))
    assert data.samples["label"].tolist() == [0, 0, 1, 1]
    assert data.samples["split"].tolist() == ["train", "val", "test", "train"]
    assert data.samples["group"].tolist() == [row["y"] * 2 + row["place"] for row in BIRDS]
    assert data.group_names == ("land, forest", "land, sea", "water, forest", "water, sea")
    assert data.splits == ("train", "val", "test")
    assert data.rows("train")["source"].tolist() == ["a.png", "d.png"]
    assert data.open_image(2).size == (8, 6)


def test_labels_and_attributes_may_be_names(tmp_path: Path) -> None:
    rows = [
        {"filename": f"{n}.png", "label": label, "a": a}
        for n, (label, a) in enumerate([("cow", "sea"), ("ant", "sky")])
    ]
    data = open_dataset(TABLE, table(tmp_path, rows))
    assert (data.class_names, data.samples["label"].tolist()) == (("ant", "cow"), [1, 0])
    assert data.samples["group"].tolist() == [2, 1]
    assert data.group_names[2] == "cow, sea"
    ordered = open_dataset(TABLE | {"class_names": ["cow", "ant"]}, tmp_path)
    assert ordered.samples["label"].tolist() == [0, 1]


def test_celeba_writes_minus_one_and_one(tmp_path: Path) -> None:
    rows = [{"filename": "a.png", "Blond_Hair": -1, "Male": 1}, {"filename": "b.png", "Blond_Hair": 1, "Male": -1}]
    columns = {"label": "Blond_Hair", "attribute": "Male"}
    data = open_dataset(TABLE | {"columns": columns}, table(tmp_path, rows))
    assert data.samples["label"].tolist() == [0, 1]
    assert data.samples["group"].tolist() == [1, 2]


def test_the_real_waterbirds_table_has_its_published_group_counts(shared_data: Path, tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_bytes((shared_data / "waterbirds_meta" / "metadata.csv").read_bytes())
    first = pd.read_csv(tmp_path / "metadata.csv")["img_filename"].iat[0]
    picture(tmp_path / first)
    guess = guess_dataset(tmp_path)
    assert guess.spec["columns"] == {"path": "img_filename", "label": "y", "split": "split", "attribute": "place"}
    assert "11,788 images" in guess.description
    data = open_dataset(guess.spec, ".")
    assert Counter(data.rows("train")["group"]) == {0: 3498, 1: 184, 2: 56, 3: 1057}


def test_pictures_in_a_folder_beside_the_table_are_found(shared_data: Path) -> None:
    guess = guess_dataset(shared_data / "waterbirds_style")
    assert guess.spec["images"] == "images"
    data = open_dataset(guess.spec, ".")
    assert {split: len(data.rows(split)) for split in data.splits} == {"train": 1170, "val": 176, "test": 596}
    assert data.open_image(0).mode == "RGB"


def test_class_folders_are_classes_in_sorted_order(shared_data: Path) -> None:
    guess = guess_dataset(shared_data / "cifar_resnet" / "test_jpg")
    assert guess.spec["format"] == "image_folder"
    assert "500 images of 10 classes" in guess.description
    data = open_dataset(guess.spec, ".")
    assert data.class_names[:3] == ("airplane", "automobile", "bird")
    assert Counter(data.samples["label"]) == dict.fromkeys(range(10), 50)
    assert data.splits == ("",)


def test_split_folders_are_splits(tmp_path: Path) -> None:
    for path in ("train/cat/1.png", "train/dog/x/2.PNG", "valid/cat/3.jpg", "test/dog/4.png", "test/dog/notes.txt"):
        picture(tmp_path / path) if not path.endswith("txt") else (tmp_path / path).write_text("no image")
    data = open_dataset({"format": "image_folder", "root": str(tmp_path)}, "/")
    assert data.samples[["source", "label", "split"]].values.tolist() == [
        ["test/dog/4.png", 1, "test"],
        ["train/cat/1.png", 0, "train"],
        ["train/dog/x/2.PNG", 1, "train"],
        ["valid/cat/3.jpg", 0, "val"],
    ]


@pytest.mark.parametrize(
    ("written", "meant"), [("0", "train"), ("1", "val"), ("2", "test"), ("Validation", "val"), (" dev ", "val")]
)
def test_split_names_are_normalized(written: str, meant: str) -> None:
    assert split_name(written) == meant


def test_an_unknown_split_is_quoted() -> None:
    with pytest.raises(InputError, match='"holdout" is not known'):
        split_name("holdout")


@pytest.mark.parametrize(
    "source", ["../secret.png", "/etc/secret.png", "a/../../secret.png", "..\\secret.png", "C:\\a.png", ""]
)
def test_paths_that_leave_the_folder_are_refused(tmp_path: Path, source: str) -> None:
    root = table(tmp_path / "data", BIRDS)
    rows = [*BIRDS, {"filename": source, "y": 0, "split": 0, "place": 0}]
    pd.DataFrame(rows).to_csv(root / "metadata.csv", index=False)
    with pytest.raises(InputError, match="leads out of"):
        open_dataset(TABLE, root)


def test_a_link_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    root = table(tmp_path / "data", BIRDS)
    picture(tmp_path / "secret.png")
    (root / "a.png").unlink()
    os.symlink(tmp_path / "secret.png", root / "a.png")
    with pytest.raises(InputError, match=r'"a.png" leads out of .* through a link'):
        open_dataset(TABLE, root).open_image(0)


def test_a_table_outside_the_folder_is_refused(tmp_path: Path) -> None:
    table(tmp_path, BIRDS)
    (tmp_path / "data").mkdir()
    with pytest.raises(InputError, match="leads out of"):
        open_dataset(TABLE | {"root": "data", "table": "../metadata.csv"}, tmp_path)


@pytest.mark.parametrize(
    ("change", "spec", "message"),
    [
        ({"y": 5}, {"class_names": ["land", "water"]}, r'5 in row 4 of column "y" is not a number of 0..1'),
        ({"y": "fish"}, {"class_names": ["land", "water"]}, r'"0" in row 1 of column "y" is not one of'),
        ({"y": ""}, {}, r'Row 4 has no value in column "y"'),
        ({"split": "later"}, {}, r'split "later" is not known'),
        ({}, {"columns": {"label": "species"}}, r'no column "species" for the label; it has .*filename.*place'),
        ({}, {"columns": {"color": "y"}}, r'columns has "color"'),
        ({}, {"table": "list.csv"}, r"There is no table .*list.csv"),
        ({}, {"format": "hdf"}, r'format "hdf" is not known; use one of image_folder, image_table'),
        ({}, {"root": "birds"}, r"There is no folder .*birds"),
        ({}, {"images": "elsewhere"}, r"None of the images .* the first being \"elsewhere/a.png\""),
    ],
)
def test_what_does_not_fit_is_said(tmp_path: Path, change: dict, spec: dict, message: str) -> None:
    root = table(tmp_path, [*BIRDS[:3], BIRDS[3] | change])
    with pytest.raises(InputError, match=message):
        open_dataset(TABLE | spec, root)


def test_a_table_without_a_known_label_column_names_what_it_has(tmp_path: Path) -> None:
    table(tmp_path, [{"filename": "a.png", "species": 3}])
    with pytest.raises(
        InputError, match=r"looks like the label; name it in columns.label, one of \['filename', 'species'\]"
    ):
        open_dataset(TABLE, tmp_path)


def test_a_missing_and_a_broken_picture_are_named(tmp_path: Path) -> None:
    data = open_dataset(TABLE, table(tmp_path, BIRDS))
    (tmp_path / "a.png").unlink()
    (tmp_path / "b.png").write_bytes(b"not an image")
    with pytest.raises(InputError, match=r'"a.png" is not in'):
        data.open_image(0)
    with pytest.raises(InputError, match=r'"b.png" cannot be read'):
        data.open_image(1)


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    data = open_dataset(TABLE, table(tmp_path, [{"filename": "a.jpg", "y": 0}]))
    sideways = Image.new("RGB", (8, 4))
    exif = sideways.getexif()
    exif[0x0112] = 6  # rotate by 90 degrees to see it
    sideways.save(tmp_path / "a.jpg", exif=exif)
    assert data.open_image(0).size == (4, 8)


def test_a_folder_with_nothing_in_it_is_neither(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no folders"):
        guess_dataset(tmp_path)
    with pytest.raises(InputError, match="There is no folder"):
        guess_dataset(tmp_path / "nowhere")
