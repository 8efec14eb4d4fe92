"""What differs from one disk or editor to another does not change a dataset: the order of files, a byte order mark."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from neurontune_core.datasets import files_below
from neurontune_core.datasets.tables import read_table


def test_images_are_listed_in_sorted_order_whatever_order_the_disk_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["10.png", "2.png", "a.PNG", "b/1.png", "b/0.jpg"]
    for name in [*names, "notes.txt", ".hidden.png"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    scan = os.scandir

    @contextmanager
    def unsorted(folder: Path) -> Iterator[Iterator[os.DirEntry[str]]]:
        with scan(folder) as entries:
            yield iter(sorted(entries, key=lambda entry: entry.name, reverse=True))

    monkeypatch.setattr(files_below.os, "scandir", unsorted)
    listed = [path.relative_to(tmp_path).as_posix() for path in files_below.image_files(tmp_path)]
    assert listed == ["10.png", "2.png", "a.PNG", "b/0.jpg", "b/1.png"]


@pytest.mark.parametrize("ending", ["csv", "tsv"])
@pytest.mark.parametrize("header", [True, False])
def test_a_byte_order_mark_is_no_part_of_the_first_cell(tmp_path: Path, ending: str, header: bool) -> None:
    separator = "," if ending == "csv" else "\t"
    lines = [separator.join(row) for row in (["text", "label"], ["so dull", "0"], ["so fine", "1"])]
    file = tmp_path / f"reviews.{ending}"
    file.write_text("\n".join(lines), encoding="utf-8-sig")
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    table = read_table(file, header=header)
    assert list(table.columns) == (["text", "label"] if header else ["1", "2"])
    assert table.iloc[:, 0].tolist() == [*([] if header else ["text"]), "so dull", "so fine"]
