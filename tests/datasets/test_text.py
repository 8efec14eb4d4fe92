"""Texts and pairs of texts: the published sets, tables of every kind, and what is refused."""

from __future__ import annotations

import json
import string
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurontune_core.datasets import Dataset, guess_dataset, open_dataset
from neurontune_core.datasets.multinli import has_negation
from neurontune_core.errors import InputError
from tests.support import layouts, text_layouts
from tests.support.layouts import PLAN, SPLITS


def opened(root: Path, **changes: object) -> Dataset:
    return open_dataset(guess_dataset(root).spec | changes, ".")


@pytest.mark.parametrize("name", text_layouts.TEXT_LAYOUTS)
def test_every_layout_of_texts_is_recognized_and_opens(name: str, tmp_path: Path) -> None:
    data = opened(text_layouts.TEXT_LAYOUTS[name](tmp_path))
    assert data.modality == ("text_pair" if name.startswith(("multinli", "pairs")) else "text")
    assert data.splits == SPLITS
    assert data.samples["id"].is_unique
    assert data.samples["source"].is_unique
    for row in range(len(data.samples)):
        text = data.open_text(row)
        assert all(text) if isinstance(text, tuple) else text
    with pytest.raises(InputError, match="are texts, not images"):
        data.open_image(0)


@pytest.mark.parametrize("files", ["jsonl", "txt", "glue"])
def test_multinli_rows_meet_their_own_sentences(files: str, tmp_path: Path) -> None:
    data = opened(text_layouts.multinli(tmp_path, files))
    expected = text_layouts.multinli_rows()
    expected = expected[expected["gold_label"] != "-"]
    assert [data.open_text(row) for row in range(len(data.samples))] == list(
        expected[["sentence1", "sentence2"]].itertuples(index=False, name=None)
    )
    assert data.samples["id"].tolist() == expected["pairID"].tolist()
    assert data.class_names == ("contradiction", "entailment", "neutral")
    assert [data.class_names[label] for label in data.samples["label"]] == expected["gold_label"].tolist()
    negated = expected["sentence2"].str.startswith("Nothing")
    assert data.samples["group"].tolist() == [2 * y + a for y, a in zip(data.samples["label"], negated, strict=True)]
    assert data.preprocessing == {"max_length": 128}


def test_multinli_joins_by_the_row_or_the_pair_that_a_shuffled_table_names(tmp_path: Path) -> None:
    text_layouts.multinli(tmp_path)
    table = pd.read_csv(tmp_path / "data" / "metadata_random.csv", index_col=0)
    some = table.sample(20, random_state=3)
    some.to_csv(tmp_path / "data" / "metadata_random.csv")
    all_rows = text_layouts.multinli_rows()
    expected = all_rows.loc[some.index]
    assert opened(tmp_path).samples["text"].tolist() == expected["sentence1"].tolist()
    some.assign(pairID=expected["pairID"]).reset_index(drop=True).to_csv(
        tmp_path / "data" / "metadata_random.csv", index=False
    )
    assert opened(tmp_path).samples["text"].tolist() == expected["sentence1"].tolist()


def test_a_multinli_table_without_row_numbers_skips_the_pairs_without_a_gold_label(tmp_path: Path) -> None:
    text_layouts.multinli(tmp_path)
    path = tmp_path / "data" / "metadata_random.csv"
    pd.read_csv(path, index_col=0).to_csv(path, index=False)
    expected = text_layouts.multinli_rows().query("gold_label != '-'")
    assert opened(tmp_path).samples["text"].tolist() == expected["sentence1"].tolist()


def test_multinli_refuses_sentences_of_another_table(tmp_path: Path) -> None:
    text_layouts.multinli(tmp_path)
    path = tmp_path / "data" / "metadata_random.csv"
    table = pd.read_csv(path, index_col=0)
    table.assign(gold_label=np.roll(table["gold_label"], 1)).to_csv(path)
    with pytest.raises(InputError, match="table and sentences do not belong together"):
        opened(tmp_path)
    table.iloc[:30].to_csv(path, index=False)
    with pytest.raises(InputError, match="lists 30 pairs, but the sentence files hold 34"):
        opened(tmp_path)
    (tmp_path / "data" / "multinli_1.0_dev_matched.jsonl").unlink()
    with pytest.raises(InputError, match=r"but not .*multinli_1.0_dev_matched.jsonl"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [("gold_label\tsentence1\nx\ty\n", 'no field "pairID"'), ("", "has no rows"), ("\xe9\n", "not text in utf-8")],
)
def test_damaged_sentence_files_are_refused_in_a_sentence(content: str, message: str, tmp_path: Path) -> None:
    text_layouts.multinli(tmp_path, "txt")
    (tmp_path / "data" / "multinli_1.0_dev_matched.txt").write_text(content, encoding="latin-1")
    with pytest.raises(InputError, match=message):
        opened(tmp_path)


