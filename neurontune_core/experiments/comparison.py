"""A comparison of methods as it is kept: written after every run, read again by the screens, gone on with."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurontune_core.baselines.base import Method, MethodResult
from neurontune_core.baselines.registry import METHODS, method
from neurontune_core.baselines.settings_io import changed, given_settings
from neurontune_core.embeddings import EmbeddingSet, checksums
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import Evaluation, Proportion
from neurontune_core.experiments.methods import MethodSummary, SeedRun, compare_methods, num_runs, ranked, with_always
from neurontune_core.files import read_json, write_json
from neurontune_core.head import LinearHead
from neurontune_core.workspace.project import ROLES, Project

FORMAT = "neurontune-comparison/1"
FILE = "comparison.json"


@dataclass(frozen=True, eq=False)
class Comparison:
    """A saved comparison, whole or as far as it came.

    Attributes:
        folder: where it lies; its name is its ``id``.
        methods: the keys that were asked for.
        seeds: how many were asked for.
        summaries: as in `compare_methods`, so far.
        checksums: role -> checksum of the embeddings that it ran on.
        created: seconds since 1970.
    """

    folder: Path
    methods: tuple[str, ...]
    seeds: int
    summaries: tuple[MethodSummary, ...]
    checksums: Mapping[str, str]
    created: float

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def complete(self) -> bool:
        return all(each.error or each.seeds == num_runs(each.method, self.seeds) for each in self.summaries) and len(
            self.summaries
        ) == len(self.methods)

    def head_file(self, key: str) -> Path:
        return self.folder / "heads" / f"{method(key).key}.safetensors"

    def head(self, key: str) -> LinearHead:
        """A method's head of seed 0."""
        return LinearHead.load(self.head_file(key))

    def fits(self, sets: Mapping[str, EmbeddingSet]) -> bool:
        """Whether these, by role, are the embeddings that the comparison ran on."""
        return dict(self.checksums) == checksums(sets)

    @classmethod
    def load(cls, folder: Path) -> Comparison:
        """Read a comparison; InputError when the folder does not hold a whole one."""
        said = read_json(folder / FILE)
        try:
            if said["format"] != FORMAT:
                raise KeyError("format")
            parts = tuple((tuple(said[kind]["names"]), tuple(said[kind]["n"])) for kind in ("classes", "groups"))
            summaries = ranked([_method_summary(each, said["shares"], parts) for each in said["standings"]])
            return cls(
                folder,
                tuple(said["methods"]),
                int(said["seeds"]),
                tuple(summaries),
                dict(said["checksums"]),
                float(said["created"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{folder / FILE} is not a whole comparison ({type(error).__name__}: {error}); delete its folder."
            ) from None


def comparisons(project: Project) -> list[Comparison]:
    """The saved ones, the newest first; one that cannot be read is left out."""
    found = []
    for folder in project.comparison_folders():
        try:
            found.append(Comparison.load(folder))
        except InputError:
            continue
    return found


def comparison_config(
    project: Project, name: str, keys: Sequence[str], seeds: int, given: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """What the task "compare" is submitted with.

    Args:
        project, name: the project and what the workspace calls it.
        keys: methods; ERM and masking off are always run.
        seeds: runs of each method that has a seed.
        given: method -> setting -> value, where it is not the default.

    Raises:
        InputError: for a method or setting that there is none of, or a value out of range.
    """
    keys = with_always(keys)
    settings = {key: changed(given_settings(method(key), given[key])) for key in keys if given.get(key)}
    return {
        "name": name,
        "source": str(project.source),
        "folder": str(project.folder),
        "out": str(project.new_comparison_folder()),
        "methods": list(keys),
        "seeds": seeds,
        "settings": settings,
    }


def compare_project(config: dict[str, Any], report: Callable[..., object]) -> dict[str, Any]:
    """Run the task "compare" as `comparison_config` describes it; what its folder holds already is not repeated."""
    project, out = Project(Path(config["source"]), Path(config["folder"])), Path(config["out"])
    head, sets = project.load_head(), {role: project.load_set(role) for role in ROLES}
    keys, seeds = config["methods"], config["seeds"]
    settings = {key: given_settings(method(key), config["settings"].get(key, {})) for key in keys}
    known = Comparison.load(out).summaries if (out / FILE).exists() else ()
    found = {each.method.key: each for each in known}
    asked = {"format": FORMAT, "methods": keys, "seeds": seeds, "created": time.time(), "checksums": checksums(sets)}
    total, began, run = sum(num_runs(method(key), seeds) for key in keys), time.monotonic(), 0

    def done() -> int:
        return sum(num_runs(each.method, seeds) if each.error else each.seeds for each in found.values())

    def start(entry: Method, seed: int) -> None:
        count = num_runs(entry, seeds)
        which = f", seed {seed + 1} of {count}" if count > 1 else ""
        rate = run / (time.monotonic() - began) if run else None
        report(done=done(), total=total, rate=rate, message=f"{entry.name}{which}")

    def keep(summary: MethodSummary, result: MethodResult | None) -> None:
        nonlocal run
        run += 1
        found[summary.method.key] = summary
        if result is not None and summary.seeds == 1:
            result.head.save(out / "heads" / f"{summary.method.key}.safetensors")
        write_json(out / FILE, asked | _content(list(found.values()), sets["evaluation"]))
        report(done=done(), total=total)

    summaries = compare_methods(
        head,
        sets["identification"],
        sets["tuning"],
        sets["evaluation"],
        keys,
        seeds=seeds,
        settings=settings,
        known=known,
        on_start=start,
        on_run=keep,
    )
    return {"comparison": out.name, "failed": [each.method.key for each in summaries if each.error]}


def _content(summaries: Sequence[MethodSummary], evaluation: EmbeddingSet) -> dict[str, Any]:
    """Counts are kept, from which every number is computed anew."""
    measured = next((run.evaluation for each in summaries for run in each.runs), None)
    kinds = {
        kind: {"names": [part.name for part in parts], "n": [part.n for part in parts]}
        for kind, parts in (
            ("classes", measured.classes if measured else ()),
            ("groups", measured.groups if measured else ()),
        )
    }
    return kinds | {
        "split": evaluation.split,
        "shares": next((each.shares for each in summaries), None),
        "standings": [
            {
                "method": each.method.key,
                "settings": changed(each.settings),
                "error": each.error,
                "runs": [
                    {
                        "seed": run.seed,
                        "seconds": run.seconds,
                        "chosen": dict(run.chosen),
                        "warnings": run.warnings,
                        "right_by_class": [part.correct for part in run.evaluation.classes],
                        "right_by_group": [part.correct for part in run.evaluation.groups],
                    }
                    for run in each.runs
                ],
            }
            for each in summaries
        ],
    }


def _method_summary(said: dict[str, Any], shares: list[float] | None, parts: tuple) -> MethodSummary:
    entry = METHODS[said["method"]]
    return MethodSummary(
        entry,
        given_settings(entry, said["settings"]),
        tuple(
            SeedRun(
                run["seed"],
                _evaluation(parts, run["right_by_class"], run["right_by_group"]),
                run["seconds"],
                run["chosen"],
                tuple(run["warnings"]),
            )
            for run in said["runs"]
        ),
        None if shares is None else tuple(shares),
        said["error"],
    )


def _evaluation(parts: tuple, right_by_class: list[int], right_by_group: list[int]) -> Evaluation:
    classes, groups = (
        tuple(Proportion(name, right, n) for name, n, right in zip(names, counts, rights, strict=True))
        for (names, counts), rights in zip(parts, (right_by_class, right_by_group), strict=True)
    )
    overall = Proportion("all", sum(part.correct for part in classes), sum(part.n for part in classes))
    return Evaluation(overall, classes, groups)
