"""The field's terms in one sentence each, and how numbers are written."""

from __future__ import annotations

import re

from neurontune_core import tables
from neurontune_core.evaluation.accuracy import Proportion

HELP = {
    "split": (
        "Heads are measured on this split, and Overview, Check and Groups show its samples. Neurons are always "
        "identified on the identification split."
    ),
    "class": (
        "Only samples of this class are listed, and its scores rank the neurons. With all classes, the class with most "
        "misclassified samples in the identification split ranks them; it stands first in this list."
    ),
    "average": "Share of all samples of the split that are classified correctly; each sample counts once.",
    "worst group": (
        "The lowest accuracy among the groups (class × hidden attribute) of the split. Group labels only measure; they "
        "never identify neurons or train heads."
    ),
    "worst class": "The lowest accuracy among the classes of the split.",
    "gap": "Average accuracy minus worst-group accuracy, in percentage points.",
    "score": (
        "Median activation on the misclassified samples of a class minus the median on its correct ones. Above zero, "
        "the neuron fires harder when the classifier is wrong."
    ),
    "significant": (
        "The exact permutation test of the score, corrected for testing all neurons (Benjamini-Hochberg, 5 %), rejects "
        "chance, and the 95 % bootstrap interval of the score lies above λ."
    ),
    "words": (
        "Words that are more frequent in the tenth of the samples on which this neuron fires most than in the others "
        "(log-odds with a Dirichlet prior), with their counts. All words of digits count as one."
    ),
    "order": (
        "Only what is shown first: the mask stays the same. Scores of the class with most misclassified samples rest "
        "on the most evidence; the lower end of their 95 % interval also allows for chance. The paper takes the "
        "highest score over all classes, which may rest on two or three misclassified samples."
    ),
    "threshold": "λ: a neuron counts as biased when its score exceeds λ for any class. The paper uses 0.",
    "stable": (
        "Masks a neuron only where its score exceeds λ by two standard errors, so that chance rarely selects it."
    ),
    "mask value": "Activations of masked neurons are multiplied by this: 0 removes them, 1 changes nothing.",
    "map": (
        "Principal axes: the two directions along which the embeddings vary most; a projection. UMAP: neighbors in "
        "all dimensions are neighbors on the map; clusters mean something, axes and distances between clusters do not. "
        "It is computed once, in the background, from a fixed seed; tens of thousands of samples take minutes. At most "
        "100,000 samples fit the map; the others are placed among them."
    ),
    "sfit": (
        "SFit (spuriousness fitness score, Σ|delta|): the sum of all absolute scores of the retrained head on the "
        "identification split. It needs no group labels."
    ),
    "retrain": (
        "Retrains the last layer on class-balanced batches with this mask and, for comparison, without one. The "
        "Retrain screen has the settings."
    ),
    "erm": "Empirical risk minimization: the classifier as it was trained.",
    "no masking": "Class-balanced retraining (no masking): the baseline that the mask has to beat.",
}


def percent(part: Proportion | None) -> str:
    """Return an accuracy such as "74.5 %"."""
    return tables.percent(None if part is None else part.accuracy)


def interval(part: Proportion | None) -> str:
    """Return the 95 % Wilson interval and the number of samples."""
    if part is None or not part.n:
        return "no group labels"
    low, high = part.interval
    return f"{100 * low:.0f}–{100 * high:.0f}\u00a0% · n\u00a0=\u00a0{part.n}"


def plain(text: str) -> str:
    """Return foreign text with everything escaped that Markdown would interpret."""
    text = re.sub(r"([\\`*_{}\[\]<>#$~:|&!^])", r"\\\1", " ".join(text.split()))
    return re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", text)  # a list or a heading, at the start alone
