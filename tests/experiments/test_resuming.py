"""What is kept and resumed belongs to the embeddings, labels, head and settings that it was made from, to no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurontune_core import EmbeddingSet, InputError, LinearHead, TuneConfig
from neurontune_core.baselines.registry import METHODS
from neurontune_core.embeddings import OverlappingGroups
from neurontune_core.experiments.comparison import Comparison, compare_project, comparison_config, comparisons
from neurontune_core.experiments.methods import compare_methods
from neurontune_core.experiments.origin import origin_of, same_origin
from neurontune_core.experiments.studies import run_study
from neurontune_core.workspace.project import ROLES, Project
from neurontune_core.workspace.workspace import Workspace
from tests.support.projects import planted_head, planted_set, write_project

FEW = {"neurontune": {"epochs": "2", "batches": "5"}, "masking_off": {"epochs": "2", "batches": "5"}}


class Stop(BaseException):
    """What a cancel is to a task."""


def stop_after(runs: int) -> Callable[..., None]:
    def report(*, done: int, **_: Any) -> None:
        if done == runs:
            raise Stop

    return report


def quiet(**_: Any) -> None:
    """Ignore the progress."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    workspace = Workspace(tmp_path)
    write_project(workspace.new_folder("birds"))
    return workspace.open("birds")


def other_vectors(project: Project) -> None:
    for role, aligned in (("identification", 0.6), ("tuning", 0.9), ("evaluation", 0.4)):
        folder = project.set_folder(role)
        planted_set(folder.name, aligned, seed=7).save(folder)


def corrected_labels(project: Project) -> None:
    folder = project.set_folder("evaluation")
    result = EmbeddingSet.load(folder)
    labels = result.labels.copy()
    labels[:40] = 1 - labels[:40]
    replace(result, labels=labels).save(folder)


def other_head(project: Project) -> None:
    head = planted_head()
    weight = head.weight.copy()
    weight[1, 1] = 0.2
    replace(head, weight=weight).save(project.head_file)


@pytest.mark.parametrize("change", [other_vectors, corrected_labels, other_head])
def test_a_comparison_resumed_on_another_extraction_holds_nothing_of_the_old_one(
    project: Project, change: Callable[[Project], None]
) -> None:
    config = comparison_config(project, "birds", ["neurontune"], 3, FEW)
    with pytest.raises(Stop):
        compare_project(config, stop_after(3))
    (stopped,) = comparisons(project)
    before = {role: project.load_set(role) for role in ROLES}
    assert stopped.fits(project.load_head(), before)
    change(project)
    head, sets = project.load_head(), {role: project.load_set(role) for role in ROLES}
    assert not stopped.fits(head, sets)

    messages: list[str] = []
    result = compare_project(config, lambda **progress: messages.append(progress.get("message", "")))

    resumed, aside = comparisons(project)
    assert (resumed.folder, resumed.complete) == (Path(config["out"]), True)
    assert resumed.fits(head, sets)
    settings = {summary.method.key: summary.settings for summary in resumed.summaries}
    fresh = compare_methods(head, *(sets[role] for role in ROLES), ["neurontune"], seeds=3, settings=settings)
    assert {each.method.key: [run.evaluation for run in each.runs] for each in resumed.summaries} == {
        each.method.key: [run.evaluation for run in each.runs] for each in fresh
    }
    np.testing.assert_array_equal(resumed.head("erm").weight, head.weight)
    assert "another extraction" in messages[0]
    assert result["set_aside"] == aside.id
    assert not aside.fits(head, sets)
    assert [summary.runs for summary in aside.summaries] == [summary.runs for summary in stopped.summaries]


def test_a_comparison_resumed_on_the_same_extraction_keeps_its_runs(project: Project) -> None:
    config = comparison_config(project, "birds", ["neurontune"], 3, FEW)
    with pytest.raises(Stop):
        compare_project(config, stop_after(3))
    (stopped,) = comparisons(project)
    result = compare_project(config, quiet)
    (resumed,) = comparisons(project)
    assert "set_aside" not in result
    seconds = {summary.method.key: summary.runs[0].seconds for summary in resumed.summaries}
    for summary in stopped.summaries:
        assert seconds[summary.method.key] == summary.runs[0].seconds, "the very run, not one like it"


def test_a_method_whose_settings_changed_is_run_again_and_the_others_are_not(project: Project) -> None:
    config = comparison_config(project, "birds", ["neurontune"], 1, FEW)
    compare_project(config, quiet)
    (first,) = comparisons(project)
    compare_project(config | {"settings": config["settings"] | {"neurontune": {"epochs": 3, "batches": 5}}}, quiet)
    (second,) = comparisons(project)
    runs = [{summary.method.key: summary.runs[0].seconds for summary in each.summaries} for each in (first, second)]
    assert {key for key in runs[0] if runs[0][key] != runs[1][key]} == {"neurontune"}
    (tuned,) = (summary for summary in second.summaries if summary.method.key == "neurontune")
    assert tuned.settings.epochs == 3


