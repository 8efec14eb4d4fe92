"""Labels as tables write them: what stands for nothing, one class in several spellings, scores, several labels, numbers
that do not count from 0, and columns that only look like splits."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neurontune_core.datasets import open_dataset
from neurontune_core.datasets.base import Dataset
from neurontune_core.datasets.guess import guess_dataset
from neurontune_core.errors import InputError
from neurontune_core.preflight.inspection import inspect_dataset
from neurontune_core.preflight.request import Request

SPLITS = ("train", "val", "test")


def table(folder: Path, labels: list[str], **columns: list[str]) -> Path:
    """Write a table of texts with these labels, in turn, over twelve rows."""
    columns = {"split": [SPLITS[row % 3] for row in range(12)]} | columns
    lines = [",".join(("text", "label", *columns))]
    for row in range(12):
        extra = [values[row % len(values)] for values in columns.values()]
        lines.append(",".join((f"text number {row}", f'"{labels[row % len(labels)]}"', *extra)))
    file = folder / "table.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def opened(file: Path, **changes: object) -> Dataset:
    return open_dataset(guess_dataset(file).spec | changes, ".")


def remarked(dataset: Dataset) -> str:
    return " ".join(remark.sentence for remark in dataset.remarks)


@pytest.mark.parametrize("word", ["NA", "NaN", "NULL", "N/A", "?", "nan", "None", "#N/A", "-nan"])
def test_words_for_nothing_are_no_class_and_the_first_row_is_named(tmp_path: Path, word: str) -> None:
    with pytest.raises(
        InputError, match=r'Row 3 of table.csv has no value in column "label" \(3 such rows: "'
    ) as raised:
        opened(table(tmp_path, ["cat", "dog", word, "cat"], split=["train"]))
    assert f'"{word}"' in str(raised.value)


def test_a_word_for_nothing_is_a_class_where_it_is_named_as_one(tmp_path: Path) -> None:
    dataset = opened(table(tmp_path, ["NA", "EU"]), class_names=["EU", "NA"])
    assert dataset.class_names == ("EU", "NA")
    assert dataset.samples["label"].tolist() == [1, 0] * 6


def test_a_split_without_labels_is_left_out_and_counted(tmp_path: Path) -> None:
    dataset = opened(table(tmp_path, ["cat", "dog", ""]))  # every third row is a test sample
    assert (dataset.splits, dataset.class_names) == (("train", "val"), ("cat", "dog"))
    assert 'Split "test" has no labels, so its 4 samples are left out.' in remarked(dataset)
    minus = opened(table(tmp_path, ["0", "1", "-1"]))
    assert (minus.splits, len(minus.samples)) == (("train", "val"), 8)


@pytest.mark.parametrize(
    "spellings",
    [
        ("True", "False", "TRUE", "true"),
        ("dog", "cat", "Dog", " dog"),
        ("caf\u00e9", "bar", unicodedata.normalize("NFD", "caf\u00e9"), "CAF\u00c9"),
        ("old  man", "young man", "old man", "Old man"),
    ],
)
def test_one_class_in_several_spellings_is_one_and_is_said(tmp_path: Path, spellings: tuple[str, ...]) -> None:
    dataset = opened(table(tmp_path, list(spellings)))
    assert len(dataset.class_names) == 2
    other = dataset.samples["label"].iat[1]
    assert dataset.samples["label"].tolist() == [other if row % 4 == 1 else 1 - other for row in range(12)]
    assert "One class is spelled in" in remarked(dataset)
    kept = opened(table(tmp_path, ["Polish", "polish"]), class_names=["Polish", "polish"])
    assert kept.class_names == ("Polish", "polish")  # a person may name both


def test_spellings_of_the_head_are_read_as_the_names_that_a_person_gives(tmp_path: Path) -> None:
    dataset = opened(table(tmp_path, ["Dog", "CAT"]), class_names=["cat", "dog"])
    assert (dataset.class_names, dataset.samples["label"].tolist()) == (("cat", "dog"), [1, 0] * 6)


@pytest.mark.parametrize("scores", [["0.0", "0.93", "0.5", "0.07"], ["0", "1e-3", "1"], [".5", "0", "-.5"]])
def test_scores_are_refused_until_a_threshold_cuts_them(tmp_path: Path, scores: list[str]) -> None:
    file = table(tmp_path, scores)
    with pytest.raises(InputError, match=r'Column "label" holds scores, not classes.*--label-threshold 0.5'):
        opened(file)
    dataset = opened(file, label_threshold=0.5)
    assert dataset.samples["label"].tolist() == [int(float(scores[row % len(scores)]) >= 0.5) for row in range(12)]
    assert "where column" in remarked(dataset)
    report = inspect_dataset(Request(str(file), label_threshold=0.5))
    assert report.data is not None
    assert report.data.class_names == ("class 0", "class 1")


@pytest.mark.parametrize(
    "cells", [["cat|dog", "dog", "cat"], ["cat;dog", "dog", "cat"], ["[0, 1]", "[0]"], ["cat, dog", "cat", "dog"]]
)
def test_several_labels_in_a_cell_are_refused(tmp_path: Path, cells: list[str]) -> None:
    with pytest.raises(InputError, match='names several classes in one cell, such as "'):
        opened(table(tmp_path, cells))


def test_a_comma_in_a_name_is_no_second_label(tmp_path: Path) -> None:
    assert opened(table(tmp_path, ["Hawk, red-tailed", "Owl, barn"])).class_names == ("Hawk, red-tailed", "Owl, barn")


@pytest.mark.parametrize(
    ("written", "classes", "labels"),
    [
        (["1", "2", "3"], ("class 1", "class 2", "class 3"), [0, 1, 2]),
        (["2.0", "1.0"], ("class 1", "class 2"), [1, 0]),
        (["0", "4"], ("class 0", "class 4"), [0, 1]),  # Sentiment140
        (["5", "1", "3"], ("class 1", "class 3", "class 5"), [2, 0, 1]),
        (["0", "2", "1"], ("class 0", "class 1", "class 2"), [0, 2, 1]),
        (["0", "1", "3"], ("class 0", "class 1", "class 2", "class 3"), [0, 1, 3]),  # one class is not in this part
        (["3", "700"], tuple(f"class {number}" for number in range(701)), [3, 700]),  # outputs of ImageNet
    ],
)
def test_numbers_that_count_from_one_or_leave_most_out_make_no_empty_classes(
    tmp_path: Path, written: list[str], classes: tuple[str, ...], labels: list[int]
) -> None:
    dataset = opened(table(tmp_path, written))
    assert dataset.class_names == classes
    assert dataset.samples["label"].tolist() == [labels[row % len(labels)] for row in range(12)]
    assert ("labels count from 1" in remarked(dataset)) == (classes[:2] == ("class 1", "class 2"))
    assert ("only" in remarked(dataset)) == ("4" in written or "5" in written)


def test_names_for_labels_from_one_number_them_from_one(tmp_path: Path) -> None:
    dataset = opened(table(tmp_path, ["1", "2", "3"]), class_names=["bkl", "mel", "nv"])
    assert dataset.samples["label"].tolist() == [0, 1, 2] * 4
    zero = opened(table(tmp_path, ["1", "2", "3"]), class_names=["background", "bkl", "mel", "nv"])
    assert zero.samples["label"].tolist() == [1, 2, 3] * 4


@pytest.mark.parametrize(
    ("column", "values", "splits", "sentence"),
    [
        ("fold", ["0", "1", "2", "3", "4"], ("",), 'Column "fold" is not read as the split: it holds 0, 1, 2, 3, 4'),
        ("fold", ["1", "2"], ("",), 'Column "fold" is not read as the split'),
        ("split", ["0", "1", "2", "3"], ("",), 'Column "split" is not read as the split'),
        ("split", ["0.0", "1.0", "2.0"], SPLITS, ""),
        ("fold", ["train", "valid", "test"], SPLITS, ""),
        ("split", ["train", "val", ""], ("train", "val"), '4 rows are left out, as column "split" calls them (blank)'),
    ],
)
def test_a_split_column_is_believed_by_its_values(
    tmp_path: Path, column: str, values: list[str], splits: tuple[str, ...], sentence: str
) -> None:
    file = tmp_path / "table.csv"
    rows = [f"text number {row},{('cat', 'dog')[row % 2]},{values[row % len(values)]}" for row in range(12)]
    file.write_text("\n".join((f"text,label,{column}", *rows)) + "\n")
    dataset = opened(file)
    assert dataset.splits == splits
    assert sentence in remarked(dataset)
    report = inspect_dataset(Request(str(file)))
    assert any(sentence in finding.sentence for finding in report.of("warning")) or not sentence


def test_rows_that_hugging_face_marks_as_unlabeled_are_counted(tmp_path: Path) -> None:
    feature = {"label": {"_type": "ClassLabel", "names": ["negative", "positive"]}, "sentence": {"_type": "Value"}}
    (tmp_path / "data").mkdir()
    for split, count in (("train", 12), ("test", 6)):
        labels = [-1 if split == "test" or row == 3 else row % 2 for row in range(count)]
        part = pa.table({"sentence": [f"text {row} of {split}" for row in range(count)], "label": labels})
        schema = {b"huggingface": json.dumps({"info": {"features": feature}}).encode()}
        pq.write_table(part.replace_schema_metadata(schema), tmp_path / f"data/{split}-00000-of-00001.parquet")
    dataset = open_dataset(guess_dataset(tmp_path).spec, ".")
    assert len(dataset.samples) == 11
    assert '7 rows without a label (test 6, train 1) are left out: "label" is -1 there.' in remarked(dataset)
