"""Which classes a model's outputs stand for, where either side has names and where none has."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from neurontune_core.datasets import open_dataset
from neurontune_core.extraction.pairing import Pairing, pair


def paired(root: Path, labels: list[str], outputs: int, names: tuple[str, ...] = (), *, folders: bool) -> Pairing:
    """Return the pairing of a model of so many outputs with a sample of each label, named by a folder or in a table."""
    rows = ["filename,y"]
    for number, label in enumerate(labels):
        file = (root / label if folders else root / "images") / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(file)
        rows.append(f"{file.relative_to(root).as_posix()},{label}")
    (root / "metadata.csv").write_text("\n".join(rows))
    spec = {"format": "image_folder" if folders else "image_table", "root": str(root)}
    loading = SimpleNamespace(class_names=names, trained_head=True)
    model: Any = SimpleNamespace(modality="text", num_classes=outputs, loading=loading)  # so that no input is settled
    return pair(model, open_dataset(spec, root), {}, spec, root)


def test_numbers_that_reach_over_half_of_the_outputs_are_numbers_of_outputs(tmp_path: Path) -> None:
    result = paired(tmp_path, [str(label) for label in range(8)], 10, folders=False)
    assert result.dataset.class_names == tuple(f"class {index}" for index in range(10))
    assert result.dataset.samples["label"].tolist() == list(range(8))
    assert result.dataset_spec["class_names"] == list(result.dataset.class_names)
    assert "numbers up to 7" in result.remarks[0]


@pytest.mark.parametrize(("labels", "outputs"), [(["0", "1"], 1000), (["0", "1", "2", "3", "4"], 10), (["0", "1"], 2)])
def test_other_numbers_are_classes_of_their_own(tmp_path: Path, labels: list[str], outputs: int) -> None:
    result = paired(tmp_path, labels, outputs, folders=False)
    assert result.dataset.class_names == tuple(f"class {label}" for label in labels)
    assert (result.remarks, result.names_differ) == ((), False)


def test_folders_with_numbers_in_their_names_keep_the_order_in_which_training_sorts_them(tmp_path: Path) -> None:
    names = [f"class {number}" for number in range(11)]
    result = paired(tmp_path, names, 11, folders=True)
    assert result.dataset.class_names == tuple(sorted(names))  # "class 10" before "class 2"
    assert result.remarks == ()


def test_names_on_both_sides_give_the_models_order_and_other_names_are_noticed(tmp_path: Path) -> None:
    result = paired(tmp_path / "a", ["cat", "dog", "gray_wolf"], 3, ("Gray wolf", "cat", "DOG"), folders=True)
    assert result.dataset.class_names == ("gray_wolf", "cat", "dog")
    assert result.dataset.samples["label"].tolist() == [1, 2, 0]
    assert not result.names_differ
    other = paired(tmp_path / "b", ["cat", "dog"], 2, ("cat", "horse"), folders=True)
    assert other.dataset.class_names == ("cat", "dog")
    assert other.names_differ
