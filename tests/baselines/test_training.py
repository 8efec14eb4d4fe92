"""Methods that train a head, beside slow runs in double precision from their descriptions, and sums done by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from neurontune_core import EmbeddingSet, InputError, LinearHead, evaluate
from neurontune_core.baselines.afr import AfrSettings
from neurontune_core.baselines.bpa import BpaSettings, cluster_weights, pseudo_groups
from neurontune_core.baselines.george import margins
from neurontune_core.baselines.group_dro import GroupDroSettings, updated_weights
from neurontune_core.baselines.lff import LffSettings
from neurontune_core.baselines.lwbc import LwbcSettings, committee_weights
from neurontune_core.baselines.registry import METHODS
from neurontune_core.baselines.self_disagreement import SelfSettings, select_samples
from neurontune_core.baselines.softmax import balanced_batches
from neurontune_core.evaluation.inferred_groups import twin_heads

NAMES, GROUPS = ("a", "b", "c"), tuple(f"g{place}" for place in range(6))
# One epoch, whose head is then the only candidate, and a rate at which ten steps go somewhere.
STEPS: dict[str, Any] = {"epochs": 1, "batches": 10, "batch_size": 24, "learning_rate": 0.05, "weight_decay": 0.01}


def noisy(seed: int, samples: int = 150, classes: int = 3) -> EmbeddingSet:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(samples) % classes)
    attribute = np.where(rng.random(samples) < 0.8, labels % 2, 1 - labels % 2)
    shift = np.random.default_rng(99).normal(size=(5, 7)) * 0.6
    vectors = rng.normal(size=(samples, 7)) + shift[labels] + shift[3 + attribute]
    return EmbeddingSet(vectors, labels, NAMES[:classes], 2 * labels + attribute, GROUPS[: 2 * classes])


@pytest.fixture
def data() -> tuple[LinearHead, EmbeddingSet, EmbeddingSet]:
    rng = np.random.default_rng(3)
    return LinearHead(rng.normal(size=(3, 7)) * 0.3, rng.normal(size=3) * 0.1), noisy(1), noisy(2)


class Slow:
    """A torch.nn.Linear in double precision with torch's own optimiser."""

    def __init__(self, classes: int, settings: Any, head: LinearHead | None = None) -> None:
        self.layer = torch.nn.Linear(7, classes, dtype=torch.float64)
        with torch.no_grad():
            self.layer.weight.copy_(torch.tensor(head.weight) if head else torch.zeros(classes, 7))
            self.layer.bias.copy_(torch.tensor(head.bias) if head else torch.zeros(classes))
        kind = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}[settings.optimizer]
        extra = {"momentum": settings.momentum} if settings.optimizer == "sgd" else {}
        self.optimizer = kind(
            self.layer.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, **extra
        )

    def __call__(self, batch: np.ndarray) -> torch.Tensor:
        return self.layer(torch.tensor(batch, dtype=torch.float64))

    def step(self, loss: torch.Tensor) -> None:
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def is_like(self, head: LinearHead) -> None:
        np.testing.assert_allclose(head.weight, self.layer.weight.detach().numpy(), atol=2e-5)
        np.testing.assert_allclose(head.bias, self.layer.bias.detach().numpy(), atol=2e-5)


def ce(logits: torch.Tensor, labels: np.ndarray) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(logits, torch.tensor(labels), reduction="none")


def slow_afr(head: LinearHead, tuning: EmbeddingSet, gamma: float, penalty: float, settings: AfrSettings) -> LinearHead:
    """Train AFR's second stage from its description, with autograd."""
    vectors = torch.tensor(tuning.embeddings, dtype=torch.float64)
    start = [torch.tensor(part, dtype=torch.float64) for part in (head.weight, head.bias)]
    weights = torch.empty(tuning.num_samples, dtype=torch.float64)
    for row, label in enumerate(tuning.labels):
        probability = torch.softmax(start[0] @ vectors[row] + start[1], 0)[label]
        weights[row] = torch.exp(-gamma * probability) * tuning.num_samples / (tuning.labels == label).sum()
    weights /= weights.sum()
    parts = [part.clone().requires_grad_() for part in start]
    optimizer = torch.optim.SGD(parts, lr=settings.learning_rate)
    for _ in range(settings.steps):
        loss = (weights * ce(vectors @ parts[0].T + parts[1], tuning.labels)).sum()
        loss = loss + penalty * sum(((new - old) ** 2).sum() for new, old in zip(parts, start, strict=True))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parts, settings.max_norm)
        optimizer.step()
    return LinearHead(*(part.detach().numpy() for part in parts))


