"""Every study of NeuronTune that can be asked for by name: the ablations, how stable S is, what a run costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from neurontune_core.baselines.registry import METHODS
from neurontune_core.baselines.settings_io import changed, given_settings
from neurontune_core.embeddings import EmbeddingSet, checksums
from neurontune_core.errors import InputError
from neurontune_core.experiments.ablation_run import VariantResult, ablation_table, run_ablation
from neurontune_core.experiments.ablations import ABLATIONS, Ablation
from neurontune_core.experiments.cost import CostCurve, cost_table, measure_cost
from neurontune_core.experiments.stability import Stability, stability, stability_table
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
    """What can be asked for: its name, a few words, and the question in one sentence."""

    key: str
    title: str
    question: str
    ablation: Ablation | None = None


STUDIES = {key: Study(key, each.title, each.question, each) for key, each in ABLATIONS.items()} | {
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
    """What a study found.

    Attributes:
        key: of `STUDIES`.
        parts: one a row.
        seeds: of the ablations that were measured so far; draws of stability.
        asked: how many were asked for.
        settings: of NeuronTune, where they are not the defaults.
        checksums: role -> checksum of the embeddings.
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
        kinds: dict[type, Callable[[Any], list[dict[str, str]]]] = {
            VariantResult: ablation_table,
            Stability: stability_table,
            CostCurve: cost_table,
        }
        return kinds[type(self.parts[0])](self.parts) if self.parts else []

    def fits(self, sets: Mapping[str, EmbeddingSet]) -> bool:
        """Whether these, by role, are the embeddings that the study ran on."""
        return dict(self.checksums) == checksums(sets)

    def published(self) -> list[dict[str, str]]:
        """The paper's rows, marked as such."""
        found = STUDIES[self.key].ablation
        return found.published() if found else []

    def save(self, path: Path) -> None:
        write_json(path, {"format": FORMAT, **asdict(self), "parts": [asdict(each) for each in self.parts]})

    @classmethod
    def load(cls, path: Path) -> StudyResult:
        """Read a saved one; InputError when the file is missing or not whole."""
        said = read_json(path)
        try:
            if said.pop("format") != FORMAT:
                raise KeyError("format")
            parts = tuple(_part(said["key"], each) for each in said.pop("parts"))
            return cls(parts=parts, **said)
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path} is not a whole study ({type(error).__name__}: {error}); delete it and run the study again."
            ) from None


def study(key: str) -> Study:
    """The study of that key; InputError naming those there are."""
    if key not in STUDIES:
        raise InputError(f'There is no ablation "{key}"; use one of {", ".join(STUDIES)}.')
    return STUDIES[key]


def run_study(
    key: str,
    head: LinearHead,
    sets: Mapping[str, EmbeddingSet],
    *,
    seeds: int = 5,
    given: Mapping[str, Any] | None = None,
    on_progress: OnProgress | None = None,
    on_part: Callable[[StudyResult], object] | None = None,
) -> StudyResult:
    """Run one.

    Args:
        key: see `STUDIES`.
        head, sets: the ERM head, and role -> set; the cost is measured without them.
        seeds: of every setting; stability always takes its own number of draws, cost has none.
        given: settings of NeuronTune that are not to be the defaults.
        on_progress: called with how much is done, and of how much; what it raises ends the study.
        on_part: called with what there is after each seed.

    Raises:
        InputError: for an unknown study, a setting that there is none of, or sets that do not fit.
    """
    found, base = study(key), given_settings(METHODS["neurontune"], given or {})
    assert isinstance(base, TuneConfig)
    result = StudyResult(key, (), 0, seeds, changed(base), checksums(sets), time.time())

    def keep(parts: list[VariantResult]) -> None:
        nonlocal result
        result = replace(result, parts=tuple(parts), seeds=result.seeds + 1)
        if on_part is not None:
            on_part(result)

    if found.ablation is not None:
        run_ablation(found.ablation, head, sets, seeds=seeds, base=base, on_epoch=on_progress, on_seed=keep)
        return result
    if key == "stability":
        shares = stability(head, sets["identification"], base.threshold, on_draw=on_progress)
        return replace(result, parts=tuple(shares), seeds=1, asked=1)
    return replace(result, parts=tuple(measure_cost(on_run=on_progress)), seeds=1, asked=1)


def study_config(project: Project, name: str, key: str, seeds: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the task "ablate" is submitted with; InputError as in `run_study`, before anything starts."""
    settings = changed(given_settings(METHODS["neurontune"], given))
    return {
        "name": name,
        "source": str(project.source),
        "folder": str(project.folder),
        "study": study(key).key,
        "seeds": seeds,
        "settings": settings,
    }


def study_project(config: dict[str, Any], report: Callable[..., object]) -> dict[str, Any]:
    """The task "ablate": run what `study_config` describes; every seed's result replaces the study's file."""
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
        given=config["settings"],
        on_progress=tell,
        on_part=lambda each: each.save(path),
    )
    result.save(path)
    return {"study": result.key}


def saved_study(project: Project, key: str) -> StudyResult | None:
    """The newest result of a study on this project; None when there is none that can be read."""
    try:
        return StudyResult.load(project.study_file(key))
    except InputError:
        return None


def _part(key: str, said: dict[str, Any]) -> Part:
    if key == "stability":
        spreads = {name: Spread(**said[name]) for name in ("jaccard", "masked")}
        return Stability(**said | spreads)
    if key == "cost":
        return CostCurve(**said | {name: tuple(said[name]) for name in ("sizes", "seconds")})
    return VariantResult(said["at"], {name: tuple(values) for name, values in said["values"].items()}, said["error"])