def test_negation_words_count_as_whole_tokens_without_punctuation() -> None:
    sentences = [
        "No, never.",
        "Nobody's here",
        "Nothing!",
        "A nose knows",
        "The casino burns",
        "not nowhere",
        "say no-one",
        "He said no",
    ]
    words = {"nobody", "no", "never", "nothing"}
    stripped = [sentence.translate(str.maketrans("", "", string.punctuation)).lower() for sentence in sentences]
    expected = [bool(words & set(sentence.split(" "))) for sentence in stripped]
    assert expected == [True, False, True, False, False, False, False, True]
    assert has_negation(pd.Series(sentences)).tolist() == expected


def test_multinli_without_the_negation_column_computes_it(tmp_path: Path) -> None:
    text_layouts.multinli(tmp_path)
    groups = opened(tmp_path).samples["group"].tolist()
    path = tmp_path / "data" / "metadata_random.csv"
    pd.read_csv(path, index_col=0).drop(columns="sentence2_has_negation").to_csv(path)
    assert opened(tmp_path).samples["group"].tolist() == groups


def test_civilcomments_has_four_groups_and_sixteen_that_overlap(tmp_path: Path) -> None:
    data = opened(text_layouts.civilcomments(tmp_path))
    assert data.samples["group"].tolist() == [2 * toxic + mentioned for toxic, mentioned, _ in PLAN]
    assert data.samples["id"].tolist() == [str(5000 + number) for number in range(len(PLAN))]
    assert data.open_text(0) == "NA"
    assert data.open_text(4).count("\n") == 1
    overlapping = data.overlapping_groups
    assert overlapping is not None
    assert overlapping.members.shape == (len(PLAN), 16)
    assert overlapping.names[:3] == ("male, non-toxic", "male, toxic", "female, non-toxic")
    for number, (toxic, mentioned, _) in enumerate(PLAN):
        named = {text_layouts.IDENTITIES[number % 8], text_layouts.IDENTITIES[(number + 1) % 8]} if mentioned else set()
        result = {name for name, member in zip(overlapping.names, overlapping.members[number], strict=True) if member}
        assert result == {f"{identity}, {('non-toxic', 'toxic')[toxic]}" for identity in named}


def test_civilcomments_refuses_what_is_no_share(tmp_path: Path) -> None:
    text_layouts.civilcomments(tmp_path)
    path = tmp_path / "all_data_with_identities.csv"
    spec = guess_dataset(tmp_path).spec
    table = pd.read_csv(path, index_col=0, keep_default_na=False, dtype=str)
    table.assign(toxicity="often").to_csv(path)
    with pytest.raises(InputError, match=r'"often" in row 1 of column "toxicity"'):
        open_dataset(spec, ".")
    table.assign(toxicity="").to_csv(path)
    with pytest.raises(InputError, match=r'"" in row 1 of column "toxicity"'):
        open_dataset(spec, ".")
    table.drop(columns="muslim").to_csv(path)
    with pytest.raises(InputError, match=r'no column "muslim" for an identity; it has .*christian'):
        open_dataset(spec, ".")
    with pytest.raises(InputError, match=r'no column "body" for the text; it has .*comment_text'):
        open_dataset(spec | {"columns": {"text": "body"}}, ".")


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_a_table_of_texts_reads_the_same_from_every_kind_of_file(kind: str, tmp_path: Path) -> None:
    guess = guess_dataset(text_layouts.text_table(tmp_path, kind) / f"headlines.{kind}")
    assert guess.spec["columns"] == {
        "text": "headline", "label": "label", "split": "split", "attribute": "starts_with_digit"
    }  # fmt: skip
    data = open_dataset(guess.spec | {"class_names": ["news", "clickbait"]}, ".")
    assert data.samples["text"].tolist() == [row["headline"] for row in text_layouts.text_rows()]
    assert data.samples["label"].tolist() == [label for label, _, _ in PLAN]
    assert data.samples["group"].tolist() == [2 * label + cue for label, cue, _ in PLAN]
    assert data.samples["source"].iat[3] == f"headlines.{kind}#3"