@pytest.mark.parametrize(("gamma", "penalty"), [(0.0, 0.0), (4.0, 0.0), (4.0, 0.3), (900.0, 0.1)])
@pytest.mark.parametrize("max_norm", [0.05, 1.0])
def test_afr_is_a_slow_run_of_its_description(data, gamma: float, penalty: float, max_norm: float) -> None:
    head, _, tuning = data
    tuning = tuning.take(np.flatnonzero((tuning.labels > 0) | (np.arange(150) % 4 == 0)))  # classes of unlike size
    settings = AfrSettings((gamma,), (penalty,), steps=60, learning_rate=0.3, max_norm=max_norm)
    expected = slow_afr(head, tuning, gamma, penalty, settings)
    assert np.abs(expected.weight - head.weight).max() > 0.05
    trained = METHODS["afr"].run(head, tuning, tuning, settings).head
    np.testing.assert_allclose(trained.weight, expected.weight, atol=2e-4)
    np.testing.assert_allclose(trained.bias, expected.bias, atol=2e-4)


def test_afrs_grid_is_trained_side_by_side_and_judged_on_the_identification_set(data) -> None:
    head, identification, tuning = data
    settings = AfrSettings((0.0, 2.0, 30.0), (0.0, 0.2), steps=40, learning_rate=0.3)
    heads = {pair: slow_afr(head, tuning, *pair, settings) for pair in product(settings.gammas, settings.penalties)}
    result = METHODS["afr"].run(*data, settings)
    chosen = (result.chosen["gamma"], result.chosen["penalty"])
    np.testing.assert_allclose(result.head.weight, heads[chosen].weight, atol=2e-4)
    worst = {pair: evaluate(each, identification).worst_class_accuracy for pair, each in heads.items()}
    assert worst[chosen] == max(worst.values())
    assert min(worst.values()) < max(worst.values())


def test_afr_without_gamma_ends_at_class_balanced_logistic_regression() -> None:
    tuning = noisy(5, 300, classes=2)
    tuning = tuning.take(np.flatnonzero((tuning.labels == 0) | (np.arange(300) % 5 < 2)))
    settings = AfrSettings((0.0,), steps=4000, learning_rate=1.0, max_norm=1e9)
    head = METHODS["afr"].run(LinearHead(np.zeros((2, 7)), np.zeros(2)), tuning, tuning, settings).head
    model = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-10, max_iter=5000)
    model.fit(tuning.embeddings.astype(np.float64), tuning.labels)
    np.testing.assert_allclose(head.weight[1] - head.weight[0], model.coef_[0], atol=2e-3)
    assert head.bias[1] - head.bias[0] == pytest.approx(model.intercept_[0], abs=2e-3)


