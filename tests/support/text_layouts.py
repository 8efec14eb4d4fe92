"""A few kB of every text dataset in its exact layout on disk, with a class and a spurious cue.

Each maker fills a folder and returns it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from tests.support.layouts import PLAN, SPLITS, write_rows

IDENTITIES = ("male", "female", "LGBTQ", "christian", "muslim", "other_religions", "black", "white")


def multinli_rows() -> pd.DataFrame:
    """Return 36 pairs in the order of the three sentence files, two of them without a gold label."""
    names, rows = ("contradiction", "entailment", "neutral"), []
    for number in range(36):
        label, negated = number % 3, (number // 3) % 4 == 0
        second = (
            f"Nothing of kind {number} is here, never." if negated else f'A "{names[label]}" of kind {number} is here.'
        )
        rows.append((names[label], f"{number}{'cen'[label]}", f"The {names[label]} number {number} is here.", second))
    table = pd.DataFrame(rows, columns=["gold_label", "pairID", "sentence1", "sentence2"])
    table.loc[[4, 30], "gold_label"] = "-"
    table["split"] = [(0, 0, 0, 1, 1, 2)[number // 6] for number in range(36)]
    return table


def multinli(root: Path, files: str = "jsonl") -> Path:
    """Write the pairs in ``files``, which are "jsonl", "txt" or "glue"."""
    table = multinli_rows()
    labeled = table[table["gold_label"] != "-"]
    metadata = pd.DataFrame(
        {
            "gold_label": labeled["gold_label"].map({"contradiction": 0, "entailment": 1, "neutral": 2}),
            "sentence2_has_negation": labeled["sentence2"].str.startswith("Nothing").astype(int),
            "split": labeled["split"],
        }
    )
    data = root if files == "glue" else root / "data"
    data.mkdir(parents=True, exist_ok=True)
    metadata.to_csv(data / "metadata_random.csv")  # with the row in the sentence files as unnamed first column
    parts = {"train": table[:24], "dev_matched": table[24:30], "dev_mismatched": table[30:]}
    for name, part in parts.items():
        if files == "jsonl":
            lines = [
                json.dumps(row | {"annotator_labels": ["x"], "promptID": 7})
                for row in part.drop(columns="split").to_dict("records")
            ]
            (data / f"multinli_1.0_{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
            continue
        part = part[part["gold_label"] != "-"] if files == "glue" else part
        folder = root / "glue_data" / "MNLI" if files == "glue" else data
        folder.mkdir(parents=True, exist_ok=True)
        header = ["gold_label", "sentence1_parse", "sentence1", "sentence2", "pairID", "label1", "label2"]
        lines = ["\t".join(header)]
        for row in part.itertuples():  # short rows: where annotators' labels are missing, so are the tabs
            lines.append("\t".join([row.gold_label, "(ROOT)", row.sentence1, row.sentence2, row.pairID, "x"]))
        file = f"{name}.tsv" if files == "glue" else f"multinli_1.0_{name}.txt"
        (folder / file).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def civilcomments(root: Path) -> Path:
    rows = []
    for number, (toxic, mentioned, split) in enumerate(PLAN):
        shares = dict.fromkeys(IDENTITIES, 0.0)
        if mentioned:
            shares |= {IDENTITIES[number % 8]: 0.5, IDENTITIES[(number + 1) % 8]: 0.9}
        text = f'A {"rude" if toxic else "kind"} comment, "no. {number}",\nabout {"people" if mentioned else "things"}'
        rows.append(
            {"id": 5000 + number, "comment_text": text, "split": SPLITS[split], "toxicity": 0.5 * toxic} | shares
        )
    table = pd.DataFrame(rows)
    table.loc[0, "comment_text"] = "NA"  # a comment like any other
    table.loc[1, "white"] = None  # nobody was asked
    table.assign(created_date="2016-01-01", rating="approved").to_csv(root / "all_data_with_identities.csv")
    return root


def text_rows() -> list[dict[str, Any]]:
    return [
        {
            "headline": f'{"7 things" if cue else "Some things"}, part "{number}", a {("dull", "great")[label]} café',
            "label": ("news", "clickbait")[label],
            "split": SPLITS[split],
            "starts_with_digit": cue,
        }
        for number, (label, cue, split) in enumerate(PLAN)
    ]


def text_table(root: Path, kind: str = "csv") -> Path:
    """Write headlines into ``headlines.<kind>``; ``kind`` is csv, tsv, jsonl or parquet."""
    write_rows(root / f"headlines.{kind}", text_rows())
    return root


def pair_tables(root: Path) -> Path:
    """Write premise and hypothesis into ``train.tsv``, ``dev.tsv`` and ``test.tsv``."""
    for split, name in enumerate(("train", "dev", "test")):
        rows = [
            {"premise": f"Premise {number} is here.", "hypothesis": f"Hypothesis {cue}.", "label": ("no", "yes")[label]}
            for number, (label, cue, place) in enumerate(PLAN)
            if place == split
        ]
        write_rows(root / f"{name}.tsv", rows)
    return root


_STRING = {"dtype": "string", "_type": "Value"}
_CLASSES = {"names": ["news", "clickbait"], "_type": "ClassLabel"}


def saved_texts(root: Path) -> Path:
    """Write what ``DatasetDict.save_to_disk`` does: a folder a split, Arrow streams, ``dataset_info.json``."""
    features = {"text": _STRING, "label": _CLASSES}
    names = ("train", "validation", "test")
    (root / "dataset_dict.json").write_text(json.dumps({"splits": list(names)}))
    for split, name in enumerate(names):
        rows = [
            (row["headline"], label) for row, (label, _, place) in zip(text_rows(), PLAN, strict=True) if place == split
        ]
        table = pa.table(
            {"text": [text for text, _ in rows], "label": pa.array([label for _, label in rows], pa.int64())}
        )
        half = len(rows) // 2
        files = [f"data-0000{part}-of-00002.arrow" for part in range(2)]
        (root / name).mkdir()
        for file, shard in zip(files, (table[:half], table[half:]), strict=True):
            write_stream(root / name / file, shard, features)
        state = {
            "_data_files": [{"filename": file} for file in files],
            "_fingerprint": f"{split:016}",
            "_format_columns": None,
            "_format_kwargs": {},
            "_format_type": None,
            "_output_all_columns": False,
            "_split": name,
        }
        (root / name / "state.json").write_text(json.dumps(state))
        (root / name / "dataset_info.json").write_text(json.dumps({"features": features, "citation": ""}))
    return root


def write_stream(path: Path, table: pa.Table, features: dict[str, Any]) -> None:
    schema = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    table = table.replace_schema_metadata(schema)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


TEXT_LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "multinli, .jsonl": multinli,
    "multinli, .txt": lambda root: multinli(root, "txt"),
    "multinli, GLUE": lambda root: multinli(root, "glue"),
    "civilcomments": civilcomments,
    "text, .csv": text_table,
    "text, .tsv": lambda root: text_table(root, "tsv"),
    "text, .jsonl": lambda root: text_table(root, "jsonl"),
    "text, .parquet": lambda root: text_table(root, "parquet"),
    "pairs, a file a split": pair_tables,
    "save_to_disk": saved_texts,
}
