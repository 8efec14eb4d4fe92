"""The field's terms in one sentence each, and how numbers are written."""

from __future__ import annotations

import re

from neurontune_core.evaluation.accuracy import Proportion

HELP = {
    "split": (
        "The samples that heads are measured on, and that you look at on Overview, Check and Groups. The neurons are "
        "always those found on the identification split."
    ),
    "class": (
        "Whose samples are listed and, on Neurons, whose activations are drawn. With all classes, Neurons draws the "
        "class that gives the neuron its score."
    ),
    "average": "Share of all samples of the split that are classified right, each counted once.",
    "worst group": (
        "The lowest accuracy among the groups (class × hidden attribute) of the split. "
        "Group labels are used for this number only, never to find neurons or to retrain."
    ),
    "worst class": "The lowest accuracy among the classes of the split.",
    "gap": "Average accuracy minus worst-group accuracy, in percentage points.",
    "score": (
        "Median activation on the misclassified samples of a class minus the median on its correct ones. "
        "Above zero, the neuron fires harder when the classifier is wrong."
    ),
    "sure": (
        "Exact permutation test of every score, corrected for testing all neurons (Benjamini-Hochberg, 5 %), and its "
        "95 % bootstrap interval lies above λ."
    ),
    "words": (
        "Words more frequent in the tenth of the samples on which this neuron fires most than in the others (log-odds "
        "with a Dirichlet prior); in brackets, how often. Words of digits count as one."
    ),
    "threshold": "λ: a neuron counts as biased when its score exceeds this for any class. The paper uses 0.",
    "mask value": "Activations of biased neurons are multiplied by this: 0 silences them, 1 changes nothing.",
    "map": (
        "Principal axes: the two directions along which the embeddings differ most; distances are true, but flattened. "
        "UMAP: what is near in all dimensions is near on the map; clusters mean something, axes and the distances "
        "between clusters do not. It is made once, beside the screen, from a fixed seed; tens of thousands of "
        "samples take minutes. It is fitted on 100,000 samples at most; further ones are placed among them."
    ),
    "sfit": "The sum of all |scores| of the retrained head on the identification split; needs no group labels.",
    "retrain": (
        "Trains the last layer again on class-balanced batches with this mask, and beside it without one. The settings "
        "are on the Retrain screen."
    ),
    "erm": "Empirical risk minimisation: the classifier as it was trained, before any repair.",
    "mask alone": "The ERM head with the run's mask, not retrained.",
    "masking off": "The head retrained on class-balanced batches without any mask. The baseline to beat.",
}


def percent(part: Proportion | None) -> str:
    return "–" if part is None or not part.n else f"{100 * part.correct / part.n:.1f} %"


def interval(part: Proportion | None) -> str:
    """The 95 % Wilson interval, and on how many samples it rests."""
    if part is None or not part.n:
        return "no group labels"
    low, high = part.interval
    return f"{100 * low:.0f}–{100 * high:.0f}\u00a0% · n\u00a0=\u00a0{part.n}"


def plain(text: str) -> str:
    """Foreign text, with what Markdown would make something of escaped."""
    text = re.sub(r"([\\`*_{}\[\]<>#$~:|&!^])", r"\\\1", " ".join(text.split()))
    return re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", text)  # a list or a heading, at the start alone
