"""Studies of NeuronTune by name: the ablations, how stable the biased neurons are, what a run costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from neurontune_core.baselines.registry import METHODS
from neurontune_core.baselines.settings_io import changed_settings, parse_settings
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.experiments.ablation_run import VariantResult, ablation_table, run_ablation
from neurontune_core.experiments.ablations import ABLATIONS, Ablation
from neurontune_core.experiments.cost import CostCurve, cost_table, measure_cost
from neurontune_core.experiments.cost_twins import measure_twins, twin_runs
from neurontune_core.experiments.origin import origin_of, same_origin
from neurontune_core.experiments.published_tables import TABLE_7
from neurontune_core.experiments.stability import Stability, stability, stability_table
from neurontune_core.experiments.table_6 import measure_afr, with_published_rules
from neurontune_core.files import read_json, write_json
from neurontune_core.head import LinearHead
from neurontune_core.statistics import Spread
from neurontune_core.tuning.config import TuneConfig
from neurontune_core.workspace.project import ROLES, Project

FORMAT = "neurontune-study/1"
Part = VariantResult | Stability | CostCurve
OnProgress = Callable[[int, int], object]


@dataclass(frozen=True)
class Study:
    """A study that can be run: its key, its title, and its question in one sentence."""

    key: str
    title: str
    question: str
    ablation: Ablation | None = None


STUDIES = {key: Study(key, ablation.title, ablation.question, ablation) for key, ablation in ABLATIONS.items()} | {
    "stability": Study(
        "stability",
        "How stable the biased neurons are",
        "Would other held-out samples have found the same neurons? Jaccard: shared neurons over all found by either.",
    ),
    "cost": Study(
        "cost",
        "What a run costs (Table 7, measured)",
        "How do seconds grow with samples, neurons and epochs? On made-up data, on this machine.",
    ),
}


@dataclass(frozen=True)
class StudyResult:
    """The result of a study, complete or so far.

    Attributes:
        key: of `STUDIES`.
        parts: one a row.
        seeds: how many seeds of an ablation are measured; 1 for stability and cost.
        asked: the requested number of seeds.
        settings: of NeuronTune, where they are not the defaults.
        checksums: what it ran on, as `origin_of` gives it; empty for the cost, which is measured on made-up data.
        created: seconds since 1970.
    """

    key: str
    parts: tuple[Part, ...]
    seeds: int
    asked: int
    settings: Mapping[str, Any]
    checksums: Mapping[str, str]
    created: float

    def table(self) -> list[dict[str, str]]:
        """Return the parts as rows of text."""
        kinds: dict[type, Callable[[Any], list[dict[str, str]]]] = {
            VariantResult: ablation_table,
            Stability: stability_table,
            CostCurve: cost_table,
        }
        rows = kinds[type(self.parts[0])](self.parts) if self.parts else []
        return with_published_rules(rows) if rows and self.key == "rules" else rows

    def fits(self, head: LinearHead, sets: Mapping[str, EmbeddingSet]) -> bool:
        """Return whether the study ran on this head and these sets, by role; the cost belongs to no project."""
        return self.key == "cost" or same_origin(self.checksums, origin_of(head, sets))

    def published(self) -> list[dict[str, str]]:
        """Return the paper's rows, marked as published; none where it has no such table."""
        ablation = STUDIES[self.key].ablation
        if self.key == "cost":
            return [{"method": method, "published, Table 7": time} for method, time in TABLE_7.items()]
        return ablation.published() if ablation else []

    def save(self, path: Path) -> None:
        """Write the result as JSON."""
        write_json(path, {"format": FORMAT, **asdict(self), "parts": [asdict(part) for part in self.parts]})

    @classmethod
    def load(cls, path: Path) -> StudyResult:
        """Read a saved result.

        Raises:
            InputError: when the file is missing or not whole.
        """
        content = read_json(path)
        try:
            if content.pop("format") != FORMAT:
                raise KeyError("format")
            parts = tuple(_part(content["key"], part) for part in content.pop("parts"))
            return cls(parts=parts, **content)
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path} is not a whole study ({type(error).__name__}: {error}); delete it and run the study again."
            ) from None


def study(key: str) -> Study:
    """Return the study of a key.

    Raises:
        InputError: naming the keys, when it is none of them.

    >>> study("sets").title
    'Which sets (Table 4)'
    """
    if key not in STUDIES:
        raise InputError(f'There is no ablation "{key}"; use one of {", ".join(STUDIES)}.')
    return STUDIES[key]


