"""The most and least biased neurons of a class, beside numpy; the sheet as files; the verb."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neurontune_core.errors import InputError
from neurontune_core.figures.neuron_sheet import neuron_sheet, sheet_bytes
from neurontune_core.session.class_extremes import class_extremes
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.gallery import Gallery
from neurontune_core.workspace.project import Project
from tests.support.cli import ask, complaint
from tests.support.projects import write_pictures, write_project, write_texts


@pytest.fixture
def project(tmp_path: Path) -> Project:
    write_project(tmp_path)
    return Project.at(tmp_path)


@pytest.mark.parametrize("label", [0, 1])
def test_they_have_the_smallest_and_the_largest_scores_of_the_class(project: Project, label: int) -> None:
    diagnosis, samples = Diagnosis(project), project.load_set("identification")
    vectors, own = np.abs(np.asarray(samples.embeddings, dtype=float)), samples.labels == label
    wrong = project.load_head().predict(samples.embeddings) != samples.labels
    delta = np.median(vectors[own & wrong], axis=0) - np.median(vectors[own & ~wrong], axis=0)
    shown = class_extremes(diagnosis, Gallery(project), label, samples=5)
    assert [each.neuron for each in shown.biased] == np.argsort(-delta, kind="stable")[:3].tolist()
    assert [each.score for each in shown.unbiased] == pytest.approx(np.sort(delta)[:3].tolist(), abs=1e-6)
    for each in (*shown.biased, *shown.unbiased):
        strongest = np.sort(vectors[own, each.neuron])[::-1][:5]
        assert [sample.activation for sample in each.samples] == pytest.approx(strongest.tolist(), abs=1e-6)
        assert each.distribution.num_incorrect == (own & wrong).sum()
        rows = np.flatnonzero(own)[np.argsort(-vectors[own, each.neuron], kind="stable")[:5]]
        assert [sample.correct for sample in each.samples] == (~wrong[rows]).tolist()
        assert [sample.text for sample in each.samples] == samples.sample_ids[rows].astype(str).tolist()


def test_pictures_and_texts_are_shown_where_there_are_any(tmp_path: Path) -> None:
    write_pictures(tmp_path / "pictures")
    write_texts(tmp_path / "texts", [f"review {place}" for place in range(24)])
    pictures, texts = (Project.at(tmp_path / name) for name in ("pictures", "texts"))
    shown = class_extremes(Diagnosis(pictures), Gallery(pictures), 0).biased[0].samples
    assert all(sample.picture and sample.heatmap is None and not sample.text for sample in shown)  # it has no network
    assert all(
        sample.text.startswith("review ") and sample.picture is None
        for sample in class_extremes(Diagnosis(texts), Gallery(texts), 0).biased[0].samples
    )


def test_a_sheet_is_written_in_three_formats(project: Project) -> None:
    shown = class_extremes(Diagnosis(project), Gallery(project), 0)
    sheet = neuron_sheet("Land $or water?", shown.unbiased, shown.biased)
    assert Image.open(io.BytesIO(sheet_bytes(sheet, "png"))).width > 1500
    assert sheet_bytes(sheet, "pdf").startswith(b"%PDF")
    assert b"<svg" in sheet_bytes(sheet, "svg")
    with pytest.raises(InputError, match=r'as "gif"; end the file with \.png, \.svg, \.pdf'):
        sheet_bytes(sheet, "gif")


def test_the_verb_writes_it_and_refuses_in_a_sentence(project: Project, tmp_path: Path) -> None:
    base = ["figure", "--project", project.folder]
    made = ask(*base, "--class", "water bird", "--out", tmp_path / "water.svg")
    assert (tmp_path / "water.svg").stat().st_size > 10_000
    assert made["class"] == "water bird"
    assert len(made["biased"]) == len(made["unbiased"]) == 3
    assert made["biased"][0]["score"] >= made["biased"][2]["score"] > made["unbiased"][0]["score"]
    assert 'no class "sea"; use one of land bird, water bird' in complaint(
        *base, "--class", "sea", "--out", tmp_path / "x.png"
    )
    assert "end the file with" in complaint(*base, "--out", tmp_path / "x.bmp")