def test_known_summaries_of_other_settings_are_not_taken_over() -> None:
    sets = [planted_set(split, share) for split, share in (("val", 0.5), ("train", 0.95), ("test", 0.5))]
    few, more = (TuneConfig(epochs=epochs, batches=3) for epochs in (1, 2))
    known = compare_methods(planted_head(), *sets, [], seeds=1, settings={"masking_off": few})
    ran: list[str] = []
    compare_methods(
        planted_head(), *sets, [], seeds=1, settings={"masking_off": more}, known=known,
        on_start=lambda entry, seed: ran.append(entry.key),
    )  # fmt: skip
    assert ran == ["masking_off"]


def test_the_origin_knows_vectors_labels_groups_and_head_apart() -> None:
    head, sets = planted_head(), {role: planted_set(role, 0.5) for role in ROLES}
    kept = origin_of(head, sets)
    assert same_origin(kept, origin_of(head, sets))
    tuning = sets["tuning"]
    assert tuning.groups is not None
    changes: dict[str, dict[str, EmbeddingSet]] = {
        "vectors": sets | {"tuning": replace(tuning, embeddings=tuning.embeddings + 1)},
        "labels": sets | {"tuning": replace(tuning, labels=1 - tuning.labels)},
        "groups": sets | {"tuning": replace(tuning, groups=3 - tuning.groups)},
        "no groups": sets | {"tuning": replace(tuning, groups=None, group_names=())},
        "names": sets | {"tuning": replace(tuning, class_names=("land", "water"))},
    }
    for what, changed in changes.items():
        assert not same_origin(kept, origin_of(head, changed)), what
    assert not same_origin(kept, origin_of(LinearHead(head.weight, head.bias + 1, head.class_names), sets))


def test_a_comparison_kept_before_heads_and_labels_had_checksums_is_judged_by_its_vectors(project: Project) -> None:
    compare_project(comparison_config(project, "birds", [], 1, FEW), quiet)
    (kept,) = comparisons(project)
    old = replace(kept, checksums={role: kept.checksums[role] for role in ROLES})
    sets = {role: project.load_set(role) for role in ROLES}
    assert old.fits(project.load_head(), sets)
    assert not old.fits(project.load_head(), sets | {"tuning": sets["tuning"].take(np.arange(100))})
    assert not replace(kept, checksums={}).fits(project.load_head(), sets)


def test_a_study_of_the_cost_belongs_to_no_extraction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurontune_core.experiments.cost.GROWS", {"epochs": [(80, 80, 16, 1), (80, 80, 16, 2)]})
    monkeypatch.setattr("neurontune_core.experiments.cost.measure_cost.__defaults__", (("epochs",),))
    monkeypatch.setattr("neurontune_core.experiments.cost_twins.TWINS", {})
    sets = {role: planted_set(role, 0.5) for role in ROLES}
    result = run_study("cost", planted_head(), sets)
    assert result.fits(planted_head(), {role: planted_set(role, 0.9, seed=3) for role in ROLES})


def test_a_head_that_was_deleted_is_one_sentence(project: Project) -> None:
    compare_project(comparison_config(project, "birds", [], 1, FEW), quiet)
    (kept,) = comparisons(project)
    kept.head_file("masking_off").unlink()
    with pytest.raises(InputError, match=f"{METHODS['masking_off'].name} of the comparison {kept.id} does not exist"):
        kept.head("masking_off")
    assert Comparison.load(kept.folder).head("erm").weight.shape == (2, 12)


def test_a_method_whose_head_was_deleted_is_run_again_and_the_others_are_not(project: Project) -> None:
    config = comparison_config(project, "birds", ["neurontune"], 1, FEW)
    compare_project(config, quiet)
    (first,) = comparisons(project)
    first.head_file("neurontune").unlink()
    compare_project(config, quiet)
    (second,) = comparisons(project)
    assert second.head("neurontune").weight.shape == (2, 12)
    seconds = [{summary.method.key: summary.runs[0].seconds for summary in each.summaries} for each in (first, second)]
    assert {key for key in seconds[0] if seconds[0][key] != seconds[1][key]} == {"neurontune"}


def test_the_origin_knows_overlapping_groups_by_their_members_and_names() -> None:
    head, samples = planted_head(), planted_set("evaluation", 0.5)
    members = np.random.default_rng(0).random((samples.num_samples, 2)) < 0.5

    def origin(names: tuple[str, str], inside: np.ndarray) -> dict[str, str]:
        grouped = replace(samples, overlapping_groups=OverlappingGroups(names, inside))
        return origin_of(head, {"evaluation": grouped})

    kept, other = origin(("male", "female"), members), members.copy()
    other[7, 1] = not other[7, 1]
    assert same_origin(kept, origin(("male", "female"), members.copy()))
    assert not same_origin(kept, origin(("male", "female"), other))
    assert not same_origin(kept, origin(("male", "young"), members))
    assert not same_origin(kept, origin_of(head, {"evaluation": samples}))
