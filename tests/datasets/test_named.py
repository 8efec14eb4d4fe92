"""The published datasets of images, each from its own layout: labels, splits, groups, and what is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurontune_core.datasets import Dataset, guess_dataset, open_dataset
from neurontune_core.datasets.base import check_relative
from neurontune_core.datasets.columns import check_paths
from neurontune_core.datasets.imagenet_a import WORDNET_IDS
from neurontune_core.datasets.published_counts import TABLE_8
from neurontune_core.errors import InputError
from neurontune_core.models.preprocessing import Preprocessing
from tests.support import image_layouts, layouts
from tests.support.layouts import PLAN, SPLITS

GROUPS = [2 * label + cue for label, cue, _ in PLAN]


def opened(root: Path, **changes: object) -> Dataset:
    return open_dataset(guess_dataset(root).spec | changes, ".")


@pytest.mark.parametrize("name", image_layouts.IMAGE_LAYOUTS)
def test_every_layout_of_pictures_is_recognized_and_every_picture_opens(name: str, tmp_path: Path) -> None:
    data = opened(image_layouts.IMAGE_LAYOUTS[name](tmp_path))
    assert data.modality == "image"
    assert data.samples["id"].is_unique
    assert data.samples["label"].between(0, len(data.class_names) - 1).all()
    assert {data.open_image(row).size for row in range(len(data.samples))} == {(24, 24)}
    assert Preprocessing(**data.preprocessing).image_size == 224
    with pytest.raises(InputError, match="are images, not texts"):
        data.open_text(0)


@pytest.mark.parametrize("name", ["waterbirds", "celeba, .csv", "celeba, .txt", "celeba, metadata", "subpopbench"])
def test_groups_are_numbered_label_by_label_and_splits_are_named(name: str, tmp_path: Path) -> None:
    data = opened(image_layouts.IMAGE_LAYOUTS[name](tmp_path))
    assert data.samples["label"].tolist() == [label for label, _, _ in PLAN]
    assert data.samples["split"].tolist() == [SPLITS[split] for _, _, split in PLAN]
    assert data.samples["group"].tolist() == GROUPS


@pytest.mark.parametrize(
    ("name", "classes", "groups"),
    [
        ("waterbirds", ("landbird", "waterbird"), ("landbird, water", "waterbird, land")),
        ("celeba, .csv", ("not blond", "blond"), ("not blond, male", "blond, female")),
        ("celeba, metadata", ("not blond", "blond"), ("not blond, male", "blond, female")),
    ],
)
def test_the_published_names_are_given(name: str, classes: tuple, groups: tuple, tmp_path: Path) -> None:
    data = opened(image_layouts.IMAGE_LAYOUTS[name](tmp_path))
    assert data.class_names == classes
    assert data.group_names[1:3] == groups
    assert data.preprocessing["resize_mode"] == "squash"


def test_the_real_waterbirds_table_has_its_published_counts(shared_data: Path, tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_bytes((shared_data / "waterbirds_meta" / "metadata.csv").read_bytes())
    layouts.picture(tmp_path / pd.read_csv(tmp_path / "metadata.csv")["img_filename"].iat[0])
    guess = guess_dataset(tmp_path)
    assert guess.spec["format"] == "waterbirds"
    assert "11,788 images" in guess.description
    data = open_dataset(guess.spec, ".")
    assert {split: len(data.rows(split)) for split in data.splits} == {"train": 4795, "val": 1199, "test": 5794}
    assert Counter(data.rows("train")["group"]) == {0: 3498, 1: 184, 2: 56, 3: 1057}
    assert Counter(data.rows("test")["group"]) == {0: 2255, 1: 2255, 2: 642, 3: 642}


def test_the_folder_above_a_published_set_will_do_unless_there_are_two(tmp_path: Path) -> None:
    image_layouts.waterbirds(tmp_path / image_layouts.WATERBIRDS_FOLDER)
    assert guess_dataset(tmp_path).spec["root"] == str(tmp_path / image_layouts.WATERBIRDS_FOLDER)
    image_layouts.celeba_metadata(tmp_path / "celeba")
    with pytest.raises(InputError, match="holds several datasets"):
        guess_dataset(tmp_path)


def test_any_two_attributes_of_celeba_may_be_chosen(tmp_path: Path) -> None:
    guess = guess_dataset(image_layouts.celeba_csv(tmp_path))
    columns = guess.spec["columns"] | {"label": "Male", "attribute": "Young"}
    data = open_dataset(guess.spec | {"columns": columns}, ".")
    assert data.samples["label"].tolist() == [male for _, male, _ in PLAN]
    assert data.class_names == ("female", "male")
    assert set(data.samples["group"]) == {0, 2}  # nobody is young
    assert data.group_names[1] == "female, Young"
    with pytest.raises(InputError, match=r'no column "Blonde" for the label; it has .*Blond_Hair'):
        open_dataset(guess.spec | {"columns": {"label": "Blonde"}}, ".")


def test_celeba_splits_are_joined_by_file_name(tmp_path: Path) -> None:
    image_layouts.celeba_csv(tmp_path)
    partition = pd.read_csv(tmp_path / "list_eval_partition.csv")
    assert partition["image_id"].tolist() != sorted(partition["image_id"])  # the order of the files differs
    assert opened(tmp_path).samples["split"].tolist() == [SPLITS[split] for _, _, split in PLAN]
    partition[partition["image_id"] != "000003.jpg"].to_csv(tmp_path / "list_eval_partition.csv", index=False)
    with pytest.raises(InputError, match=r'no split for "000003.jpg" \(1 such'):
        opened(tmp_path)


def test_imagenet9_has_its_nine_classes_and_refuses_another_order(tmp_path: Path) -> None:
    data = opened(image_layouts.imagenet9(tmp_path))
    assert data.class_names == image_layouts.NINE
    assert [Path(source).parts[1] for source in data.samples["source"]] == [
        data.class_names[label] for label in data.samples["label"]
    ]
    table = pd.read_csv(tmp_path / "metadata.csv")
    table["label_name"] = table["label_name"].replace({"dog": "cat", "cat": "dog"})
    table.to_csv(tmp_path / "metadata.csv", index=False)
    with pytest.raises(InputError, match='calls class 0 "cat", but class_names have it as 1'):
        opened(tmp_path)


def test_imagenet_a_is_mapped_to_the_nine_classes_and_the_rest_left_out(tmp_path: Path) -> None:
    data = opened(image_layouts.imagenet_a(tmp_path))
    assert Counter(data.class_names[label] for label in data.samples["label"]) == {
        "dog": 4,
        "cat": 2,
        "frog": 2,
        "insect": 2,
    }
    assert data.splits == ("test",)
    assert not data.samples["source"].str.contains("n01531178").any()


def test_the_42_wordnet_ids_are_those_of_the_published_imagenet_indices() -> None:
    """Compare with timm's list of ImageNet's ids by index, and its list of the 200 that ImageNet-A has."""
    info = files("timm.data").joinpath("_info")
    ids = info.joinpath("imagenet_synsets.txt").read_text().split()
    indices = {
        "dog": (151, 207, 234, 235, 254),
        "cat": range(281, 286),
        "frog": range(30, 33),
        "turtle": range(33, 38),
        "bird": (89, 90, 94, 96, 97),
        "primate": (372, 373, 374, 375, 378),
        "fish": range(393, 398),
        "crab": range(118, 122),
        "insect": range(306, 311),
    }
    assert {name: set(result) for name, result in WORDNET_IDS.items()} == {
        name: {ids[index] for index in chosen} for name, chosen in indices.items()
    }
    assert sum(map(len, WORDNET_IDS.values())) == 42
    released = set(info.joinpath("imagenet_a_synsets.txt").read_text().split())
    inside = {name: len(released & set(result)) for name, result in WORDNET_IDS.items()}
    assert sum(inside.values()) == 21
    assert (inside["cat"], inside["crab"]) == (1, 0)


def test_an_ordinary_folder_of_wordnet_ids_keeps_its_classes(tmp_path: Path) -> None:
    image_layouts.imagenet_a(tmp_path).rename(tmp_path / "photos")
    assert guess_dataset(tmp_path / "photos").spec["format"] == "image_folder"


def test_splits_of_wilds_that_mean_nothing_are_left_out_until_they_are_named(tmp_path: Path) -> None:
    guess = guess_dataset(image_layouts.wilds(tmp_path))
    assert guess.spec["splits"] == {"id_val": None}
    assert "rows of the splits id_val are left out" in guess.description
    assert len(open_dataset(guess.spec, ".").samples) == 28
    named = open_dataset(guess.spec | {"splits": {"id_val": "val"}}, ".")
    assert named.samples["split"].tolist() == [
        "val" if number % 8 == 7 else SPLITS[split] for number, (_, _, split) in enumerate(PLAN)
    ]
    with pytest.raises(InputError, match='split "id_val" is not known'):
        open_dataset({key: value for key, value in guess.spec.items() if key != "splits"}, ".")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"img_filename": "../a.jpg"}, 'path "../a.jpg" leads out of'),
        ({"img_filename": "/etc/passwd"}, 'path "/etc/passwd" leads out of'),
        ({"y": 2}, r'2 in row 3 of column "y" is not a number of 0..1'),
        ({"split": 3}, 'split "3" is not known'),
        ({"place": ""}, 'Row 3 has no value in column "place"'),
    ],
)
def test_a_wrong_cell_of_a_published_table_is_named(change: dict, message: str, tmp_path: Path) -> None:
    guess = guess_dataset(image_layouts.waterbirds(tmp_path))
    table = pd.read_csv(tmp_path / "metadata.csv", dtype=str)
    table.loc[2, list(change)] = [str(value) for value in change.values()]
    table.to_csv(tmp_path / "metadata.csv", index=False)
    with pytest.raises(InputError, match=message):
        open_dataset(guess.spec, ".")


@given(st.text(alphabet="./\\:a \0\n", max_size=8))
def test_a_column_of_paths_is_checked_as_each_path_alone(path: str) -> None:
    def refused(check: Callable[[], None]) -> bool:
        try:
            check()
        except InputError:
            return True
        return False

    assert refused(lambda: check_paths(pd.Series(["fine.png", path]))) == refused(lambda: check_relative(path))


def test_a_published_table_without_a_column_says_which_it_has(tmp_path: Path) -> None:
    guess = guess_dataset(image_layouts.waterbirds(tmp_path))
    pd.read_csv(tmp_path / "metadata.csv").drop(columns="place").to_csv(tmp_path / "metadata.csv", index=False)
    with pytest.raises(InputError, match=r'no column "place" for the attribute; it has .*img_filename'):
        open_dataset(guess.spec, ".")
    without = open_dataset(guess.spec | {"columns": {"attribute": None}}, ".")
    assert without.group_names == ()
    assert "group" not in without.samples


def test_an_empty_table_and_a_table_of_names_alone_are_refused(tmp_path: Path) -> None:
    spec = {"format": "waterbirds", "root": str(tmp_path)}
    for content in ("", "img_id,img_filename,y,split,place\n"):
        (tmp_path / "metadata.csv").write_text(content)
        with pytest.raises(InputError, match="has no rows"):
            open_dataset(spec, ".")


def test_a_row_with_more_cells_than_the_header_is_refused(tmp_path: Path) -> None:
    image_layouts.subpopbench(tmp_path)
    with (tmp_path / "metadata_metashift.csv").open("a") as file:
        file.write("33,33.png,0,1,1,surplus\n")
    with pytest.raises(InputError, match="cannot be read"):
        guess_dataset(tmp_path)
    (tmp_path / "metadata_metashift.csv").write_text("filename,y\n0.png,1,0\n1.png,0,0\n")
    with pytest.raises(InputError, match="more cells than its header"):
        guess_dataset(tmp_path)


def test_cue_conflict_and_the_imagenet_sample_load_from_their_tables(shared_data: Path) -> None:
    cues = opened(shared_data / "cueconflict")
    assert (len(cues.samples), len(cues.class_names), len(cues.group_names)) == (1280, 16, 256)
    names = [Path(source).stem.split("-") for source in cues.samples["source"]]  # shape1-texture2
    for (shape, texture), label, group in zip(names, cues.samples["label"], cues.samples["group"], strict=True):
        assert cues.class_names[label] == shape.rstrip("0123456789")
        assert cues.group_names[group] == f"{shape.rstrip('0123456789')}, {texture.rstrip('0123456789')}"
    sample = opened(shared_data / "imagenet_sample250")
    ids = files("timm.data").joinpath("_info", "imagenet_synsets.txt").read_text().split()
    assert len(sample.samples) == 250
    assert [ids[label] for label in sample.samples["label"]] == [
        name.split("_")[0] for name in sample.samples["source"]
    ]


def test_table_8_adds_up_to_the_sizes_that_the_datasets_are_known_by() -> None:
    """Hold it against the totals of the datasets' own papers; ImageNet-9 has no groups and is not in the table."""
    totals = {key: [sum(counts[split] for counts in table) for split in range(3)] for key, table in TABLE_8.items()}
    assert totals == {
        "waterbirds": [4795, 1199, 5794],
        "celeba": [162770, 19867, 19962],
        "multinli": [206175, 82462, 123712],
        "civilcomments": [269038, 45180, 133782],
    }