def test_afr_can_re_weight_a_part_that_its_head_has_not_been_fitted_on(data, monkeypatch: pytest.MonkeyPatch) -> None:
    from neurontune_core.baselines import afr

    head, identification, tuning = data
    seen = []
    weigh = afr.sample_weights
    monkeypatch.setattr(
        afr, "sample_weights", lambda own, vectors, *rest: seen.append((own, vectors)) or weigh(own, vectors, *rest)
    )
    result = METHODS["afr"].run(*data, AfrSettings((2.0,), steps=5, held_back=0.2, split_seed=4))
    fitted, vectors = seen[0]
    rows = [int(np.abs(tuning.embeddings - each).sum(axis=1).argmin()) for each in vectors]
    assert len(set(rows)) == len(rows)
    assert np.bincount(tuning.labels[rows]).tolist() == [10, 10, 10]  # a fifth of each class
    rest = np.setdiff1d(np.arange(150), rows)
    again = METHODS["ssl_erm"].run(head, identification, tuning.take(rest), METHODS["ssl_erm"].settings(seed=4)).head
    np.testing.assert_array_equal(fitted.weight, again.weight)
    assert np.abs(result.head.weight - again.weight).max() < 0.06  # five clipped steps from there
    other = METHODS["afr"].run(*data, AfrSettings((2.0,), steps=5, held_back=0.2, split_seed=5))
    assert (other.head.weight != result.head.weight).any()


def test_group_dros_weights_by_hand() -> None:
    settings = GroupDroSettings(step_size=1.0, adjustment=0.0)
    weights = updated_weights(np.array([0.5, 0.5]), np.log([2.0, 1.0]), np.array([4, 16]), settings)
    np.testing.assert_allclose(weights, [2 / 3, 1 / 3])
    weights = updated_weights(weights, np.log([2.0, 3.0]), np.array([4, 16]), settings)
    np.testing.assert_allclose(weights, [4 / 7, 3 / 7])
    adjusted = replace(settings, adjustment=2.0)  # adds 2/√4 = 1 and 2/√16 = 1/2
    weights = updated_weights(np.array([0.5, 0.5]), np.zeros(2), np.array([4, 16]), adjusted)
    np.testing.assert_allclose(weights, [np.e / (np.e + np.sqrt(np.e)), 1 / (1 + np.sqrt(np.e))])


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("adjustment", [0.0, 5.0])
def test_group_dro_is_a_slow_run_of_its_description(data, optimizer: str, adjustment: float) -> None:
    head, _, tuning = data
    settings = GroupDroSettings(**STEPS, optimizer=optimizer, step_size=0.5, adjustment=adjustment)
    rng = np.random.default_rng(settings.seed)
    slow, q = Slow(3, settings, head), torch.full((6,), 1 / 6, dtype=torch.float64)
    sizes = np.bincount(tuning.groups)
    for rows in balanced_batches(tuning.groups, 10, 24, rng):
        members = tuning.groups[rows]
        assert np.bincount(members).tolist() == [4] * 6
        losses = ce(slow(tuning.embeddings[rows]), tuning.labels[rows])
        means = torch.stack([losses[torch.tensor(members == group)].mean() for group in range(6)])
        q = q * torch.exp(settings.step_size * (means.detach() + adjustment / torch.tensor(sizes) ** 0.5))
        q = q / q.sum()
        slow.step((q * means).sum())
    assert q.max() > 0.3
    slow.is_like(METHODS["group_dro"].run(*data, settings).head)


def test_what_self_takes_of_ten_samples_by_hand() -> None:
    labels = np.zeros(10, dtype=np.int64)
    # p(label) of the head and of the other view; logits of two classes are (log p, log (1 - p)).
    final = np.array([0.9, 0.9, 0.9, 0.9, 0.5, 0.5, 0.2, 0.2, 0.01, 0.6])
    other = np.array([0.9, 0.8, 0.5, 0.1, 0.5, 0.9, 0.2, 0.3, 0.02, 0.95])
    logits = [np.log(np.stack([p, 1 - p], axis=1)) for p in (final, other)]

    def kl(p: float, q: float) -> float:
        return p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))

    assert select_samples("loss", *logits, labels, 4).tolist() == [8, 6, 7, 4]  # ties: the earliest first
    assert select_samples("early_loss", *logits, labels, 4).tolist() == [8, 3, 6, 7]
    # 3: KL 1.76, 2: .51, 5: .37, 9: .33, the rest below .05
    assert [round(kl(other[row], final[row]), 2) for row in (3, 2, 5, 9)] == [1.76, 0.51, 0.37, 0.33]
    assert select_samples("early_disagreement", *logits, labels, 4).tolist() == [3, 2, 5, 9]
    # The other way round 9 (.56) would pass 2 (.37) and 5 (.51).
    assert [round(kl(final[row], other[row]), 2) for row in (3, 9, 5, 2)] == [1.76, 0.56, 0.51, 0.37]
    assert select_samples("dropout_disagreement", *logits, labels, 4).tolist() == [3, 2, 5, 9]
    assert len(select_samples("loss", *logits, labels, 500)) == 10


