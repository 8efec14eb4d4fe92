"""What holds for every method alike: the registry, its settings, group labels, seeds, and what comes back."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest

from neurontune_core import EmbeddingSet, InputError, LinearHead, TuneConfig
from neurontune_core.baselines.base import Fitted, Method, best_of
from neurontune_core.baselines.registry import METHODS, method
from neurontune_core.embeddings import OverlappingGroups
from neurontune_core.evaluation.accuracy import evaluate
from neurontune_core.evaluation.inferred_groups import environments, twin_heads
from tests.support.imports import HEAVY, loaded_by
from tests.support.paths import ROOT

NAMES, GROUPS = ("a", "b", "c"), tuple(f"g{place}" for place in range(6))
SHORT = {"epochs": 2, "batches": 5, "batch_size": 30, "learning_rate": 0.02}
QUICK: dict[type, dict[str, Any]] = {
    METHODS["neurontune"].settings: SHORT | {"threshold": 0.25},
    METHODS["dfr"].settings: {"strengths": (1.0, 0.1), "refits": 2},
    METHODS["dfr_train"].settings: {"strengths": (3.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.03), "refits": 2},
    METHODS["afr"].settings: {"gammas": (1.0, 4.0), "steps": 10},
    METHODS["self"].settings: {"batches": 5, "counts": (20,), "learning_rates": (0.01,)},
    METHODS["george"].settings: SHORT | {"most_clusters": 3},
    METHODS["xrm"].settings: {"twin_steps": 60, "steps": 200},
    METHODS["lwbc"].settings: SHORT | {"warm_up": 1, "members": 4, "subset": 10},
}
WITHOUT_CHANCE = {"erm", "afr"}


def quick(entry: Method, **changes: Any) -> Any:
    own = {each.name for each in fields(entry.settings)}
    chosen = QUICK.get(entry.settings, {name: value for name, value in SHORT.items() if name in own})
    return entry.settings(**chosen | changes)


def noisy(seed: int, samples: int = 180) -> EmbeddingSet:
    """Draw three classes that overlap, two groups in each."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(samples) % 3)
    attribute = np.where(rng.random(samples) < 0.7, labels % 2, 1 - labels % 2)
    shift = np.random.default_rng(99).normal(size=(5, 11)) * 0.6
    vectors = np.maximum(rng.normal(size=(samples, 11)) + shift[labels] + shift[3 + attribute] + 0.5, 0)
    return EmbeddingSet(vectors, labels, NAMES, 2 * labels + attribute, GROUPS)


@pytest.fixture
def data() -> tuple[LinearHead, EmbeddingSet, EmbeddingSet]:
    rng = np.random.default_rng(3)
    return LinearHead(rng.normal(size=(3, 11)) * 0.3, rng.normal(size=3) * 0.1), noisy(1), noisy(2)


@pytest.mark.parametrize("entry", METHODS.values(), ids=METHODS)
def test_an_entry_says_what_it_is_and_explains_every_setting(entry: Method) -> None:
    assert METHODS[entry.key] is entry is method(entry.key)
    assert entry.name
    assert entry.source
    assert entry.summary.endswith(".")
    assert entry.trains == "head"
    settings = entry.settings()
    for each in fields(settings):
        assert each.metadata["help"], each.name
        with pytest.raises(FrozenInstanceError):
            setattr(settings, each.name, 0)
    if hasattr(settings, "select"):
        assert settings.select != "worst_group_accuracy"


@pytest.mark.parametrize("entry", METHODS.values(), ids=METHODS)
def test_a_result_is_a_plain_head_with_names_and_a_provenance_that_json_can_hold(entry: Method, data) -> None:
    result = entry.run(*data, quick(entry))
    assert result.method == entry.key
    assert result.head.weight.shape == (3, 11)
    assert result.head.class_names == NAMES
    assert result.settings == quick(entry)
    assert result.seconds > 0
    provenance = json.loads(json.dumps(result.head.provenance))
    assert provenance["method"] == entry.name
    assert provenance["uses_groups"] is result.uses_groups is entry.uses_groups
    assert provenance.items() >= json.loads(json.dumps(result.chosen)).items()
    if "seed" in {each.name for each in fields(entry.settings)}:
        assert provenance["seed"] == 0


