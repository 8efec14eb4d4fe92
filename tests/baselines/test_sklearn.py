"""Methods whose core is a known estimator, beside scikit-learn run plainly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score, silhouette_samples
from sklearn.mixture import GaussianMixture
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import StandardScaler

from neurontune_core import EmbeddingSet, LinearHead
from neurontune_core.baselines import bpa, dfr
from neurontune_core.baselines.base import best_of
from neurontune_core.baselines.clusters import MarginMixture, cosine_kmeans, lloyd
from neurontune_core.baselines.l1 import l1_logistic
from neurontune_core.baselines.registry import METHODS


def overlapping(seed: int, classes: int, samples: int = 240, neurons: int = 8) -> EmbeddingSet:
    """Draw overlapping classes of two equally large groups each; the neurons' scales differ by a factor of 50."""
    rng = np.random.default_rng(seed)
    labels = np.arange(samples) % classes
    attribute = np.arange(samples) // classes % 2
    shift = np.random.default_rng(7).normal(size=(classes, neurons))
    vectors = (rng.normal(size=(samples, neurons)) + shift[labels]) * np.geomspace(0.1, 5, neurons) + 1
    names = tuple("abc"[:classes])
    groups = tuple(f"{name}{side}" for name in names for side in (0, 1))
    return EmbeddingSet(vectors, labels, names, 2 * labels + attribute, groups)


def blank(data: EmbeddingSet) -> LinearHead:
    return LinearHead(np.zeros((data.num_classes, data.num_neurons)), np.zeros(data.num_classes))


def plain(strength: float) -> LogisticRegression:
    return LogisticRegression(l1_ratio=1, C=strength, solver="liblinear", random_state=0)


@pytest.mark.parametrize("strength", [1.0, 0.03])
def test_l1_logistic_is_scikit_learns_binary_and_one_against_the_rest(strength: float) -> None:
    two, three = overlapping(0, 2), overlapping(0, 3)
    head = l1_logistic(two.embeddings, two.labels, 2, strength, 0)
    logits = head.logits(two.embeddings)
    expected = plain(strength).fit(two.embeddings, two.labels)
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], expected.decision_function(two.embeddings), atol=1e-4)
    head = l1_logistic(three.embeddings, three.labels, 3, strength, 0)
    many = OneVsRestClassifier(plain(strength)).fit(three.embeddings, three.labels)
    np.testing.assert_allclose(head.logits(three.embeddings), many.decision_function(three.embeddings), atol=1e-4)
    np.testing.assert_array_equal(head.predict(three.embeddings), many.predict(three.embeddings))


@pytest.mark.parametrize("classes", [2, 3])
def test_variable_selection_keeps_the_c_that_serves_the_worst_class_of_the_identification_set(classes: int) -> None:
    tuning, identification = overlapping(0, classes), overlapping(1, classes)
    entry = METHODS["variable_selection"]
    grid = (0.003, 0.3, 0.01)
    result = entry.run(blank(tuning), identification, tuning, entry.settings(strengths=grid))
    worst = {}
    for strength in grid:
        model = plain(strength) if classes == 2 else OneVsRestClassifier(plain(strength))
        right = model.fit(tuning.embeddings, tuning.labels).predict(identification.embeddings) == identification.labels
        worst[strength] = min(right[identification.labels == label].mean() for label in range(classes))
        if strength == result.chosen["C"]:
            np.testing.assert_array_equal(
                result.head.predict(identification.embeddings) == identification.labels, right
            )
            kept = np.abs(model.coef_ if classes == 2 else np.stack([m.coef_[0] for m in model.estimators_])) > 0
            assert result.chosen["num_kept"] == kept.any(axis=0).sum()
    assert result.chosen["C"] == max(worst, key=lambda strength: worst[strength])
    assert result.chosen["worst_class_accuracy"] == max(worst.values())


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("scale", ["tuning", "identification"])
def test_dfr_on_groups_of_one_size_is_a_scaler_and_an_l1_logistic_regression(classes: int, scale: str) -> None:
    held_out, training = overlapping(2, classes), overlapping(4, classes)
    training = replace(training, embeddings=training.embeddings * np.geomspace(0.3, 3, 8).astype(np.float32) + 2)
    entry = METHODS["dfr"]
    result = entry.run(blank(held_out), held_out, training, entry.settings(strengths=(0.3,), refits=3, scale=scale))
    scaler = StandardScaler().fit((training if scale == "tuning" else held_out).embeddings)
    model = plain(0.3) if classes == 2 else OneVsRestClassifier(plain(0.3))
    expected = model.fit(scaler.transform(held_out.embeddings), held_out.labels)
    decision = expected.decision_function(scaler.transform(held_out.embeddings))
    logits = result.head.logits(held_out.embeddings)
    decisions = logits[:, 1] - logits[:, 0] if classes == 2 else logits
    np.testing.assert_allclose(decisions, decision, atol=0.02 * np.abs(decision).max())


