"""Thumbnails and heatmaps of a project's samples."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neurontune_core import EmbeddingSet, InputError
from neurontune_core.session.gallery import SIDE, Gallery
from neurontune_core.workspace.project import Project
from neurontune_core.workspace.workspace import EXAMPLES
from tests.support.projects import write_project


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    return Gallery(Project(EXAMPLES["faces"], tmp_path_factory.mktemp("example")))


def test_a_thumbnail_is_the_picture_of_that_row(example: Gallery) -> None:
    test = EmbeddingSet.load(EXAMPLES["faces"] / "embeddings" / "test")
    assert test.sources is not None
    shown = Image.open(io.BytesIO(example.thumbnail("test", 17)))
    with Image.open(EXAMPLES["faces"] / str(test.sources[17])) as picture:
        expected = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    assert shown.size == (SIDE, SIDE)
    difference = np.abs(np.asarray(shown, dtype=float) - np.asarray(expected, dtype=float)).mean()
    assert difference < 6  # of 255: JPEG twice, and no other picture


def test_two_projects_that_share_images_and_network_never_show_each_others_samples(tmp_path: Path) -> None:
    shown = []
    for name in ("faces", "faces-biased"):
        project = Project(EXAMPLES[name], tmp_path)  # as if both kept their cache in one folder
        gallery, val = Gallery(project), project.load_set("val")
        assert val.sources is not None
        picture = Image.open(EXAMPLES["faces"] / str(val.sources[1])).convert("RGB").resize((SIDE, SIDE))
        thumbnail = Image.open(io.BytesIO(gallery.thumbnail("val", 1)))
        assert np.abs(np.asarray(thumbnail, dtype=float) - np.asarray(picture, dtype=float)).mean() < 6
        shown.append(thumbnail.tobytes())
    assert shown[0] != shown[1]


def test_a_heatmap_is_brighter_where_a_neuron_fires_more(example: Gallery) -> None:
    val = EmbeddingSet.load(EXAMPLES["faces"] / "embeddings" / "val")
    neuron = int(np.argmax(val.embeddings.mean(axis=0)))
    order = np.argsort(val.embeddings[:, neuron])

    def heat(row: int) -> float:
        return float(np.asarray(Image.open(io.BytesIO(example.heatmap("val", row, neuron))))[..., 3].mean())

    assert heat(int(order[-1])) > 2 * heat(int(order[0]))


@pytest.mark.parametrize(("split", "row"), [("val", 10**6), ("val", -1), ("elsewhere", 0), ("../..", 0)])
def test_a_sample_that_does_not_exist_is_refused(example: Gallery, split: str, row: int) -> None:
    with pytest.raises(InputError):
        example.thumbnail(split, row)


def test_vectors_alone_have_no_images(tmp_path: Path) -> None:
    write_project(tmp_path)
    gallery = Gallery(Project.at(tmp_path))
    assert not gallery.has_images
    with pytest.raises(InputError, match="vectors alone"):
        gallery.thumbnail("val", 0)


def test_a_network_that_python_code_builds_is_not_run_on_screens_and_the_reason_is_given(tmp_path: Path) -> None:
    content = {"model": {"family": "python", "entry": "mine:network"}, "modality": "image", "dataset": {"root": "."}}
    write_project(tmp_path, **content)
    gallery = Gallery(Project.at(tmp_path))
    assert gallery.has_images
    assert not gallery.has_model
    assert "only be run from the command line" in gallery.model_note
    other = Gallery(Project(EXAMPLES["faces"], tmp_path))
    assert (other.has_model, other.model_note) == (True, "")