@pytest.mark.parametrize("entry", METHODS.values(), ids=METHODS)
def test_the_same_seed_gives_the_same_head_and_another_seed_another(entry: Method, data) -> None:
    first, again = (entry.run(*data, quick(entry)).head for _ in range(2))
    np.testing.assert_array_equal(first.weight, again.weight)
    np.testing.assert_array_equal(first.bias, again.bias)
    if entry.key not in WITHOUT_CHANCE:
        other = entry.run(*data, quick(entry, seed=1)).head
        assert (first.weight != other.weight).any()


@pytest.mark.parametrize("entry", METHODS.values(), ids=METHODS)
def test_only_methods_that_start_afresh_do_without_the_given_head(entry: Method, data) -> None:
    head, identification, tuning = data
    other = LinearHead(head.weight + np.linspace(-1, 1, 33).reshape(3, 11), head.bias)
    moved = entry.run(other, identification, tuning, quick(entry)).head.weight
    afresh = entry.key in {"dfr", "dfr_train", "lff", "lwbc", "ssl_erm", "variable_selection", "xrm"}
    assert np.array_equal(moved, entry.run(*data, quick(entry)).head.weight) == afresh


@pytest.mark.parametrize("entry", METHODS.values(), ids=METHODS)
def test_group_labels_move_a_head_only_where_the_method_declares_them(entry: Method, data) -> None:
    head, identification, tuning = data
    rng = np.random.default_rng(0)
    reference = entry.run(*data, quick(entry)).head.weight
    for role in ("identification", "tuning"):
        moved = []
        for _ in range(6 if entry.key == "dfr_train" else 1):  # where groups choose among a grid, one draw may not tell
            sets = {"identification": identification, "tuning": tuning}
            sets[role] = replace(sets[role], groups=rng.permutation(sets[role].groups))
            moved.append(entry.run(head, sets["identification"], sets["tuning"], quick(entry)).head.weight)
        assert any((each != reference).any() for each in moved) == (role in entry.groups_in)


@pytest.mark.parametrize("entry", METHODS.values(), ids=METHODS)
def test_without_group_labels_a_method_runs_or_refuses_in_one_sentence(entry: Method, data) -> None:
    head, identification, tuning = data
    bare = [replace(each, groups=None) for each in (identification, tuning)]
    if not entry.uses_groups:
        np.testing.assert_array_equal(
            entry.run(head, *bare, quick(entry)).head.weight, entry.run(*data, quick(entry)).head.weight
        )
        return
    role = entry.groups_in[0]
    with pytest.raises(InputError, match=rf"uses group labels, but the {role} set has none; add them to the data, or"):
        entry.run(head, *bare, quick(entry))


SELECTING = {key: entry for key, entry in METHODS.items() if hasattr(quick(entry), "select")}
SELECTING = {key: entry for key, entry in SELECTING.items() if entry.settings is not TuneConfig}


@pytest.mark.parametrize("entry", SELECTING.values(), ids=SELECTING)
def test_selecting_by_worst_group_is_marked_as_using_groups_and_refused_without(entry: Method, data) -> None:
    head, identification, tuning = data
    settings = quick(entry, select="worst_group_accuracy")
    result = entry.run(*data, settings)
    assert result.uses_groups
    assert result.head.provenance["uses_groups"] is True
    assert result.chosen["worst_group_accuracy"] == evaluate(result.head, _judged(entry, data)).worst_group_accuracy
    with pytest.raises(InputError, match=r"selected by worst_group_accuracy uses group labels, .* select by worst_cl"):
        entry.run(head, replace(identification, groups=None), tuning, settings)


