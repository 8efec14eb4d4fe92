"""A few kB of every data set in its exact layout on disk, with a class and a spurious cue that a tiny model can learn.

Each maker fills a folder and returns it. Classes and cues are as skewed as in the real sets: most training samples have
the cue of their class.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

SPLITS = ("train", "val", "test")
# (label, cue, split code) of 32 samples: training is skewed, the others are even.
PLAN = [
    *[(label, cue, 0) for label, cue, count in ((0, 0, 7), (0, 1, 1), (1, 0, 1), (1, 1, 7)) for _ in range(count)],
    *[(label, cue, split) for split in (1, 2) for label in (0, 1) for cue in (0, 1) for _ in range(2)],
]
WATERBIRDS_FOLDER = "waterbird_complete95_forest2water2"
IDENTITIES = ("male", "female", "LGBTQ", "christian", "muslim", "other_religions", "black", "white")
_SIDE = 24


def picture(path: Path | BytesIO, label: int = 0, cue: int = 0) -> None:
    """Draw a square whose color is the cue, on which a bright bar lies (label 0) or stands (label 1)."""
    image = Image.new("RGB", (_SIDE, _SIDE), ((20, 90, 20), (20, 40, 140))[cue % 2])
    third = _SIDE // 3
    image.paste(
        (250, 240, 200 - 20 * label), (0, third, _SIDE, 2 * third) if label % 2 == 0 else (third, 0, 2 * third, _SIDE)
    )
    if isinstance(path, Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
    else:
        image.save(path, format="PNG")


def waterbirds(root: Path) -> Path:
    rows = []
    for number, (y, place, split) in enumerate(PLAN, start=1):
        name = f"{number:03}.Some_Bird/Some_Bird_{number:04}.jpg"
        picture(root / name, y, place)
        rows.append([number, name, y, split, place, f"/o/ocean/{number:08}.jpg"])
    columns = ["img_id", "img_filename", "y", "split", "place", "place_filename"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "metadata.csv", index=False)
    return root


def _celeba_rows(images: Path) -> pd.DataFrame:
    rows = []
    for number, (blond, male, split) in enumerate(PLAN, start=1):
        name = f"{number:06}.jpg"
        picture(images / name, blond, male)
        rows.append((name, 1, 2 * blond - 1, 2 * male - 1, -1, split))
    return pd.DataFrame(rows, columns=["image_id", "Arched_Eyebrows", "Blond_Hair", "Male", "Young", "partition"])


def celeba_csv(root: Path) -> Path:
    """Write it as Kaggle ships it: images in a folder within a folder of the same name."""
    rows = _celeba_rows(root / "img_align_celeba" / "img_align_celeba")
    rows.drop(columns="partition").to_csv(root / "list_attr_celeba.csv", index=False)
    shuffled = rows.sample(frac=1, random_state=0)  # the files are joined by name, not by row
    shuffled[["image_id", "partition"]].to_csv(root / "list_eval_partition.csv", index=False)
    return root


def celeba_txt(root: Path) -> Path:
    """Write it as the authors ship it: ``Anno``, ``Eval`` and ``Img``."""
    rows = _celeba_rows(root / "Img" / "img_align_celeba")
    attributes = list(rows.columns[1:-1])
    lines = [f"{len(rows)}", " ".join(attributes) + " "]
    lines += [
        f"{row.image_id} " + " ".join(f"{getattr(row, name):2}" for name in attributes) for row in rows.itertuples()
    ]
    (root / "Anno").mkdir()
    (root / "Eval").mkdir()
    (root / "Anno" / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
    (root / "Eval" / "list_eval_partition.txt").write_text(
        "".join(f"{row.image_id} {row.partition}\n" for row in rows.itertuples())
    )
    return root


def celeba_metadata(root: Path) -> Path:
    rows = _celeba_rows(root / "img_align_celeba")
    table = pd.DataFrame(
        {
            "img_id": range(len(rows)),
            "img_filename": rows["image_id"],
            "y": (rows["Blond_Hair"] + 1) // 2,
            "split": rows["partition"],
            "place": (rows["Male"] + 1) // 2,
        }
    )
    table.to_csv(root / "metadata.csv", index=False)
    return root


NINE = ("dog", "cat", "frog", "turtle", "bird", "primate", "fish", "crab", "insect")


def imagenet9(root: Path) -> Path:
    rows = []
    for number in range(36):
        label, split = number % 9, (0, 0, 1, 2)[number // 9]
        name = f"{SPLITS[split]}/{NINE[label]}/n{number:08}.jpg"
        picture(root / name, label, number)
        rows.append([number, name, label, NINE[label], split])
    table = pd.DataFrame(rows, columns=["img_id", "img_filename", "y", "label_name", "split"])
    table.to_csv(root / "metadata.csv", index=False)
    return root


def imagenet_a(root: Path) -> Path:
    """Write two dogs, a cat, a frog, an insect, a goldfinch that is no bird of the nine, and the release's README."""
    root = root / "imagenet-a"
    for wordnet_id in ("n02085620", "n02099601", "n02123394", "n01641577", "n02174001", "n01531178"):
        for number in range(2):
            picture(root / wordnet_id / f"0.00{number}_fox squirrel _ bow_0.{number}.jpg", number)
    (root / "README.txt").write_text("ImageNet-A")
    return root


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