def test_files_named_by_split_are_one_data_set(tmp_path: Path) -> None:
    guess = guess_dataset(text_layouts.pair_tables(tmp_path))
    assert guess.spec["table"] == {"train": ["train.tsv"], "val": ["dev.tsv"], "test": ["test.tsv"]}
    data = open_dataset(guess.spec, ".")
    assert {split: len(data.rows(split)) for split in data.splits} == {"train": 16, "val": 8, "test": 8}
    first = PLAN.index(next(sample for sample in PLAN if sample[2] == 0))
    assert data.open_text(int(data.rows("train").index[0])) == (f"Premise {first} is here.", "Hypothesis 0.")


def test_a_wrong_guess_is_corrected_by_the_spec(tmp_path: Path) -> None:
    rows = [{"title": f"T {n}", "body": f"B {n}", "y": n % 2, "topic": "ab"[n % 2], "text2": "x"} for n in range(6)]
    layouts.write_rows(tmp_path / "t.csv", rows)
    guess = guess_dataset(tmp_path)
    assert guess.spec["columns"] == {"text": "title", "label": "y"}
    columns = {"text": "body", "text2": "title", "label": "topic"}
    data = open_dataset(guess.spec | {"columns": columns}, ".")
    assert data.open_text(1) == ("B 1", "T 1")
    assert data.class_names == ("a", "b")
    with pytest.raises(
        InputError, match=r"no column \"words\" for the text; it has \['title', 'body', 'y', 'topic', 'text2'\]"
    ):
        open_dataset(guess.spec | {"columns": {"text": "words"}}, ".")
    with pytest.raises(InputError, match=r'columns has "path", which is not one of text, text2'):
        open_dataset(guess.spec | {"columns": {"path": "body"}}, ".")


def test_quotes_in_tab_separated_text_are_read_as_they_were_meant(tmp_path: Path) -> None:
    (tmp_path / "glue.tsv").write_text('label\tsentence\n0\t"Stop, he said\n1\tAn 8" pipe\n0\tplain\n')
    (tmp_path / "sheet.tsv").write_text('label\tsentence\n0\t"a ""quoted"" word"\n1\t"two\nlines"\n0\tplain\n')
    glue, sheet = (opened(tmp_path / name) for name in ("glue.tsv", "sheet.tsv"))
    assert glue.samples["text"].tolist() == ['"Stop, he said', 'An 8" pipe', "plain"]
    assert sheet.samples["text"].tolist() == ['a "quoted" word', "two\nlines", "plain"]