@pytest.mark.parametrize("rule", ["worst_inferred_accuracy", "worst_environment_accuracy"])
def test_guessed_groups_can_choose_and_no_group_label_is_read(rule: str, data) -> None:
    head, identification, tuning = data
    entry = METHODS["last_layer_erm"]
    settings = quick(entry, select=rule, epochs=6, learning_rate=0.5)
    result = entry.run(head, replace(identification, groups=None), replace(tuning, groups=None), settings)
    assert not result.uses_groups
    np.testing.assert_array_equal(result.head.weight, entry.run(*data, settings).head.weight)
    hard = (
        twin_heads(tuning).mistakes(identification)
        if rule == "worst_inferred_accuracy"
        else environments(head, identification)
    )
    right = result.head.predict(identification.embeddings) == identification.labels
    worst = min(
        right[(identification.labels == label) & (hard == side)].mean()
        for label in range(3) for side in (False, True)
        if ((identification.labels == label) & (hard == side)).any()
    )  # fmt: skip
    assert result.chosen[rule] == worst


def _judged(entry: Method, data) -> EmbeddingSet:
    return data[1].halves(0)[1] if entry.key == "self" else data[1]


def test_best_of_takes_the_highest_then_the_more_accurate_then_the_earliest(data) -> None:
    _, identification, _ = data
    rng = np.random.default_rng(5)
    heads = [LinearHead(np.zeros((3, 11)), np.eye(3)[label]) for label in (0, 1)]  # worst class 0, accuracy 1/3
    heads += [LinearHead(rng.normal(size=(3, 11)) * 0.5, np.zeros(3)) for _ in range(20)]
    candidates = [Fitted(head, {"place": place}) for place, head in enumerate(heads)]
    assert best_of(candidates[:2], identification, "worst_class_accuracy").chosen["place"] == 0
    worst = [evaluate(head, identification).worst_class_accuracy for head in heads]
    best = best_of(candidates, identification, "worst_class_accuracy")
    assert best.chosen["worst_class_accuracy"] == max(worst) > 0
    assert worst[best.chosen["place"]] == max(worst)


def test_settings_out_of_range_are_named() -> None:
    afr, lwbc = METHODS["afr"].settings, METHODS["lwbc"].settings
    with pytest.raises(InputError, match=r"Expected gammas between 0 and 1e\+09, but got -1\.0"):
        afr(gammas=(1.0, -1.0))
    with pytest.raises(InputError, match="Expected at least one value for gammas, but the grid is empty"):
        afr(gammas=())
    with pytest.raises(InputError, match=r"Expected epochs between 1 and .*, but got 0"):
        lwbc(epochs=0)
    with pytest.raises(InputError, match=r"Expected learning_rate between .*, but got nan"):
        lwbc(learning_rate=float("nan"))
    with pytest.raises(InputError, match='Expected optimizer to be one of sgd, adamw, but got "adam"'):
        lwbc(optimizer="adam")


def test_an_unknown_method_foreign_settings_and_sets_that_do_not_fit_are_refused(data) -> None:
    _, identification, tuning = data
    with pytest.raises(InputError, match='There is no method "jtt"; use one of erm, last_layer_erm'):
        method("jtt")
    with pytest.raises(InputError, match="AFR takes AfrSettings, but got DfrSettings"):
        METHODS["afr"].run(*data, METHODS["dfr"].settings())
    for entry in METHODS.values():
        with pytest.raises(InputError, match="The head does not fit: it is for 2 classes"):
            entry.run(LinearHead(np.ones((2, 11)), np.ones(2)), identification, tuning, quick(entry))


# NeuronTune stops when the head makes no mistake; its own tests say how.
UNMASKED = {key: entry for key, entry in METHODS.items() if entry.settings is not TuneConfig or key == "masking_off"}


