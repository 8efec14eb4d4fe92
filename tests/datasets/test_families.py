"""Which of many files are the splits of one dataset."""

from __future__ import annotations

from neurontune_core.datasets.text_table import tables_by_split


def test_the_family_with_most_splits_is_the_dataset() -> None:
    dataset = ["glue/dev.tsv", "glue/test.tsv", "glue/train.tsv"]
    others = ["old/train.tsv", "old/test.tsv", "glue/train.csv", "readme.txt", "notes.tsv"]
    expected = {"train": ["glue/train.tsv"], "val": ["glue/dev.tsv"], "test": ["glue/test.tsv"]}
    for names in (others + dataset, dataset + others):
        assert tables_by_split(names) == expected


def test_of_as_many_splits_the_family_with_most_files_is_the_dataset_and_shards_are_in_order() -> None:
    shards = [f"data/train-0000{number}-of-00003.parquet" for number in (2, 0, 1)]
    names = ["a/train.parquet", "a/test.parquet", *shards, "data/test-00000-of-00001.parquet"]
    expected = {"train": sorted(shards), "test": ["data/test-00000-of-00001.parquet"]}
    assert tables_by_split(names) == tables_by_split(names[::-1]) == expected


def test_names_without_a_split_are_no_family() -> None:
    assert tables_by_split(["reviews.csv", "readme.txt", "trainer.csv"]) == {}