def run_study(
    key: str,
    head: LinearHead,
    sets: Mapping[str, EmbeddingSet],
    *,
    seeds: int = 5,
    options: Mapping[str, Any] | None = None,
    on_progress: OnProgress | None = None,
    on_part: Callable[[StudyResult], object] | None = None,
) -> StudyResult:
    """Run a study.

    Args:
        key: see `STUDIES`.
        head, sets: the ERM head, and role -> set; the cost is measured without them.
        seeds: of every setting; stability always takes its own number of draws, cost has none.
        options: settings of NeuronTune that are not to be the defaults.
        on_progress: called with the number of steps done and in all; what it raises ends the study.
        on_part: called with the result so far after each seed.

    Raises:
        InputError: for an unknown study or setting, or sets that do not fit.
    """
    chosen, base = study(key), parse_settings(METHODS["neurontune"], options or {})
    assert isinstance(base, TuneConfig)
    origin = {} if key == "cost" else origin_of(head, sets)
    result = StudyResult(key, (), 0, seeds, changed_settings(base), origin, time.time())

    afr = [measure_afr(head, sets)] if key == "rules" else []

    def keep(parts: list[VariantResult]) -> None:
        nonlocal result
        parts = [*parts, *afr]
        result = replace(result, parts=tuple(parts), seeds=result.seeds + 1)
        if on_part is not None:
            on_part(result)

    if chosen.ablation is not None:
        run_ablation(chosen.ablation, head, sets, seeds=seeds, base=base, on_epoch=on_progress, on_seed=keep)
        return result
    if key == "stability":
        shares = stability(head, sets["identification"], base.threshold, on_draw=on_progress)
        return replace(result, parts=tuple(shares), seeds=1, asked=1)
    return replace(result, parts=tuple(_all_costs(on_progress)), seeds=1, asked=1)


def _all_costs(on_progress: OnProgress | None) -> list[CostCurve]:
    """Measure NeuronTune and the other methods of Table 7 that train a head; progress counts the runs of all."""
    done, total = 0, 0

    def own(finished: int, runs: int) -> None:
        nonlocal done, total
        done, total = finished, runs + twin_runs()
        if on_progress is not None:
            on_progress(done, total)

    def another() -> None:
        own(done + 1, total - twin_runs())

    return [*measure_cost(on_run=own), *measure_twins(another)]


def study_config(project: Project, name: str, key: str, seeds: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the task "ablate" is submitted with.

    Raises:
        InputError: as `run_study` does, before anything starts.
    """
    settings = changed_settings(parse_settings(METHODS["neurontune"], options))
    return {
        "name": name,
        "source": str(project.source),
        "folder": str(project.folder),
        "study": study(key).key,
        "seeds": seeds,
        "settings": settings,
    }


def study_project(config: dict[str, Any], report: Callable[..., object]) -> dict[str, Any]:
    """Run the task "ablate" as `study_config` describes it; every seed's result replaces the study's file."""
    project = Project(Path(config["source"]), Path(config["folder"]))
    path, began = project.study_file(config["study"]), time.monotonic()
    sets = {role: project.load_set(role) for role in ROLES}

    def tell(done: int, total: int) -> None:
        report(done=done, total=total, rate=done / max(time.monotonic() - began, 1e-3))

    result = run_study(
        config["study"],
        project.load_head(),
        sets,
        seeds=config["seeds"],
        options=config["settings"],
        on_progress=tell,
        on_part=lambda so_far: so_far.save(path),
    )
    result.save(path)
    return {"study": result.key}


def saved_study(project: Project, key: str) -> StudyResult | None:
    """Return the newest result of a study on this project; None when there is none that can be read."""
    try:
        return StudyResult.load(project.study_file(key))
    except InputError:
        return None


def _part(key: str, content: dict[str, Any]) -> Part:
    if key == "stability":
        spreads = {name: Spread(**content[name]) for name in ("jaccard", "masked")}
        return Stability(**content | spreads)
    if key == "cost":
        return CostCurve(**content | {name: tuple(content[name]) for name in ("sizes", "seconds")})
    return VariantResult(
        content["at"], {name: tuple(values) for name, values in content["values"].items()}, content["error"]
    )