@pytest.mark.parametrize("entry", UNMASKED.values(), ids=UNMASKED)
def test_columns_of_zeros_and_separable_data_do_no_harm(entry: Method) -> None:
    labels = np.arange(120) % 3
    vectors = np.zeros((120, 11))
    vectors[np.arange(120), labels] = 1 + 0.1 * np.random.default_rng(0).random(120)
    separable = EmbeddingSet(vectors, labels, NAMES, 2 * labels + np.arange(120) // 3 % 2, GROUPS)
    head = LinearHead(np.eye(3, 11), np.zeros(3))
    result = entry.run(head, separable, separable, quick(entry))
    if entry.key != "variable_selection":  # its penalty may leave nothing of so few samples
        assert evaluate(result.head, separable).accuracy == 1.0


@pytest.mark.parametrize("key", ["dfr", "dfr_train", "variable_selection"])
def test_a_class_without_samples_is_named_where_a_fit_needs_all(key: str, data) -> None:
    head = data[0]
    missing = replace(noisy(1), labels=np.minimum(noisy(1).labels, 1))
    with pytest.raises(InputError, match=r'Class "c" has no sample in the .* set; add samples of it'):
        METHODS[key].run(head, missing, missing, quick(METHODS[key]))


def test_single_and_empty_groups_are_spoken_of(data) -> None:
    head, identification, tuning = data
    lonely = identification.groups.copy()
    lonely[lonely == 5] = 4
    empty = replace(identification, groups=lonely)
    result = METHODS["dfr"].run(head, empty, tuning, quick(METHODS["dfr"]))
    assert result.warnings == ('Group "g5" has no sample in the identification set; it is left out of the balance.',)
    lonely[np.flatnonzero(lonely == 4)[0]] = 5
    with pytest.raises(InputError, match='Group "g5" has a single sample in the identification set, so DFR cannot'):
        METHODS["dfr"].run(head, replace(identification, groups=lonely), tuning, quick(METHODS["dfr"]))
    result = METHODS["group_dro"].run(head, identification, empty, quick(METHODS["group_dro"]))
    assert result.warnings == ('Group "g5" has no sample in the tuning set; it cannot be trained on.',)


def test_afr_warns_of_data_that_the_head_has_memorised(data) -> None:
    head, identification, tuning = data
    assert METHODS["afr"].run(*data, quick(METHODS["afr"])).warnings == ()
    known = replace(tuning, labels=head.predict(tuning.embeddings))
    result = METHODS["afr"].run(head, identification, known, quick(METHODS["afr"]))
    assert result.warnings[0].startswith(
        "The head classifies 100.0% of the tuning set correctly, so AFR has few samples"
    )


def test_the_neurontune_entries_are_neurontune_with_one_setting_changed(data) -> None:
    from neurontune_core import neurontune, neurontune_halves

    head, identification, _ = data
    config = quick(METHODS["neurontune"])
    expected = {
        "neurontune": neurontune(*data, config),
        "masking_off": neurontune(*data, replace(config, masking=False)),
        "masks_by_class": neurontune(*data, replace(config, mask_scope="per_class")),
        "neurontune_halves": neurontune_halves(head, identification, config),
    }
    for key, result in expected.items():
        made = METHODS[key].run(*data, config)
        np.testing.assert_array_equal(made.head.weight, result.head.weight)
        assert made.chosen == {"epoch": result.epoch, "num_biased": int(result.biased.sum())}
        assert made.head.provenance["masking"] is (key != "masking_off")
    assert len({result.head.weight.tobytes() for result in expected.values()}) == 4


def test_a_methods_own_function_never_sees_groups_that_it_did_not_declare(data) -> None:
    seen = []

    def spy(head: LinearHead, identification: EmbeddingSet, tuning: EmbeddingSet, settings: Any) -> Fitted:
        assert identification.overlapping_groups is None
        seen.append((identification.groups is not None, tuning.groups is not None))
        return Fitted(head, {})

    erm, (head, identification, tuning, *rest) = METHODS["erm"], data
    members = np.ones((identification.num_samples, 1), dtype=bool)
    identification = replace(identification, overlapping_groups=OverlappingGroups(("everybody",), members))
    replace(erm, fit=spy).run(head, identification, tuning, *rest)
    replace(erm, fit=spy, groups_in=("tuning",)).run(*data)
    replace(erm, fit=spy, groups_in=("identification",)).run(*data)
    assert seen == [(False, False), (False, True), (True, False)]


def test_the_readme_counts_the_methods_beside_erm_and_no_masking() -> None:
    words = {14: "fourteen", 15: "fifteen", 16: "sixteen", 17: "seventeen", 18: "eighteen"}
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    beside = len(METHODS) - 2
    assert f"runs {words[beside]} methods of the field beside ERM and no masking" in text
    assert f"# {beside} methods:" in text


def test_importing_the_methods_is_light() -> None:
    assert loaded_by("import neurontune_core.baselines.registry").isdisjoint({*HEAVY, "numba", "scipy", "pandas"})
