"""The column that says which samples differ in the attribute alone: read, guessed, named, carried to the vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurontune_core import InputError
from neurontune_core.datasets import guess_dataset, open_dataset
from neurontune_core.evaluation.pairs import find_pairs
from neurontune_core.extraction.import_embeddings import read_embeddings
from neurontune_core.preflight.inspection import inspect_dataset
from neurontune_core.preflight.report import Report
from neurontune_core.preflight.request import Request
from tests.support import image_layouts

ROWS = [
    {"text": f"sentence {number} of {split}", "y": label, "split": split, "a": tag, "pair": f"{split} {label}"}
    for number, (split, label, tag) in enumerate(
        (split, label, tag) for split in ("train", "val", "test") for label in (0, 1) for tag in (0, 1)
    )
]
NAMES = [row["pair"] for row in ROWS]


def write(folder: Path, pairs: list[str], name: str = "pair", **columns: list) -> Path:
    table = pd.DataFrame(ROWS).drop(columns="pair").assign(**{name: pairs}, **columns)
    table.to_csv(folder / "t.csv", index=False)
    return folder / "t.csv"


@pytest.mark.parametrize("name", ["pair", "Pair_ID", "counterfactual_id"])
def test_the_column_is_found_by_its_name_and_an_empty_cell_is_no_pair(tmp_path: Path, name: str) -> None:
    guess = guess_dataset(write(tmp_path, ["", "nan", *NAMES[2:]], name))
    assert guess.spec["columns"]["pair"] == name
    assert f'pair from "{name}"' in guess.description
    assert open_dataset(guess.spec, ".").samples["pair"].tolist() == [None, None, *NAMES[2:]]


def test_another_column_can_be_named_and_none_can_be_asked_for(tmp_path: Path) -> None:
    file = write(tmp_path, NAMES, twin=[f"twin {number // 2}" for number in range(len(ROWS))])
    named = guess_dataset(file, {"pair": "twin"})
    assert open_dataset(named.spec, ".").samples["pair"].tolist()[:3] == ["twin 0", "twin 0", "twin 1"]
    assert "pair" not in open_dataset(guess_dataset(file, {"pair": None}).spec, ".").samples
    with pytest.raises(InputError, match='no column "wife" for the pair'):
        open_dataset(named.spec | {"columns": {"pair": "wife"}}, ".")


def test_a_list_of_images_has_pairs_too_and_a_split_that_is_left_out_takes_its_rows_along(tmp_path: Path) -> None:
    image_layouts.subpopbench(tmp_path)
    file = tmp_path / "metadata_metashift.csv"
    table = pd.read_csv(file)
    table.assign(pair=[f"p{number // 2}" for number in range(len(table))]).to_csv(file, index=False)
    spec = guess_dataset(file).spec
    samples = open_dataset(spec, ".").samples
    assert samples["pair"].tolist() == [f"p{number // 2}" for number in range(len(table))]
    fewer = open_dataset(spec | {"splits": {str(table["split"].iat[0]): None}}, ".").samples
    kept = table["split"] != table["split"].iat[0]
    assert fewer["pair"].tolist() == [f"p{number // 2}" for number in np.flatnonzero(kept)]


def report_on(file: Path, **columns: str) -> Report:
    return inspect_dataset(Request(str(file), columns=columns), file.parent)


def about_pairs(report: Report) -> list[tuple[str, str]]:
    return [(each.level, each.sentence) for each in report.findings if "pair" in each.sentence]


def test_whole_pairs_need_no_remark(tmp_path: Path) -> None:
    report = report_on(write(tmp_path, NAMES))
    assert report.data is not None
    assert report.data.columns["pair"] == "pair"
    assert about_pairs(report) == []


@pytest.mark.parametrize(
    ("place", "name", "sentence"),
    [
        (0, "lonely", "5 pairs .* 2 are the only one of their pair in their split"),
        (2, "train 0", "4 pairs .*1 are the only one .* 3 share a pair with two or more others"),
        (0, "val 0", "4 pairs .*1 are the only one .* 3 share a pair"),
    ],
)
def test_samples_that_form_no_pair_are_counted(tmp_path: Path, place: int, name: str, sentence: str) -> None:
    pairs = list(NAMES)
    pairs[place] = name
    if name == "val 0":  # the third member is in another split, where it is alone
        sentence = "5 pairs .*2 are the only one of their pair in their split"
    ((level, remark),) = about_pairs(report_on(write(tmp_path, pairs)))
    assert level == "note"
    pd.testing.assert_series_equal(pd.Series([remark]).str.contains(sentence, regex=True), pd.Series([True]))


def test_pairs_across_classes_or_with_one_attribute_are_counted(tmp_path: Path) -> None:
    crossed = list(NAMES)
    crossed[1], crossed[2] = crossed[2], crossed[1]  # train: (class 0, class 1) twice
    ((level, remark),) = about_pairs(report_on(write(tmp_path, crossed)))
    assert level == "note"
    assert "4 pairs" in remark
    assert "4 have another class than the other one of their pair" in remark
    same = write(tmp_path, NAMES, a=[1 if number == 0 else row["a"] for number, row in enumerate(ROWS)])
    ((_, remark),) = about_pairs(report_on(same))
    assert "2 have the same attribute as the other one of their pair" in remark


def test_a_column_that_forms_no_pair_at_all_is_a_warning_and_can_be_dropped(tmp_path: Path) -> None:
    file = write(tmp_path, [str(number) for number in range(len(ROWS))])
    ((level, remark),) = about_pairs(report_on(file))
    assert level == "warning"
    assert 'Column "pair" forms no pair' in remark
    assert "12 are the only one of their pair" in remark
    assert about_pairs(report_on(file, pair="")) == []


def test_pairs_without_an_attribute_are_remarked(tmp_path: Path) -> None:
    ((level, remark),) = about_pairs(report_on(write(tmp_path, NAMES), attribute=""))
    assert level == "note"
    assert 'pairs in column "pair" say nothing without the attribute' in remark


def test_ready_made_vectors_may_have_pairs(tmp_path: Path) -> None:
    arrays = {"x": np.eye(4, dtype=np.float32), "y": np.array([0, 0, 1, 1]), "a": np.array([1, 0, 0, 1])}
    np.savez(tmp_path / "v.npz", **arrays, pair=np.array(["p", "p", "", "q"]))
    imported = read_embeddings(tmp_path / "v.npz")
    assert imported.pairs is not None
    assert imported.pairs.tolist() == ["p", "p", None, "q"]
    pairs = find_pairs(imported)
    assert (pairs.without.tolist(), pairs.with_attribute.tolist()) == ([1], [0])
    np.savez(tmp_path / "w.npz", **arrays, twins=np.array([b"p", b"p", b"r", b"r"]))
    named = read_embeddings(tmp_path / "w.npz", names={"pairs": "twins"})
    assert named.pairs is not None
    assert named.pairs.tolist() == ["p", "p", "r", "r"]
    np.savez(tmp_path / "short.npz", **arrays, pair=np.array(["p"]))
    with pytest.raises(InputError, match="Expected 4 pairs, one per embedding"):
        read_embeddings(tmp_path / "short.npz")