def test_self_fine_tunes_on_what_an_early_checkpoint_marks_in_its_half(data) -> None:
    head, identification, _ = data
    first, second = identification.halves(0)
    marked = first.sample_ids.astype(int)[:12]
    early = np.eye(3)[identification.labels] * 4.0
    early[marked] *= -1
    # Of the other half all are marked too, and none may be taken.
    early[second.sample_ids.astype(int)] *= -1
    settings = SelfSettings(
        variant="early_loss",
        counts=(12,),
        learning_rates=(0.05,),
        batches=10,
        batch_size=24,
        weight_decay=0.01,
        early_logits=early,
    )
    slow = Slow(3, replace(settings, learning_rate=0.05), head)
    rows = np.sort(marked)
    for drawn in balanced_batches(identification.labels[rows], 10, 24, np.random.default_rng(0)):
        batch = rows[drawn]
        slow.step(ce(slow(identification.embeddings[batch]), identification.labels[batch]).mean())
    result = METHODS["self"].run(*data, settings)
    slow.is_like(result.head)
    assert result.chosen["worst_class_accuracy"] == evaluate(result.head, second).worst_class_accuracy
    assert (result.chosen["count"], result.chosen["learning_rate"]) == (12, 0.05)


def test_self_never_takes_more_than_half_of_its_pool(data) -> None:
    pool = data[1].halves(0)[0]
    result = METHODS["self"].run(*data, SelfSettings(variant="loss", counts=(20, 100, 500), batches=5))
    assert result.chosen["count"] in (20, pool.num_samples // 2)
    assert f"counts above half of them were lowered to {pool.num_samples // 2}" in result.warnings[0]
    few = METHODS["self"].run(*data, SelfSettings(variant="loss", counts=(20,), batches=5))
    assert few.warnings == ()


def test_selfs_early_variants_ask_for_logits_of_the_right_shape(data) -> None:
    for variant in ("early_disagreement", "early_loss"):
        with pytest.raises(InputError, match=rf"SELF's {variant} needs early_logits \[150, 3\]"):
            METHODS["self"].run(*data, SelfSettings(variant=variant))
        with pytest.raises(InputError, match=r"Expected early_logits of shape \[150, 3\].* but got shape \[75, 3\]"):
            METHODS["self"].run(*data, SelfSettings(variant=variant, early_logits=np.zeros((75, 3))))


def test_bpas_weights_by_hand() -> None:
    clusters, losses = np.array([0, 0, 0, 1]), np.array([1.0, 2.0, 3.0, 4.0])
    # N/N_k = 4/3 and 4; L_k / ΣL = 2/6 and 4/6: 4/9 three times and 8/3 once, whose mean is 1.
    np.testing.assert_allclose(cluster_weights(clusters, losses), [4 / 9, 4 / 9, 4 / 9, 8 / 3])


def test_bpa_is_a_slow_run_of_its_description(data) -> None:
    head, _, tuning = data
    settings = BpaSettings(**STEPS | {"epochs": 3}, clusters=2, smoothing=0.3)
    clusters = pseudo_groups(tuning.embeddings, tuning.labels, 2, np.random.default_rng(0))
    slow, rng = Slow(3, settings, head), np.random.default_rng([0, 1])

    def fresh() -> np.ndarray:
        losses = ce(slow(tuning.embeddings), tuning.labels).detach().numpy()
        members = [clusters == place for place in range(6)]
        means = np.array([losses[each].mean() for each in members])
        weights = np.array([150 / members[k].sum() * means[k] / means.sum() for k in clusters])
        return weights / weights.mean()

    weights, heads = np.ones(150), []
    for _ in range(3):
        for rows in rng.integers(0, 150, (10, 24)):
            slow.step((ce(slow(tuning.embeddings[rows]), tuning.labels[rows]) * torch.tensor(weights[rows])).mean())
        heads.append(LinearHead(slow.layer.weight.detach().numpy(), slow.layer.bias.detach().numpy()))
        weights = 0.7 * weights + 0.3 * fresh()
    result = METHODS["bpa"].run(*data, settings)
    np.testing.assert_allclose(result.head.weight, heads[result.chosen["epoch"] - 1].weight, atol=2e-5)
    last = METHODS["bpa"].run(head, _judge_that_prefers(heads[2], tuning), tuning, settings)
    slow.is_like(last.head)


def _judge_that_prefers(head: LinearHead, data: EmbeddingSet) -> EmbeddingSet:
    """Make an identification set on which that head makes no mistake."""
    return replace(data, labels=head.predict(data.embeddings))


def test_lff_is_a_slow_run_of_its_description(data) -> None:
    _, _, tuning = data
    settings = LffSettings(**STEPS | {"batches": 30}, optimizer="sgd")
    biased, debiased = Slow(3, settings), Slow(3, settings)
    running, rng = np.zeros((2, 150)), np.random.default_rng(0)
    for rows in rng.integers(0, 150, (30, 24)):
        labels = tuning.labels[rows]
        outputs = [each(tuning.embeddings[rows]) for each in (biased, debiased)]
        losses = [ce(each, labels) for each in outputs]
        for place in (0, 1):
            running[place, rows] = 0.7 * running[place, rows] + 0.3 * losses[place].detach().numpy()
        tops = np.array([[each[tuning.labels == label].max() for label in labels] for each in running])
        scaled = running[:, rows] / tops
        weights = torch.tensor(scaled[0] / (scaled[0] + scaled[1]))
        probability = torch.softmax(outputs[0], 1)[torch.arange(24), torch.tensor(labels)]
        biased.step(((1 - probability**0.7) / 0.7).mean())
        debiased.step((weights * losses[1]).mean())
    assert weights.std() > 0.05
    debiased.is_like(METHODS["lff"].run(*data, settings).head)


def test_lwbcs_weights_by_hand() -> None:
    logits = np.zeros((2, 4, 3))
    logits[0, :, 1] = 1  # all four members say class 1
    logits[1, 0, 2] = 1  # one says class 2, three the first class
    np.testing.assert_allclose(committee_weights(logits, np.array([1, 2]), 0.02), [1 / 1.02, 1 / 0.27])
    assert committee_weights(logits, np.array([0, 1]), 0.02).tolist() == [50.0, 50.0]


@pytest.mark.parametrize("hidden", [0, 5])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_lwbc_is_a_slow_run_of_its_description(data, temperature: float, hidden: int) -> None:
    head, _, tuning = data
    settings = LwbcSettings(
        **STEPS | {"epochs": 2},
        optimizer="sgd",
        members=3,
        subset=20,
        warm_up=1,
        temperature=temperature,
        hidden=hidden,
    )
    rng = np.random.default_rng(0)
    inside = np.zeros((150, 3), dtype=bool)
    for member in range(3):
        inside[rng.integers(0, 150, 60), member] = True  # 20 a class, from the whole set
    committee, main = slow_committee(settings), Slow(3, settings)
    for number, rows in enumerate([rows for _ in range(3) for rows in rng.integers(0, 150, (10, 24))]):
        batch, labels, own = tuning.embeddings[rows], tuning.labels[rows], torch.tensor(inside[rows])
        outputs = [member(torch.tensor(batch, dtype=torch.float64)) for member, _ in committee]
        if number >= 10:
            right = sum((each.argmax(1).numpy() == labels).astype(float) for each in outputs) / 3
            main.step((torch.tensor(1 / (right + 0.02)) * ce(main(batch), labels)).mean())
            teacher = torch.softmax(main(batch).detach() / temperature, 1)
        for place, ((_, optimizer), output) in enumerate(zip(committee, outputs, strict=True)):
            loss = (ce(output, labels) * own[:, place]).sum() / own[:, place].sum()
            if number >= 20:  # from the second epoch of the main head
                log_share = torch.log_softmax(output / temperature, 1)
                divergence = torch.nn.functional.kl_div(log_share, teacher, reduction="none") * ~own[:, place, None]
                loss = 0.4 * loss + 0.6 * temperature**2 * divergence.mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    expected = LinearHead(main.layer.weight.detach().numpy(), main.layer.bias.detach().numpy())
    result = METHODS["lwbc"].run(head, _judge_that_prefers(expected, tuning), tuning, settings)
    assert result.chosen["epoch"] == 3
    main.is_like(result.head)


def slow_committee(settings: LwbcSettings) -> list[tuple[torch.nn.Module, torch.optim.Optimizer]]:
    """Return three members in double precision: linear from zero, or of two layers from weights drawn as torch does."""
    rng = np.random.default_rng([settings.seed, 1])

    def layer(inputs: int, outputs: int) -> torch.nn.Linear:
        made = torch.nn.Linear(inputs, outputs, dtype=torch.float64)
        made.weight.data, made.bias.data = torch.zeros(outputs, inputs).double(), torch.zeros(outputs).double()
        return made

    members: list[torch.nn.Module] = [layer(7, 3) for _ in range(3)]
    if settings.hidden:
        width = settings.hidden
        first = [rng.uniform(-(7**-0.5), 7**-0.5, shape) for shape in ((3 * width, 7), 3 * width)]
        members = []
        for place in range(3):
            lower, upper, own = layer(7, width), layer(width, 3), slice(place * width, (place + 1) * width)
            for parameter, values in zip(lower.parameters(), first, strict=True):
                parameter.data = torch.tensor(values[own])
            for parameter, shape in zip(upper.parameters(), ((3, width), 3), strict=True):
                parameter.data = torch.tensor(rng.uniform(-(width**-0.5), width**-0.5, shape))
            members.append(torch.nn.Sequential(lower, torch.nn.ReLU(), upper))
    return [
        (each, torch.optim.SGD(each.parameters(), 0.05, momentum=0.9, weight_decay=settings.weight_decay))
        for each in members
    ]


def test_georges_margin_is_the_own_logit_less_the_best_other_one() -> None:
    head = LinearHead(np.eye(3, 7), np.zeros(3))
    vectors = np.zeros((2, 7))
    vectors[:, :3] = [[3, 1, 2], [3, 1, 2]]
    np.testing.assert_allclose(margins(head, EmbeddingSet(vectors, [0, 1], NAMES)), [1, -2])


def test_george_is_group_dro_over_the_sides_of_the_margin() -> None:
    """Take a head that follows an attribute alone: its clusters are the groups, so both methods agree."""
    rng = np.random.default_rng(0)
    sets = []
    for _ in range(2):
        labels, attribute = rng.integers(0, 2, 200), rng.integers(0, 2, 200)
        vectors = rng.normal(size=(200, 7))
        vectors[:, 0] = 5 * (2 * attribute - 1) + 0.1 * vectors[:, 0]
        vectors[:, 1] += 2 * labels - 1
        sets.append(EmbeddingSet(vectors, labels, NAMES[:2], 2 * labels + attribute, GROUPS[:4]))
    weight = np.zeros((2, 7))
    weight[:, 0] = -1, 1
    head = LinearHead(weight, np.zeros(2))
    shared = STEPS | {"epochs": 4, "step_size": 0.1}
    george = METHODS["george"]
    result = george.run(head, *sets, george.settings(**shared, most_clusters=4))
    assert result.chosen["num_clusters"] == 4
    # Numbered by the clusters, whose order does not matter but to the drawing of batches.
    order = [int(np.flatnonzero(sets[1].groups == group)[0]) for group in range(4)]
    assert len(set(order)) == 4
    dro = METHODS["group_dro"]
    expected = [
        dro.run(
            head,
            *(replace(each, groups=np.array(permuted)[each.groups]) for each in sets),
            dro.settings(**shared, select="worst_group_accuracy"),
        )
        for permuted in ([0, 1, 2, 3], [1, 0, 2, 3], [0, 1, 3, 2], [1, 0, 3, 2])
    ]
    assert any(np.array_equal(result.head.weight, each.head.weight) for each in expected)
    assert any(result.chosen["worst_cluster_accuracy"] == each.chosen["worst_group_accuracy"] for each in expected)


def test_plain_erm_draws_all_samples_alike_and_keeps_its_most_accurate_epoch(data) -> None:
    head, identification, tuning = data
    entry = METHODS["last_layer_erm"]
    settings = entry.settings(**STEPS | {"epochs": 6, "learning_rate": 0.5})
    slow, rng, accuracies = Slow(3, settings, head), np.random.default_rng(0), []
    for _ in range(6):
        for rows in rng.integers(0, 150, (10, 24)):
            slow.step(ce(slow(tuning.embeddings[rows]), tuning.labels[rows]).mean())
        accuracies.append((slow(identification.embeddings).argmax(1).numpy() == identification.labels).mean())
    result = entry.run(*data, settings)
    assert result.chosen["accuracy"] == max(accuracies) > min(accuracies)
    assert result.chosen["epoch"] == 1 + accuracies.index(max(accuracies))


def test_balanced_batches_hold_as_many_of_each_key_and_at_least_one() -> None:
    keys = np.array([5] * 50 + [2] * 3 + [9])
    batches = balanced_batches(keys, 40, 32, np.random.default_rng(0))
    assert batches.shape == (40, 30)
    for rows in batches:
        assert np.unique(keys[rows], return_counts=True)[1].tolist() == [10, 10, 10]
    assert set(np.unique(batches)) == set(range(54))
    assert balanced_batches(np.arange(60), 2, 32, np.random.default_rng(0)).shape == (2, 60)


def test_xrm_is_group_dro_over_the_groups_that_the_twins_infer(data) -> None:
    """Train it from the description in double precision, and keep the step that serves the worst inferred group."""
    _, identification, tuning = data
    settings = METHODS["xrm"].settings(twin_steps=80, steps=300, length=3.0, seed=2)
    twins = twin_heads(tuning, 2, steps=80, length=3.0)
    hard = twins.mistakes(tuning).astype(int)
    groups = 2 * tuning.labels + hard
    assert 0 < hard.mean() < 0.9
    vectors, layer = tuning.embeddings / twins.length, torch.nn.Linear(7, 3, dtype=torch.float64)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    optimizer, present = torch.optim.SGD(layer.parameters(), lr=0.01), np.unique(groups)
    q, heads = torch.full((len(present),), 1 / len(present), dtype=torch.float64), {}
    for step in range(1, 301):
        losses = ce(layer(torch.tensor(vectors, dtype=torch.float64)), tuning.labels)
        means = torch.stack([losses[torch.tensor(groups == group)].mean() for group in present])
        q = q * torch.exp(0.1 * means.detach())
        q = q / q.sum()
        optimizer.zero_grad()
        (q * means).sum().backward()
        optimizer.step()
        heads[step] = LinearHead(layer.weight.detach().numpy() / twins.length, layer.bias.detach().numpy().copy())
    result = METHODS["xrm"].run(*data, settings)
    np.testing.assert_allclose(result.head.weight, heads[result.chosen["step"]].weight, atol=2e-5)
    judged = 2 * identification.labels + twins.mistakes(identification)
    worst = {}
    for step in (100, 200, 300):
        right = heads[step].predict(identification.embeddings) == identification.labels
        worst[step] = min(right[judged == group].mean() for group in np.unique(judged))
    assert result.chosen["worst_inferred_group"] == worst[result.chosen["step"]] == max(worst.values())
    assert not result.uses_groups
