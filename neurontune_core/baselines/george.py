"""GEORGE on the head: clusters along the margin of each class become the groups of group DRO (Sohoni et al., 2020)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from neurontune_core.baselines.base import BY_GROUP, Fitted, best_of, setting
from neurontune_core.baselines.clusters import MarginMixture
from neurontune_core.baselines.group_dro import GroupDroSettings, robust_epochs
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.head import LinearHead

GeorgeSelect = Literal["worst_cluster_accuracy", "worst_class_accuracy", "worst_group_accuracy"]


@dataclass(frozen=True)
class GeorgeSettings(GroupDroSettings):
    """As in the published runs the epoch is chosen by the worst cluster, and C is 2 (Waterbirds; 3 on CelebA); of the
    paper's two reductions this is the margin, not UMAP. Rate and decay are those of group DRO on a head."""

    most_clusters: int = setting(10, "largest number of clusters tried in a class; the silhouette chooses", low=2)
    select: GeorgeSelect = setting(  # type: ignore[assignment]
        "worst_cluster_accuracy",
        "measured on the identification set to choose the epoch; worst_group_accuracy uses group labels",
        choices=GeorgeSelect,
    )


def fit(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: GeorgeSettings) -> Fitted:
    """Cluster the tuning set by the head's margins, then train with group DRO over the clusters.

    The identification set is assigned to the same clusters, to select the epoch.
    """
    train, selection = margins(head, tuning), margins(head, identification)
    groups = np.empty(tuning.num_samples, dtype=np.int64)
    selection_groups = np.empty(identification.num_samples, dtype=np.int64)
    begin = 0
    for label in np.unique(tuning.labels):
        own, own_selection = tuning.labels == label, identification.labels == label
        mixture = MarginMixture(train[own], settings.most_clusters, settings.seed % 2**32)
        groups[own] = begin + mixture.assign(train[own])
        selection_groups[own_selection] = begin + mixture.assign(selection[own_selection])
        begin += mixture.count
    select: str = settings.select
    warnings: tuple[str, ...] = ()
    if select == "worst_cluster_accuracy":
        names = tuple(map(str, range(begin)))
        identification = replace(identification, groups=selection_groups, group_names=names)
        warnings = _unseen(np.bincount(groups, minlength=begin), np.bincount(selection_groups, minlength=begin))
        select = BY_GROUP
    best = best_of(robust_epochs(head, tuning, groups, settings), identification, select)
    if settings.select == "worst_cluster_accuracy" and best.chosen[select] == 0:
        warnings += (
            "In every epoch some cluster is misclassified as a whole, so the average accuracy chose the epoch.",
        )
    chosen = {"epoch": best.chosen["epoch"], "num_clusters": begin, settings.select: best.chosen[select]}
    return Fitted(best.head, chosen, warnings)


def _unseen(trained: np.ndarray, judged: np.ndarray) -> tuple[str, ...]:
    """Return a sentence when clusters with [K] training samples have none to be judged by."""
    empty = int(((trained > 0) & (judged == 0)).sum())
    if not empty:
        return ()
    return (
        f"{empty} of {len(trained)} clusters have no sample in the identification set, so they do not count when the "
        "epoch is chosen.",
    )


def margins(head: LinearHead, embedding_set: EmbeddingSet) -> np.ndarray:
    """Return [N] float64, the logit of the sample's class minus the largest other logit.

    >>> head = LinearHead(np.eye(2), np.zeros(2))
    >>> margins(head, EmbeddingSet(np.array([[3.0, 1.0], [3.0, 1.0]]), [0, 1], ("land", "water"))).tolist()
    [2.0, -2.0]
    """
    logits = head.logits(embedding_set.embeddings).astype(np.float64)
    own = (np.arange(len(logits)), embedding_set.labels)
    own_logit = logits[own]
    logits[own] = -np.inf
    return np.asarray(own_logit - logits.max(axis=1))
