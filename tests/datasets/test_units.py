"""The column that says which samples belong together: found by its name, named by hand, checked, held together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurontune_core.datasets import guess_dataset, open_dataset
from neurontune_core.datasets.hold_out import held_out
from neurontune_core.errors import InputError
from neurontune_core.extraction.import_embeddings import read_embeddings
from neurontune_core.preflight.inspection import inspect_dataset
from neurontune_core.preflight.request import Request


def write(folder: Path, name: str, patients: list[str], split: bool = True) -> Path:
    rows = len(patients)
    table = pd.DataFrame(
        {
            "text": [f"scan number {row} of the day" for row in range(rows)],
            "y": [("healthy", "ill")[int(patient[1:] or 0) % 2] if patient else "ill" for patient in patients],
            name: patients,
        }
    )
    if split:
        table["split"] = [("train", "val", "test")[int(patient[1:] or 0) // 2 % 3] for patient in patients]
    file = folder / "scans.csv"
    table.to_csv(file, index=False)
    return file


PATIENTS = [f"p{number // 3}" for number in range(72)]


@pytest.mark.parametrize("name", ["unit", "Patient_ID", "video"])
def test_the_column_is_found_by_its_name(tmp_path: Path, name: str) -> None:
    guess = guess_dataset(write(tmp_path, name, PATIENTS))
    assert guess.spec["columns"]["unit"] == name
    assert open_dataset(guess.spec, ".").samples["unit"].tolist() == PATIENTS


def test_the_column_can_be_named_and_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "who", PATIENTS)
    assert "unit" not in open_dataset(guess_dataset(file).spec, ".").samples
    named = guess_dataset(file, {"unit": "who"})
    assert open_dataset(named.spec, ".").samples["unit"].tolist() == PATIENTS
    file = write(tmp_path, "patient", PATIENTS)
    assert "unit" not in open_dataset(guess_dataset(file, {"unit": None}).spec, ".").samples


def test_arrays_bring_units_too(tmp_path: Path) -> None:
    np.savez(tmp_path / "scans.npz", x=np.eye(4), y=[0, 0, 1, 1], patient=["a", "a", "b", "b"])
    assert read_embeddings(tmp_path / "scans.npz").unit_numbers.tolist() == [0, 0, 1, 1]


def findings(file: Path, **columns: str) -> list[tuple[str, str]]:
    report = inspect_dataset(Request(str(file), "random", columns=columns, family="minilm"))
    return [(each.level, each.sentence) for each in report.findings if "unit" in each.sentence]


def test_an_inspection_counts_units_and_warns_of_those_in_several_splits(tmp_path: Path) -> None:
    (level, sentence), (_, few) = findings(write(tmp_path, "patient", PATIENTS))
    assert level == "note"
    assert 'column "patient" belong together (24 units)' in sentence
    assert 'Few units stand behind the samples (4 of class "healthy" in train' in few
    table = pd.read_csv(tmp_path / "scans.csv")
    table.loc[0, "split"] = "test"
    table.to_csv(tmp_path / "scans.csv", index=False)
    level, sentence = findings(tmp_path / "scans.csv")[0]
    assert level == "warning"
    assert '1 of 24 units in column "patient" have samples in several splits, such as "p0"' in sentence


def test_a_held_out_part_takes_whole_units(tmp_path: Path) -> None:
    dataset = open_dataset(guess_dataset(write(tmp_path, "patient", PATIENTS, split=False)).spec, ".")
    samples = held_out(dataset, {"share": 0.25, "seed": 1}).samples
    assert (samples.groupby("unit")["split"].nunique() == 1).all()
    counts = samples.groupby(["split", "label"]).size()
    assert [int(counts[split, label]) for split in ("train", "val", "test") for label in (0, 1)] == [18, 18, 9, 9, 9, 9]


def test_two_units_are_too_few_to_hold_out_two_splits(tmp_path: Path) -> None:
    dataset = open_dataset(
        guess_dataset(write(tmp_path, "patient", ["p0", "p0", "p1", "p1"] * 3, split=False)).spec, "."
    )
    with pytest.raises(InputError, match='Class "healthy" has 1 units of samples that belong together'):
        held_out(dataset, {})
