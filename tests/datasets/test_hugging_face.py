"""Hugging Face's layouts: imagefolder with metadata, save_to_disk folders, shards of the hub."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from neurontune_core.datasets import Dataset, guess_dataset, open_dataset
from neurontune_core.errors import InputError
from tests.support import image_layouts, layouts, text_layouts
from tests.support.layouts import PLAN, SPLITS


def opened(root: Path, **changes: object) -> Dataset:
    return open_dataset(guess_dataset(root).spec | changes, ".")


@pytest.mark.parametrize(("kind", "nested"), [("csv", False), ("jsonl", False), ("csv", True), ("jsonl", True)])
def test_imagefolder_metadata_gives_labels_groups_and_the_folders_splits(
    kind: str, nested: bool, tmp_path: Path
) -> None:
    data = opened(image_layouts.imagefolder(tmp_path, kind, nested), attribute_names=["green", "blue"])
    folders = ("train", "validation", "test")
    expected = {
        f"{folders[split]}/{number:04}.png": (label, SPLITS[split], 2 * label + cue)
        for number, (label, cue, split) in enumerate(PLAN)
    }
    result = data.samples.set_index("source")[["label", "split", "group"]]
    assert {name: tuple(row) for name, row in zip(result.index, result.to_numpy().tolist(), strict=True)} == expected


def test_imagefolder_paths_stay_inside(tmp_path: Path) -> None:
    image_layouts.imagefolder(tmp_path, nested=True)
    text = (tmp_path / "train" / "metadata.csv").read_text().replace("0001.png", "../../secret.png")
    (tmp_path / "train" / "metadata.csv").write_text(text)
    with pytest.raises(InputError, match="leads out of"):
        opened(tmp_path)


def test_a_saved_folder_gives_class_names_splits_and_shards_in_order(tmp_path: Path) -> None:
    data = opened(text_layouts.saved_texts(tmp_path))
    assert data.class_names == ("news", "clickbait")
    rows = [
        (row["headline"], label, SPLITS[split])
        for row, (label, _, split) in zip(text_layouts.text_rows(), PLAN, strict=True)
    ]
    result = data.samples[["text", "label", "split"]].itertuples(index=False, name=None)
    assert sorted(result) == sorted(rows)
    assert data.samples["source"].iat[8] == "train/data-00001-of-00002.arrow#0"


def test_one_saved_split_opens_too(tmp_path: Path) -> None:
    data = opened(text_layouts.saved_texts(tmp_path) / "train")
    assert (len(data.samples), data.splits, data.class_names) == (16, ("",), ("news", "clickbait"))


def test_pictures_come_out_of_their_shard(tmp_path: Path) -> None:
    data = opened(image_layouts.hub_pictures(tmp_path))
    assert data.class_names == ("cat", "dog")
    order = sorted(PLAN, key=lambda sample: sample[2])
    assert sorted(data.samples["split"]) == sorted(SPLITS[split] for _, _, split in PLAN)
    for split in SPLITS:
        expected = [(label, cue) for label, cue, place in order if SPLITS[place] == split]
        for row, (label, cue) in zip(data.rows(split).index, expected, strict=True):
            layouts.picture(file := BytesIO(), label, cue)
            assert data.samples["label"].iat[row] == label
            assert data.open_image(int(row)).tobytes() == Image.open(file).convert("RGB").tobytes()
    with pytest.raises(InputError, match="is not in"):
        data.open_source("data/train-00000-of-00001.parquet#16")
    with pytest.raises(InputError, match="leads out of"):
        data.open_source("../train.parquet#0")
    for name, content in (("gone.parquet", None), ("broken.parquet", b"PAR1")):
        if content:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"shard .*{name} cannot be read"):
            data.open_source(f"{name}#0")


def write_pictures(path: Path, cells: list[dict], labels: list[int], column: str = "img") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    pq.write_table(pa.table({column: pa.array(cells, kind), "label": labels}), path)


def test_pictures_beside_a_shard_are_opened_inside_the_folder_alone(tmp_path: Path) -> None:
    layouts.picture(tmp_path / "beside.png")
    cells = [{"bytes": None, "path": path} for path in ("beside.png", "/etc/passwd", "../secret.png", None)] + [
        {"bytes": b"no image", "path": None}
    ]
    write_pictures(tmp_path / "train.parquet", cells, [0, 1, 0, 1, 0])
    data = opened(tmp_path)
    assert data.open_image(0).size == (24, 24)
    for row, message in ((1, "leads out of"), (2, "leads out of"), (3, "is empty"), (4, "cannot be read")):
        with pytest.raises(InputError, match=message):
            data.open_image(row)


def test_unlabeled_rows_of_a_classlabel_are_left_out(tmp_path: Path) -> None:
    features = {"text": {"_type": "Value"}, "label": {"_type": "ClassLabel", "names": ["a", "b"]}}
    for name, labels in (("train", [1, 0, 1]), ("test", [-1, -1, -1])):
        content = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
        table = pa.table({"text": [f"{name} {n}" for n in range(3)], "label": labels}).replace_schema_metadata(content)
        pq.write_table(table, tmp_path / f"{name}.parquet")
    data = opened(tmp_path)
    assert data.samples["text"].tolist() == ["train 0", "train 1", "train 2"]
    assert [data.class_names[label] for label in data.samples["label"]] == ["b", "a", "b"]
    with pytest.raises(InputError, match="no labeled rows"):
        opened(tmp_path / "test.parquet")


def test_damaged_folders_are_refused_in_a_sentence(tmp_path: Path) -> None:
    text_layouts.saved_texts(tmp_path)
    shard = tmp_path / "train" / "data-00000-of-00002.arrow"
    whole = shard.read_bytes()
    spec = guess_dataset(tmp_path).spec
    shard.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"shard .*data-00000-of-00002.arrow cannot be read"):
        open_dataset(spec, ".")
    shard.write_bytes(b"")
    with pytest.raises(InputError, match=r"shard .* cannot be read"):
        open_dataset(spec, ".")
    (tmp_path / "train" / "state.json").write_text('{"_data_files": [{"filename": "../../x.arrow"}]}')
    with pytest.raises(InputError, match="leads out of"):
        guess_dataset(tmp_path)
    (tmp_path / "dataset_dict.json").write_text("[]")
    with pytest.raises(InputError, match="lists no splits"):
        guess_dataset(tmp_path)


def test_a_wrong_column_of_a_shard_names_those_there_are(tmp_path: Path) -> None:
    spec = guess_dataset(image_layouts.hub_pictures(tmp_path)).spec
    for role in ("label", "path"):
        with pytest.raises(InputError, match=rf"no column \"y\" for the {role}; it has \['label', .*'image'\]"):
            open_dataset(spec | {"columns": {role: "y"}}, ".")
