"""Tables beside images: separators, encodings, tables that are not read, and where the images of a table lie."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from neurontune_core.datasets import open_dataset
from neurontune_core.datasets.base import Dataset
from neurontune_core.datasets.guess import guess_dataset
from neurontune_core.errors import InputError
from neurontune_core.preflight.request import Request

NAMES = [f"{number}.png" for number in range(12)]
ROWS = [
    ("filename", "label", "split"),
    *((n, ("cat", "dog")[i % 2], ("train", "val")[i // 6]) for i, n in enumerate(NAMES)),
]


def pictures(folder: Path, names: list[str] = NAMES, red: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.new("RGB", (4, 4), (red, 0, 0)).save(folder / name, "PNG")


def written(separator: str, rows: list[tuple[str, ...]] = ROWS) -> str:
    return "\n".join(separator.join(row) for row in rows) + "\n"


def opened(path: Path) -> Dataset:
    return open_dataset(guess_dataset(path).spec, ".")


def there(dataset: Dataset) -> int:
    return sum((dataset.root / source).is_file() for source in dataset.samples["source"])


def remarked(dataset: Dataset) -> str:
    return " ".join(f"[{remark.level}] {remark.sentence} {remark.flags}" for remark in dataset.remarks)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-mark", "cp1252"])
def test_separator_and_encoding_of_a_table_are_found(tmp_path: Path, separator: str, encoding: str) -> None:
    pictures(tmp_path / "images")
    rows = [ROWS[0], *((name, label.replace("dog", "vögel"), split) for name, label, split in ROWS[1:])]
    data = written(separator, rows).encode(encoding.removesuffix("-mark"))
    (tmp_path / "meta.csv").write_bytes(b"\xff\xfe" + data if encoding.endswith("mark") else data)
    for path in (tmp_path, tmp_path / "meta.csv"):
        dataset = opened(path)
        assert (dataset.class_names, dataset.splits, there(dataset)) == (("cat", "vögel"), ("train", "val"), 12)


def test_a_separator_inside_quotes_is_a_letter(tmp_path: Path) -> None:
    lines = [
        "id;text;label;a;b;c;d;e;f;g",
        *(f'{n};"one, two; three";{("x", "y")[n % 2]};1,5;2;3;4;5;6;7' for n in range(8)),
    ]
    (tmp_path / "export.csv").write_text("\n".join(lines))
    dataset = opened(tmp_path / "export.csv")
    assert (len(dataset.samples), dataset.class_names, dataset.open_text(0)) == (8, ("x", "y"), "one, two; three")


@pytest.mark.parametrize(
    ("name", "content"), [("meta.xlsx", b"PK\3\4"), ("meta.json", json.dumps([{"a": 1}]).encode())]
)
def test_a_table_that_is_not_read_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    pictures(tmp_path / "one" / "images")
    (tmp_path / "one" / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"one class, and {name} is no table"):
        guess_dataset(tmp_path / "one")
    for label in ("cat", "dog"):
        pictures(tmp_path / "two" / label)
    (tmp_path / "two" / name).write_bytes(content)
    assert f"[warning] {name} lies beside the images and is not used" in remarked(opened(tmp_path / "two"))


def test_a_table_whose_columns_say_nothing_is_named_with_its_columns(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        pictures(tmp_path / label)
    (tmp_path / "sizes.csv").write_text("height,width\n1,2\n3,4\n")
    dataset = opened(tmp_path)
    assert "[warning] sizes.csv lies beside the images and is not used" in remarked(dataset)
    assert "(its columns are height, width)" in remarked(dataset)


def test_where_two_folders_have_the_same_names_both_are_named_and_a_flag_chooses(tmp_path: Path) -> None:
    pictures(tmp_path / "images", red=200)
    pictures(tmp_path / "annotated", red=10)
    (tmp_path / "meta.csv").write_text(written(","))
    dataset = opened(tmp_path)
    assert dataset.open_image(0).getpixel((0, 0)) == (200, 0, 0)
    assert "[warning] 2 folders have files of the table's names; the images of images are read" in remarked(dataset)
    assert "--images annotated" in remarked(dataset)
    other = open_dataset(Request(str(tmp_path), images="annotated").dataset().spec, ".")
    assert other.open_image(0).getpixel((0, 0)) == (10, 0, 0)


def test_a_first_image_that_is_missing_does_not_hide_the_folder(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(40)]
    pictures(tmp_path / "images", names[1:])
    (tmp_path / "meta.csv").write_text("path,label\n" + "".join(f"{n},{i % 2}\n" for i, n in enumerate(names)))
    assert there(opened(tmp_path)) == 39


def test_images_in_several_parts_under_ids_without_endings_are_found(tmp_path: Path) -> None:
    for part in (0, 1):
        pictures(tmp_path / f"images_part_{part + 1}", [f"ISIC_{n}.jpg" for n in range(part * 6, part * 6 + 6)])
    lines = ["lesion_id,image_id,dx,age", *(f"HAM_{n},ISIC_{n},{('nv', 'mel', 'bkl')[n % 3]},50" for n in range(12))]
    (tmp_path / "metadata.csv").write_text("\n".join(lines))
    dataset = opened(tmp_path)
    assert (dataset.class_names, there(dataset)) == (("bkl", "mel", "nv"), 12)
    assert [Path(source).stem for source in dataset.samples["source"]] == [f"ISIC_{n}" for n in range(12)]
    assert "from 2 folders" in remarked(dataset)


@pytest.mark.parametrize(
    "change", [str.upper, lambda name: name.replace(".png", ".PNG"), lambda name: name.replace("png", "jpeg")]
)
def test_names_that_differ_in_case_or_ending_are_found(tmp_path: Path, change) -> None:  # type: ignore[no-untyped-def]
    names = [f"a{name}" for name in NAMES]
    pictures(tmp_path / "images", [change(name) for name in names])
    (tmp_path / "meta.csv").write_text("path,label\n" + "".join(f"{n},{i % 2}\n" for i, n in enumerate(names)))
    dataset = opened(tmp_path)
    assert there(dataset) == 12
    assert "under other endings or in another case" in remarked(dataset)


def test_absolute_paths_into_the_folder_and_paths_from_the_tables_own_folder_are_read(tmp_path: Path) -> None:
    pictures(tmp_path / "images")
    (tmp_path / "meta").mkdir()
    for path, prefix in (("meta.csv", f"{tmp_path}/images/"), ("meta/meta.csv", "../images/")):
        (tmp_path / path).write_text("path,label\n" + "".join(f"{prefix}{n},{i % 2}\n" for i, n in enumerate(NAMES)))
        assert there(opened(tmp_path)) == 12
        (tmp_path / path).unlink()
    (tmp_path / "meta.csv").write_text("path,label\n/etc/1.png,0\n/etc/2.png,1\n")
    with pytest.raises(InputError, match="leads out of the dataset"):
        opened(tmp_path)


def test_an_image_in_two_splits_with_two_labels_is_named(tmp_path: Path) -> None:
    pictures(tmp_path)
    rows = [("filename", "label", "split"), ("1.png", "cat", "train"), ("1.png", "dog", "val"), ("2.png", "cat", "val")]
    (tmp_path / "meta.csv").write_text(written(",", rows))
    assert "1 images are in several splits and 1 have several labels, such as 1.png" in remarked(opened(tmp_path))