def subpopbench(root: Path) -> Path:
    """Write ``metadata_metashift.csv`` with id, filename, split, y, a, beside the folder of the pictures."""
    rows = []
    for number, (y, a, split) in enumerate(PLAN):
        picture(root / "pictures" / f"{number}.png", y, a)
        rows.append([number, f"{number}.png", split, y, a])
    table = pd.DataFrame(rows, columns=["id", "filename", "split", "y", "a"])
    table.to_csv(root / "metadata_metashift.csv", index=False)
    return root


def wilds(root: Path) -> Path:
    """Write a table of images with the in-distribution splits of WILDS among the three."""
    rows = []
    for number, (y, _, split) in enumerate(PLAN):
        picture(root / "train" / f"{number}.png", y, number)
        name = "id_val" if number % 8 == 7 else SPLITS[split]
        rows.append([name, number % 5, y, f"{number}.png"])
    pd.DataFrame(rows, columns=["split", "location_remapped", "y", "filename"]).to_csv(
        root / "metadata.csv", index=False
    )
    return root


def split_folders(root: Path) -> Path:
    for number, (label, cue, split) in enumerate(PLAN):
        picture(root / SPLITS[split] / ("cat", "dog")[label] / f"{number}.png", label, cue)
    return root


def imagefolder(root: Path, kind: str = "csv", nested: bool = False) -> Path:
    """Write Hugging Face's imagefolder: metadata with ``file_name``, in the folder or in each split's."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for number, (label, cue, split) in enumerate(PLAN):
        folder = ("train", "validation", "test")[split]
        picture(root / folder / f"{number:04}.png", label, cue)
        name = f"{number:04}.png" if nested else f"{folder}/{number:04}.png"
        row = {"file_name": name, "label": ("cat", "dog")[label], "background": ("green", "blue")[cue]}
        rows.setdefault(folder if nested else "", []).append(row)
    for folder, part in rows.items():
        file = root / folder / f"metadata.{kind}"
        if kind == "csv":
            pd.DataFrame(part).to_csv(file, index=False)
        else:
            file.write_text("".join(json.dumps(row) + "\n" for row in part))
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


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".parquet":
        pd.DataFrame(rows).to_parquet(path, index=False)
    else:
        pd.DataFrame(rows).to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path


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


def hub_pictures(root: Path) -> Path:
    """Write what lies on the hub: ``data/<split>-....parquet`` with the pictures' bytes inside."""
    features = {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    (root / "data").mkdir()
    for split, name in enumerate(("train", "validation", "test")):
        cells, labels = [], []
        for number, (label, cue, place) in enumerate(PLAN):
            if place == split:
                picture(file := BytesIO(), label, cue)
                cells.append({"bytes": file.getvalue(), "path": f"{number}.png"})
                labels.append(label)
        table = pa.table({"image": pa.array(cells, kind), "label": pa.array(labels, pa.int64())})
        schema = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
        pq.write_table(table.replace_schema_metadata(schema), root / "data" / f"{name}-00000-of-00001.parquet")
    return root


IMAGE_LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "waterbirds": waterbirds,
    "celeba, .csv": celeba_csv,
    "celeba, .txt": celeba_txt,
    "celeba, metadata": celeba_metadata,
    "imagenet9": imagenet9,
    "imagenet_a": imagenet_a,
    "subpopbench": subpopbench,
    "wilds": wilds,
    "split folders": split_folders,
    "imagefolder, .csv": imagefolder,
    "imagefolder, .jsonl in split folders": lambda root: imagefolder(root, "jsonl", nested=True),
    "hub parquet": hub_pictures,
}
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