def test_words_that_look_like_missing_values_or_numbers_stay_texts(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text,label\nNA,0\nnan,1\n007,0\n1e5,1\n,0\n")
    assert opened(tmp_path).samples["text"].tolist() == ["NA", "nan", "007", "1e5", ""]


def test_an_empty_and_a_mixed_json_lines_file(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text("")
    spec = {"format": "text_table", "root": str(tmp_path), "table": "t.jsonl"}
    with pytest.raises(InputError, match="has no rows"):
        open_dataset(spec, ".")
    (tmp_path / "t.jsonl").write_text('{"text": "a", "label": 0}\n{"text": "b"')
    with pytest.raises(InputError, match="cannot be read"):
        open_dataset(spec, ".")
    (tmp_path / "t.jsonl").write_bytes('{"text": "a", "label": 0}\n{"text": "é", "label": "1"}\n'.encode("cp1252"))
    data = opened(tmp_path / "t.jsonl")
    assert data.samples["text"].tolist() == ["a", "é"]
    assert data.samples["label"].tolist() == [0, 1]


def test_a_table_without_a_header_has_numbered_columns(tmp_path: Path) -> None:
    lines = [f"{('no', 'yes')[n % 2]}\tA premise with number {n}.\tIt is {n}.\tnote" for n in range(8)]
    (tmp_path / "pairs").write_text("\n".join(lines) + "\n")
    guess = guess_dataset(tmp_path / "pairs")
    assert guess.spec["columns"] == {"text": "2", "text2": "3", "label": "1"}
    assert "its first line is a row" in guess.description
    data = open_dataset(guess.spec, ".")
    assert data.open_text(0) == ("A premise with number 0.", "It is 0.")
    assert len(data.samples) == 8


def test_a_text_as_long_as_a_book_is_read(tmp_path: Path) -> None:
    layouts.write_rows(tmp_path / "t.csv", [{"text": "so " * 70_000, "label": n} for n in range(2)])
    assert len(opened(tmp_path).open_text(0)) == 210_000


def test_another_encoding_is_noticed_named_and_refused_without_its_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("text,label\nun café,0\nno coffee,1\n".encode("latin-1"))
    guess = guess_dataset(tmp_path)
    assert guess.spec["encoding"] == "cp1252"
    assert "not UTF-8 and is read as cp1252" in guess.description
    assert open_dataset(guess.spec, ".").open_text(0) == "un café"
    del guess.spec["encoding"]
    with pytest.raises(InputError, match=r'not text in utf-8 \(byte 0xe9\).*"encoding": "cp1252"'):
        open_dataset(guess.spec, ".")
    with pytest.raises(InputError, match=r"cannot be read .*klingon"):
        open_dataset(guess.spec | {"encoding": "klingon"}, ".")


@pytest.mark.parametrize(
    ("cell", "result"), [(7, r"int '7'"), (None, "nothing"), (["a", "b"], "(list|ndarray)"), ({"a": 1}, "dict")]
)
def test_a_cell_that_is_no_text_is_named(cell: object, result: str, tmp_path: Path) -> None:
    rows = [{"text": "fine", "label": "a"}, {"text": cell, "label": "b"}, {"text": "fine", "label": "a"}]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    spec = {"format": "text_table", "root": str(tmp_path), "table": "t.jsonl"}
    with pytest.raises(InputError, match=rf'Row 2 of column "text" holds {result}'):
        open_dataset(spec, ".")


def test_duplicate_ids_are_refused_when_asked_for_and_not_guessed(tmp_path: Path) -> None:
    rows = [{"id": n // 2, "text": f"t {n}", "label": n % 2} for n in range(6)]
    layouts.write_rows(tmp_path / "t.csv", rows)
    guess = guess_dataset(tmp_path)
    assert "id" not in guess.spec["columns"]
    assert open_dataset(guess.spec, ".").samples["id"].tolist() == list("012345")
    with pytest.raises(InputError, match=r'Row 2 of column "id" repeats the id "0" \(3 such rows\)'):
        open_dataset(guess.spec | {"columns": {"id": "id"}}, ".")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no rows"),
        ("text,label\n", "has no rows"),
        ('text,label\n"never closed,0\n', "cannot be read"),
        ("text,label,split\na,0,train\nb,1,later\n", None),
    ],
)
def test_broken_tables_are_refused_in_a_sentence(content: str, message: str | None, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(content)
    spec = {"format": "text_table", "root": str(tmp_path), "table": "t.csv"}
    with pytest.raises(InputError, match=message or 'split "later" is not known'):
        open_dataset(spec, ".")


def test_tables_stay_inside_the_folder(tmp_path: Path) -> None:
    text_layouts.text_table(tmp_path)
    (tmp_path / "data").mkdir()
    spec = {"format": "text_table", "root": str(tmp_path / "data"), "table": "../headlines.csv"}
    with pytest.raises(InputError, match="leads out of"):
        open_dataset(spec, ".")
    (tmp_path / "data" / "headlines.csv").symlink_to(tmp_path / "headlines.csv")
    with pytest.raises(InputError, match="through a link"):
        open_dataset(spec | {"table": "headlines.csv"}, ".")
    with pytest.raises(InputError, match="leads out of"):
        open_dataset(spec | {"table": {"train": ["/etc/passwd"]}}, ".")


def test_a_column_of_prose_is_no_label(tmp_path: Path) -> None:
    rows = pd.DataFrame({"text": [f"t {n}" for n in range(20_001)], "label": [f"essay {n}" for n in range(20_001)]})
    rows.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match="20,001 different values, too many for classes"):
        opened(tmp_path)


def test_a_file_that_is_no_data_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v.npz").write_bytes(b"")
    with pytest.raises(InputError, match="ready-made embeddings"):
        guess_dataset(tmp_path / "v.npz")
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"No columns of .* look like"):
        guess_dataset(tmp_path / "t.csv")


def test_real_pairs_load_from_every_file(shared_data: Path) -> None:
    nli = shared_data / "nli"
    edited = opened(nli / "cad_snli")
    assert {split: len(edited.rows(split)) for split in edited.splits} == {"train": 8330, "val": 1000, "test": 2000}
    assert edited.class_names == ("contradiction", "entailment", "neutral")
    quoted = edited.samples["text2"].str.contains("Camden").idxmax()
    assert edited.open_text(int(quoted))[1] == 'The man walks into tents of the campy supply company "Camden".'
    for name in ("mnli_matched", "mnli_mismatched"):  # no header, no ending
        rows = opened(nli / "mnli_snli_textfooler" / name)
        lines = (nli / "mnli_snli_textfooler" / name).read_text(encoding="utf-8").splitlines()
        assert [[rows.class_names[y], *rows.open_text(n)] for n, y in enumerate(rows.samples["label"])] == [
            line.split("\t") for line in lines
        ]
    negated = opened(nli / "negation_bench" / "MNLI.txt")  # cp1252
    assert len(negated.samples) == 1500
    assert negated.samples["text"].str.contains("”").any()
