"""Inferred groups: a slow run from the description, a planted shortcut, and data without one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurontune_core import EmbeddingSet, InputError, LinearHead
from neurontune_core.evaluation.inferred_groups import environments, inferred_groups, twin_heads


def planted(seed: int, samples: int = 1000, agreement: float = 0.95) -> tuple[EmbeddingSet, np.ndarray]:
    """Draw labels that agree with neuron 0 in a share ``agreement`` and with neuron 1 in 80 %; return who disagrees."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, samples)
    agrees = rng.random((samples, 2)) < [agreement, 0.8]
    signs = np.where(agrees, 2 * labels[:, None] - 1, 1 - 2 * labels[:, None])
    vectors = np.concatenate([signs, 0.3 * rng.normal(size=(samples, 6))], axis=1) + 0.05 * rng.normal(
        size=(samples, 8)
    )
    return EmbeddingSet(vectors, labels, ("cat", "dog")), ~agrees[:, 0]


def slow_twins(data: EmbeddingSet, seed: int, steps: int, length: float) -> tuple[list[torch.Tensor], np.ndarray]:
    """Train twin heads from the description: double precision, autograd, a loop over the classes."""
    rng, (samples, neurons), classes = np.random.default_rng([seed, 0]), data.embeddings.shape, data.num_classes
    mean_length = np.linalg.norm(data.embeddings, axis=1).mean()
    vectors = torch.tensor(data.embeddings.astype(np.float64) * length / mean_length)
    half, labels = rng.integers(0, 2, samples), data.labels.copy()
    heads = [torch.nn.Linear(neurons, classes, dtype=torch.float64) for _ in range(2)]
    for parameter in (parameter for head in heads for parameter in head.parameters()):
        torch.nn.init.zeros_(parameter)
    optimizer = torch.optim.SGD([parameter for head in heads for parameter in head.parameters()], lr=0.01)
    for _ in range(steps):
        outputs = torch.stack([head(vectors) for head in heads], dim=1)
        own, other = outputs[range(samples), half], outputs[range(samples), 1 - half]
        losses = torch.nn.functional.cross_entropy(own, torch.tensor(labels), reduction="none")
        optimizer.zero_grad()
        sum(losses[torch.tensor(labels == label)].mean() for label in np.unique(labels)).backward()
        optimizer.step()
        share = torch.softmax(other.detach(), 1).numpy()
        flips = rng.random(samples) < (share.max(axis=1) - 1 / classes) * classes / (classes - 1)
        labels[flips] = share.argmax(axis=1)[flips]
    return [torch.cat([head.weight, head.bias[:, None]], 1).detach() for head in heads], labels


@pytest.mark.parametrize("classes", [2, 3])
def test_the_twins_are_a_slow_run_of_their_description(classes: int) -> None:
    data, _ = planted(0, 200)
    if classes == 3:
        data = EmbeddingSet(data.embeddings, np.arange(200) % 3, ("cat", "dog", "owl"))
    twins = twin_heads(data, 5, steps=40, length=4.0)
    heads, labels = slow_twins(data, 5, 40, 4.0)
    np.testing.assert_allclose(twins.weights, torch.stack(heads).numpy(), atol=2e-5)
    assert twins.flipped == (labels != data.labels).mean() > 0
    logits = [data.embeddings / twins.length @ head[:, :-1].numpy().T + head[:, -1].numpy() for head in heads]
    wrong = [each.argmax(axis=1) != data.labels for each in logits]
    np.testing.assert_array_equal(twins.mistakes(data), wrong[0] | wrong[1])


@pytest.mark.parametrize("seed", range(3))
def test_what_is_called_hard_are_the_samples_that_a_planted_shortcut_misleads(seed: int) -> None:
    (training, misled), (fresh, also_misled) = planted(seed), planted(seed + 10, agreement=0.5)
    twins = twin_heads(training, seed)
    for data, truth in ((training, misled), (fresh, also_misled)):
        hard = twins.mistakes(data)
        assert truth[hard].mean() >= 0.8
        assert hard[truth].mean() >= 0.8