@pytest.mark.parametrize("key", ["dfr", "dfr_train"])
def test_dfr_averages_refits_on_group_balanced_subsets_of_the_c_it_chose(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unequal = overlapping(3, 2)
    rows = np.concatenate([np.flatnonzero(unequal.groups == group)[: 60 - 13 * group] for group in range(4)])
    unequal, other = unequal.take(rows), overlapping(5, 2)  # groups of 60, 47, 34 and 21; and an equal set
    identification, tuning = (unequal, other) if key == "dfr" else (other, unequal)
    fitted = []

    def spy(vectors: np.ndarray, labels: np.ndarray, classes: int, strength: float, seed: int) -> LinearHead:
        head = l1_logistic(vectors, labels, classes, strength, seed)
        fitted.append((head, vectors, labels, strength))
        return head

    judged = []
    monkeypatch.setattr(dfr, "l1_logistic", spy)
    monkeypatch.setattr(
        dfr, "best_of", lambda candidates, on, select: judged.append(on) or best_of(candidates, on, select)
    )
    entry = METHODS[key]
    result = entry.run(blank(unequal), identification, tuning, entry.settings(strengths=(1e-6, 0.3), refits=4))
    assert [strength for *_, strength in fitted] == [1e-6, 0.3] + 4 * [0.3]  # so strong a penalty leaves nothing
    assert result.chosen["C"] == 0.3
    by_train = StandardScaler().fit(tuning.embeddings.astype(np.float64))
    subsets = []
    for place, (_, vectors, labels, _) in enumerate(fitted):
        if place < 2 and key == "dfr":  # the choice is scaled by the samples that it is fitted on
            np.testing.assert_allclose(vectors.mean(axis=0), 0, atol=1e-5)
            np.testing.assert_allclose(vectors.std(axis=0), 1, atol=1e-4)
            sizes = np.bincount(judged[0].groups).tolist()
            assert (sizes, len(vectors)) == ([30, 24, 17, 11], 4 * 10)
            continue
        scaled = by_train.transform(unequal.embeddings.astype(np.float64))
        member = [int(np.abs(scaled - row).sum(axis=1).argmin()) for row in vectors]
        assert len(set(member)) == len(member)
        np.testing.assert_allclose(vectors, scaled[member], atol=1e-4)
        np.testing.assert_array_equal(labels, unequal.labels[member])
        assert np.bincount(unequal.groups[member]).tolist() == 4 * [21]
        subsets.append(tuple(sorted(member)))
    assert len(set(subsets[-4:])) == 4
    assert key == "dfr" or judged[0].num_samples == other.num_samples  # all of the identification set chooses
    mean = np.mean([head.logits(by_train.transform(other.embeddings)) for head, *_ in fitted[2:]], axis=0)
    np.testing.assert_allclose(result.head.logits(other.embeddings), mean, atol=1e-4)


def test_ssl_erm_converges_to_logistic_regression_without_a_penalty() -> None:
    tuning = overlapping(4, 2)
    tuning = replace(tuning, embeddings=StandardScaler().fit_transform(tuning.embeddings))
    entry = METHODS["ssl_erm"]
    settings = entry.settings(epochs=60, batch_size=240, learning_rate=0.05, weight_decay=0.0, momentum=0.0)
    result = entry.run(blank(tuning), tuning, tuning, settings)
    model = LogisticRegression(C=np.inf).fit(tuning.embeddings, tuning.labels)
    weight = result.head.weight[1] - result.head.weight[0]
    assert np.corrcoef(weight, model.coef_[0])[0, 1] > 0.99
    right = (result.head.predict(tuning.embeddings) == tuning.labels).mean()
    assert right >= model.score(tuning.embeddings, tuning.labels) - 0.01


def blobs(seed: int, neurons: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Draw four directions, with lengths that tell nothing."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 4, 300)
    directions = np.eye(4, neurons)[kinds] + 0.08 * rng.normal(size=(300, neurons))
    vectors = directions * rng.uniform(0.1, 9, (300, 1))
    return vectors.astype(np.float32), kinds


@pytest.mark.parametrize("seed", range(5))
def test_cosine_kmeans_finds_directions_and_is_as_tight_as_scikit_learns(seed: int) -> None:
    vectors, kinds = blobs(seed)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    clusters = cosine_kmeans(vectors, 4, np.random.default_rng(seed))
    theirs = KMeans(4, n_init=10, random_state=0).fit(units)
    # One start can fall into a local optimum, so from theirs ours must end at theirs.
    polished = lloyd(units, theirs.cluster_centers_ / np.linalg.norm(theirs.cluster_centers_, axis=1, keepdims=True))
    assert adjusted_rand_score(polished.assigned, theirs.labels_) == 1.0
    assert adjusted_rand_score(theirs.labels_, kinds) == 1.0
    np.testing.assert_allclose(np.linalg.norm(clusters.centers, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(clusters.assigned, (units @ clusters.centers.T).argmax(axis=1))
    for place in range(4):
        mean = units[clusters.assigned == place].mean(axis=0)
        np.testing.assert_allclose(clusters.centers[place], mean / np.linalg.norm(mean), atol=1e-5)


def test_cosine_kmeans_finds_the_directions_from_most_starts() -> None:
    vectors, kinds = blobs(0)
    scores = [
        adjusted_rand_score(cosine_kmeans(vectors, 4, np.random.default_rng(s)).assigned, kinds) for s in range(20)
    ]
    assert np.mean(np.array(scores) == 1.0) >= 0.6


def test_kmeans_bears_zeros_copies_and_few_samples() -> None:
    rng = np.random.default_rng(0)
    assert cosine_kmeans(np.zeros((5, 3), np.float32), 2, rng).assigned.tolist() == [0] * 5
    assert len(cosine_kmeans(np.eye(2, dtype=np.float32), 8, rng).centers) == 2
    assert np.isfinite(cosine_kmeans(np.ones((4, 3), np.float32), 3, rng).centers).all()


def test_pseudo_groups_never_mix_classes() -> None:
    vectors, _ = blobs(1)
    labels = np.random.default_rng(0).integers(0, 3, 300)
    clusters = bpa.pseudo_groups(vectors, labels, 4, np.random.default_rng(0))
    assert clusters.max() == 11
    for place in range(12):
        assert len(np.unique(labels[clusters == place])) == 1


@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_mixture_finds_how_many_clusters_lie_along_the_margin(count: int) -> None:
    rng = np.random.default_rng(count)
    kinds = rng.integers(0, count, 400)
    margins = 8.0 * kinds + rng.normal(size=400)
    mixture = MarginMixture(margins, 8, 0)
    assert mixture.count == count
    assert adjusted_rand_score(mixture.assign(margins), kinds) > 0.98
    fresh = rng.integers(0, count, 100)
    assert adjusted_rand_score(mixture.assign(8.0 * fresh + rng.normal(size=100)), fresh) > 0.95


def test_every_cluster_counts_alike_when_the_mixture_is_chosen() -> None:
    """Compare with scikit-learn run plainly: the best mean of the mean silhouettes of clusters, of ties the later."""
    rng = np.random.default_rng(0)
    margins = np.concatenate([rng.normal(0, 1.5, 150), rng.normal(6, 0.1, 6), rng.normal(7, 0.1, 6), [14, 14.1, 14.2]])
    own = margins[np.random.default_rng(3).permutation(165), None]
    scores, by_sample = {}, {}
    for size in range(2, 9):
        labels = GaussianMixture(size, n_init=3, random_state=3).fit(own).predict(own)
        each = silhouette_samples(own, labels)
        scores[size] = np.mean([each[labels == label].mean() for label in np.unique(labels)])
        by_sample[size] = each.mean()
    assert max(scores, key=lambda size: scores[size]) != max(by_sample, key=lambda size: by_sample[size])
    assert MarginMixture(margins, 8, 3).count == max(scores, key=lambda size: (scores[size], size))


def test_margins_that_are_all_the_same_make_one_cluster() -> None:
    mixture = MarginMixture(np.ones(50), 8, 0)
    assert mixture.count == 1
    assert mixture.assign(np.array([0.0, 1.0, 7.0])).tolist() == [0, 0, 0]
    assert MarginMixture(np.ones(1), 8, 0).count == 1
