"""The training loop beside torch's autograd and optimisers on the very same batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.head import LinearHead
from neurontune_core.tuning import balanced_trainer
from neurontune_core.tuning.balanced_trainer import BalancedTrainer
from neurontune_core.tuning.config import TuneConfig


def problem(classes: int, samples: int = 90, neurons: int = 13) -> tuple[EmbeddingSet, LinearHead]:
    rng = np.random.default_rng(classes)
    labels = rng.permutation(np.arange(samples) % classes)
    embeddings = np.maximum(rng.normal(size=(samples, neurons)) + 0.3 * (labels % 3)[:, None], 0)
    data = EmbeddingSet(embeddings.astype(np.float32), labels, tuple(map(str, range(classes))))
    return data, LinearHead(rng.normal(size=(classes, neurons)) * 0.3, rng.normal(size=classes))


def with_torch(
    head: LinearHead, data: EmbeddingSet, batches: np.ndarray, masks: list[np.ndarray], config: TuneConfig
) -> tuple[LinearHead, list[float]]:
    """Train the same epochs with autograd in double precision: one mask and as many batches an epoch."""
    weight = torch.tensor(head.weight, dtype=torch.float64, requires_grad=True)
    bias = torch.tensor(head.bias, dtype=torch.float64, requires_grad=True)
    optimizer: torch.optim.Optimizer
    if config.optimizer == "sgd":
        optimizer = torch.optim.SGD(
            [weight, bias], lr=config.learning_rate, momentum=config.momentum, weight_decay=config.weight_decay
        )
    else:
        optimizer = torch.optim.AdamW([weight, bias], lr=config.learning_rate, weight_decay=config.weight_decay)
    embeddings = torch.tensor(data.embeddings, dtype=torch.float64)
    labels = torch.tensor(data.labels)
    losses = []
    for epoch, mask in zip(batches.reshape(len(masks), -1, batches.shape[1]), masks, strict=True):
        total = 0.0
        for batch in epoch:
            # Eq. 7 by the letter: the activations are multiplied by the mask before each class's product.
            masked = embeddings[batch][:, None, :] * torch.tensor(mask, dtype=torch.float64)[None]
            logits = (masked * weight[None]).sum(dim=2) + bias
            loss = torch.nn.functional.cross_entropy(logits, labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        losses.append(total / len(epoch))
    return LinearHead(weight.detach().numpy(), bias.detach().numpy()), losses


class Recorded(BalancedTrainer):
    """Remembers what it drew."""

    def draw(self) -> np.ndarray:
        batches = super().draw()
        self.drawn = [*getattr(self, "drawn", []), batches]
        return batches


def trainer_of(data: EmbeddingSet, head: LinearHead, config: TuneConfig, seed: int = 0) -> Recorded:
    return Recorded(head, data.embeddings, data, config, np.random.default_rng(seed))


MASKS = {
    "no mask": lambda rng, c, m: np.ones((c, m)),
    "silenced": lambda rng, c, m: np.broadcast_to(rng.random(m) < 0.5, (c, m)),
    "partial": lambda rng, c, m: np.broadcast_to(np.where(rng.random(m) < 0.5, 0.4, 1), (c, m)),
    "by class": lambda rng, c, m: np.where(rng.random((c, m)) < 0.5, 0.0, 1),
    "by class, partial": lambda rng, c, m: np.where(rng.random((c, m)) < 0.5, 0.3, 1),
}


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("classes", [2, 3, 20])
def test_epochs_are_those_of_torch_on_the_same_batches(classes: int, optimizer: str, kind: str) -> None:
    data, head = problem(classes)
    config = TuneConfig(
        batches=15, batch_size=24, learning_rate=0.05, optimizer=optimizer, weight_decay=0.03, momentum=0.8
    )
    rng = np.random.default_rng(5)
    masks = [np.array(MASKS[kind](rng, classes, 13), dtype=np.float32) for _ in range(3)]
    trainer = trainer_of(data, head, config)
    losses = [trainer.run(mask) for mask in masks]
    expected, expected_losses = with_torch(head, data, np.concatenate(trainer.drawn), masks, config)
    np.testing.assert_allclose(losses, expected_losses, rtol=2e-5)
    np.testing.assert_allclose(trainer.head().weight, expected.weight, atol=5e-5)
    np.testing.assert_allclose(trainer.head().bias, expected.bias, atol=5e-5)


@pytest.mark.parametrize(("classes", "batch_size"), [(2, 2), (2, 14), (3, 15), (3, 21)])
def test_a_batch_that_cannot_be_taken_four_rows_at_a_time_counts_each_row_once(classes: int, batch_size: int) -> None:
    data, head = problem(classes)
    config = TuneConfig(batches=6, batch_size=batch_size, learning_rate=0.05)
    mask = np.ones((classes, 13), np.float32)
    trainer = trainer_of(data, head, config)
    loss = trainer.run(mask)
    assert trainer.drawn[0].shape == (6, batch_size)
    expected, expected_losses = with_torch(head, data, trainer.drawn[0], [mask], config)
    assert loss == pytest.approx(expected_losses[0], rel=2e-5)
    np.testing.assert_allclose(trainer.head().weight, expected.weight, atol=5e-5)
    np.testing.assert_allclose(trainer.head().bias, expected.bias, atol=5e-5)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("classes", [2, 5])
def test_the_path_for_many_classes_takes_the_same_steps(
    classes: int, optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, head = problem(classes)
    config = TuneConfig(batches=20, batch_size=20, learning_rate=0.03, optimizer=optimizer)
    mask = np.where(np.random.default_rng(1).random((classes, 13)) < 0.4, 0.2, 1).astype(np.float32)
    mask[:, 3] = 0
    fused, products = trainer_of(data, head, config), trainer_of(data, head, config)
    fused_loss = [fused.run(mask), fused.run(mask)]
    monkeypatch.setattr(balanced_trainer, "MOST_FUSED_CLASSES", 0)
    loss = [products.run(mask), products.run(mask)]
    np.testing.assert_allclose(loss, fused_loss, rtol=1e-5)
    np.testing.assert_allclose(products.head().weight, fused.head().weight, atol=2e-5)
    np.testing.assert_allclose(products.head().bias, fused.head().bias, atol=2e-5)


@pytest.mark.parametrize("classes", [2, 20])
def test_silenced_columns_get_no_gradient_but_decay(classes: int) -> None:
    data, head = problem(classes)
    silenced = np.arange(13) % 2 == 0
    mask = np.broadcast_to(np.where(silenced, 0, 1), (classes, 13)).astype(np.float32)
    still = trainer_of(data, head, TuneConfig(batches=10, batch_size=40, weight_decay=0.0, learning_rate=0.1))
    still.run(mask)
    np.testing.assert_array_equal(still.head().weight[:, silenced], head.weight[:, silenced])
    assert (still.head().weight[:, ~silenced] != head.weight[:, ~silenced]).any()
    config = TuneConfig(batches=1, batch_size=40, weight_decay=0.5, learning_rate=0.1)
    decaying = trainer_of(data, head, config)
    decaying.run(mask)
    np.testing.assert_allclose(
        decaying.head().weight[:, silenced], head.weight[:, silenced] * (1 - 0.1 * 0.5), rtol=1e-6
    )


def test_momentum_outlives_the_epoch() -> None:
    data, head = problem(2)
    mask = np.ones((2, 13), np.float32)
    long = trainer_of(data, head, TuneConfig(batches=20, batch_size=10, learning_rate=0.05))
    long.run(mask)
    short = trainer_of(data, head, TuneConfig(batches=10, batch_size=10, learning_rate=0.05))
    short.draw = lambda halves=iter(np.split(long.drawn[0], 2)): next(halves)  # type: ignore[method-assign]
    short.run(mask)
    short.run(mask)
    np.testing.assert_allclose(short.head().weight, long.head().weight, atol=1e-6)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_a_batch_holds_as_many_of_each_class_drawn_with_replacement(classes: int) -> None:
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(100) < 0.9, 0, rng.integers(0, classes, 100))
    labels[:classes] = np.arange(classes)
    data = EmbeddingSet(rng.normal(size=(100, 4)), labels, tuple(map(str, range(classes))))
    head = LinearHead(np.zeros((classes, 4)), np.zeros(classes))
    trainer = trainer_of(data, head, TuneConfig(batches=300, batch_size=32))
    batches = trainer.draw()
    assert batches.shape == (300, 32 // classes * classes)
    for label in range(classes):
        assert ((labels[batches] == label).sum(axis=1) == 32 // classes).all()
        own = np.flatnonzero(labels == label)
        seen = np.bincount(batches[labels[batches] == label], minlength=100)[own]
        expected = 300 * (32 // classes) / len(own)
        assert np.abs(seen - expected).max() < 6 * expected**0.5 + 1  # uniform over the class


def test_few_drawn_rows_of_a_large_set_train_as_all_rows_do() -> None:
    data, head = problem(2, samples=90)
    config = TuneConfig(batches=4, batch_size=10, learning_rate=0.1)  # 40 of 90 rows drawn at most
    trainer = trainer_of(data, head, config)
    mask = np.ones((2, 13), np.float32)
    trainer.run(mask)
    expected, _ = with_torch(head, data, trainer.drawn[0], [mask], config)
    np.testing.assert_allclose(trainer.head().weight, expected.weight, atol=1e-5)


@pytest.mark.parametrize("classes", [2, 20])
@pytest.mark.parametrize("batches", [3, 30])  # fewer rows drawn than there are, and every row several times
def test_half_precision_on_disk_trains_as_the_same_numbers_in_memory(
    classes: int, batches: int, tmp_path: Path
) -> None:
    data, head = problem(classes, samples=200, neurons=400)
    np.save(tmp_path / "half.npy", data.embeddings.astype(np.float16))
    half = np.load(tmp_path / "half.npy", mmap_mode="r")
    single = half.astype(np.float32)
    mask = np.broadcast_to(np.arange(400) % 3 > 0, (classes, 400)).astype(np.float32)
    heads = []
    for vectors in (half, single):
        trainer = BalancedTrainer(
            head, vectors, data, TuneConfig(batches=batches, batch_size=40), np.random.default_rng(0)
        )
        for factors in (mask, np.ones_like(mask), mask):
            trainer.run(factors)
        heads.append(trainer.head())
    np.testing.assert_array_equal(heads[0].weight, heads[1].weight)
    np.testing.assert_array_equal(heads[0].bias, heads[1].bias)


def test_the_columns_left_out_take_the_same_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    data, head = problem(3)
    mask = np.broadcast_to(np.arange(13) % 3 > 0, (3, 13)).astype(np.float32)
    heads = []
    for uses in (2, 1000):
        monkeypatch.setattr(balanced_trainer, "_USES", uses)
        trainer = trainer_of(data, head, TuneConfig(batches=20, batch_size=30, learning_rate=0.05))
        trainer.run(mask)
        heads.append(trainer.head())
    np.testing.assert_allclose(heads[0].weight, heads[1].weight, atol=1e-6)
    assert (heads[0].weight != head.weight)[:, 1:3].all()


def test_the_starting_head_is_not_changed() -> None:
    data, head = problem(2)
    before = head.weight.copy()
    trainer_of(data, head, TuneConfig(batches=5)).run(np.ones((2, 13), np.float32))
    np.testing.assert_array_equal(head.weight, before)


def test_huge_logits_do_not_overflow() -> None:
    data, head = problem(3)
    trainer = trainer_of(data, LinearHead(head.weight * 1e4, head.bias), TuneConfig(batches=3, batch_size=30))
    assert np.isfinite(trainer.run(np.ones((3, 13), np.float32)))
    assert np.isfinite(trainer.head().weight).all()


def test_a_batch_too_small_for_the_classes_is_refused() -> None:
    data, head = problem(3)
    with pytest.raises(InputError, match="A batch of 2 cannot hold one sample of each of the 3 classes; use a batch"):
        trainer_of(data, head, TuneConfig(batch_size=2))


def test_a_class_without_tuning_samples_is_refused_by_name() -> None:
    data, head = problem(3)
    missing = EmbeddingSet(data.embeddings, np.minimum(data.labels, 1), ("cat", "dog", "cow"))
    with pytest.raises(InputError, match='Class "cow" has no sample in the tuning set, so no class-balanced batch'):
        trainer_of(missing, head, TuneConfig())