def test_without_a_shortcut_what_is_called_hard_is_what_a_held_out_head_gets_wrong() -> None:
    rng = np.random.default_rng(0)
    sets = []
    for _ in range(2):
        labels = rng.integers(0, 2, 1500)
        vectors = rng.normal(size=(1500, 4))
        vectors[:, 0] += 1.3 * (2 * labels - 1)
        sets.append(EmbeddingSet(vectors, labels, ("cat", "dog")))
    hard = twin_heads(sets[0], 1, steps=1000).mistakes(sets[1])
    error = (np.sign(sets[1].embeddings[:, 0]) != 2 * sets[1].labels - 1).mean()
    assert error - 0.01 < hard.mean() < error + 0.04


def test_the_length_of_the_vectors_does_not_matter() -> None:
    data, _ = planted(1, 300)
    longer = EmbeddingSet(100 * data.embeddings, data.labels, data.class_names)
    first, second = twin_heads(data, steps=100), twin_heads(longer, steps=100)
    np.testing.assert_allclose(first.weights, second.weights, atol=1e-4)
    np.testing.assert_array_equal(first.mistakes(data), second.mistakes(longer))


def test_groups_are_marked_as_guesses_and_one_class_is_refused() -> None:
    data, _ = planted(2, 60)
    hard = np.arange(60) % 3 == 0
    guessed = inferred_groups(data, hard)
    assert guessed.group_names == (
        "cat, probably easy",
        "cat, probably hard",
        "dog, probably easy",
        "dog, probably hard",
    )
    np.testing.assert_array_equal(guessed.groups % 2 == 1, hard)
    np.testing.assert_array_equal(guessed.groups // 2, data.labels)
    with pytest.raises(InputError, match="at least two classes"):
        twin_heads(EmbeddingSet(np.ones((3, 2)), [0, 0, 0], ("cat", "dog")))


def test_a_class_that_is_flipped_as_a_whole_is_drawn_again_or_refused() -> None:
    """Give the third class a single sample among those of the second, so that no head calls it by its name."""
    rng = np.random.default_rng(0)
    vectors = np.concatenate([rng.normal(-3, 0.1, (60, 2)), rng.normal(3, 0.1, (61, 2))])
    data = EmbeddingSet(vectors, np.repeat([0, 1, 2], [60, 60, 1]), ("a", "b", "c"))
    with pytest.raises(InputError, match="a class as a whole another's name"):
        twin_heads(data, steps=1500)


def test_environments_are_the_split_with_the_largest_penalty() -> None:
    """Compare with every split of a few samples: the sum of both parts' squared mean slopes, each over all samples."""
    rng = np.random.default_rng(4)
    data = EmbeddingSet(rng.normal(size=(9, 3)), np.arange(9) % 3, ("a", "b", "c"))
    head = LinearHead(rng.normal(size=(3, 3)), np.zeros(3))
    logits = torch.tensor(head.logits(data.embeddings), dtype=torch.float64)
    slopes = []
    for row, label in enumerate(data.labels):
        scale = torch.ones(1, dtype=torch.float64, requires_grad=True)
        loss = torch.nn.functional.cross_entropy(scale * logits[row : row + 1], torch.tensor([label]))
        slopes.append(torch.autograd.grad(loss, scale)[0].item())
    splits = [np.array([bool(number >> row & 1) for row in range(9)]) for number in range(512)]
    penalty = [np.dot(part, slopes) ** 2 + np.dot(~part, slopes) ** 2 for part in splits]
    largest = splits[int(np.argmax(penalty))]
    environment = environments(head, data)
    assert (environment == largest).all() or (environment == ~largest).all()
    two = EmbeddingSet(rng.normal(size=(40, 3)), np.arange(40) % 2, ("a", "b"))
    binary = LinearHead(rng.normal(size=(2, 3)), rng.normal(size=2))
    np.testing.assert_array_equal(environments(binary, two), binary.predict(two.embeddings) != two.labels)
