"""A comparison of methods on disk: written after every run, read by the screens, and resumed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurontune_core.baselines.base import Method, MethodResult
from neurontune_core.baselines.registry import METHODS, method
from neurontune_core.baselines.settings_io import changed_settings, parse_settings
from neurontune_core.embeddings import EmbeddingSet
from neurontune_core.errors import InputError
from neurontune_core.evaluation.accuracy import Evaluation, Proportion
from neurontune_core.experiments.methods import MethodSummary, SeedRun, compare_methods, num_runs, ranked, with_always
from neurontune_core.experiments.origin import origin_of, same_origin
from neurontune_core.files import read_json, write_json
from neurontune_core.head import LinearHead
from neurontune_core.workspace.project import ROLES, Project

FORMAT = "neurontune-comparison/1"
FILE = "comparison.json"


@dataclass(frozen=True, eq=False)
class Comparison:
    """A saved comparison, complete or stopped.

    Attributes:
        folder: where it lies; its name is its ``id``.
        methods: the keys of the requested methods.
        seeds: the requested number of runs of each.
        summaries: as in `compare_methods`, so far.
        checksums: what it ran on, as `origin_of` gives it.
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
        """Return the name of the folder."""
        return self.folder.name

    @property
    def complete(self) -> bool:
        """Return whether every requested run was done, or failed for a reason."""
        done = [
            summary
            for summary in self.summaries
            if summary.error or summary.seeds == num_runs(summary.method, self.seeds)
        ]
        return len(done) == len(self.summaries) == len(self.methods)

    def head_file(self, key: str) -> Path:
        """Return where a method's head of seed 0 lies; a method that failed has none."""
        return self.folder / "heads" / f"{method(key).key}.safetensors"

    def head(self, key: str) -> LinearHead:
        """Read a method's head of seed 0.

        Raises:
            InputError: when its file does not exist (any more) or holds no head.
        """
        file = self.head_file(key)
        if not file.is_file():
            raise InputError(
                f"The head of {method(key).name} of the comparison {self.id} does not exist ({file}); run the "
                "comparison again."
            )
        return LinearHead.load(file)

    def fits(self, head: LinearHead, sets: Mapping[str, EmbeddingSet]) -> bool:
        """Return whether the comparison ran on this head and these sets, by role."""
        return same_origin(self.checksums, origin_of(head, sets))

    @classmethod
    def load(cls, folder: Path) -> Comparison:
        """Read a comparison.

        Raises:
            InputError: when the folder does not hold a whole one.
        """
        content = read_json(folder / FILE)
        try:
            if content["format"] != FORMAT:
                raise KeyError("format")
            parts = tuple((tuple(content[kind]["names"]), tuple(content[kind]["n"])) for kind in ("classes", "groups"))
            summaries = ranked([_method_summary(entry, content["shares"], parts) for entry in content["standings"]])
            return cls(
                folder,
                tuple(content["methods"]),
                int(content["seeds"]),
                tuple(summaries),
                dict(content["checksums"]),
                float(content["created"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{folder / FILE} is not a whole comparison ({type(error).__name__}: {error}); delete its folder."
            ) from None


def comparisons(project: Project) -> list[Comparison]:
    """Return the saved comparisons of a project, the newest first; one that cannot be read is left out."""
    saved = []
    for folder in project.comparison_folders():
        with suppress(InputError):
            saved.append(Comparison.load(folder))
    return sorted(saved, key=lambda comparison: comparison.created, reverse=True)


def comparison_config(
    project: Project, name: str, keys: Sequence[str], seeds: int, options: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what the task "compare" is submitted with.

    Args:
        project, name: the project and what the workspace calls it.
        keys: methods; those of `ALWAYS` are run as well.
        seeds: runs of each method that has a seed.
        options: method -> setting -> value, where it is not the default.

    Raises:
        InputError: for an unknown method or setting, or a value out of range.
    """
    keys = with_always(keys)
    settings = {key: changed_settings(parse_settings(method(key), options[key])) for key in keys if options.get(key)}
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
    """Run the task "compare".

    Runs that its folder holds already are not repeated, unless they were made from another head, other sets or other
    settings: what was made from another extraction is set aside as a comparison of its own.

    Args:
        config: as `comparison_config` returns it.
        report: called as a job's is.

    Returns:
        ``comparison``, its id; ``failed``, the keys of methods that failed; ``set_aside``, the id of the earlier
        comparison, where there is one.
    """
    project, out = Project(Path(config["source"]), Path(config["folder"])), Path(config["out"])
    head, sets = project.load_head(), {role: project.load_set(role) for role in ROLES}
    keys, seeds = config["methods"], config["seeds"]
    settings = {key: parse_settings(method(key), config["settings"].get(key, {})) for key in keys}
    origin, total = origin_of(head, sets), sum(num_runs(method(key), seeds) for key in keys)
    known: Sequence[MethodSummary] = ()
    outcome: dict[str, Any] = {"comparison": out.name}
    if (out / FILE).exists():
        saved = Comparison.load(out)
        if same_origin(saved.checksums, origin):
            known = [summary for summary in saved.summaries if _still_valid(summary, settings, saved)]
        else:
            outcome["set_aside"] = _set_aside(out).name
            message = "The earlier runs were made from another extraction; they are set aside, and all are run again"
            report(done=0, total=total, message=message)
    summaries = {summary.method.key: summary for summary in known}
    about = {"format": FORMAT, "methods": keys, "seeds": seeds, "created": time.time(), "checksums": origin}
    began, runs = time.monotonic(), 0

    def done() -> int:
        return sum(
            num_runs(summary.method, seeds) if summary.error else summary.seeds for summary in summaries.values()
        )

    def start(entry: Method, seed: int) -> None:
        count = num_runs(entry, seeds)
        which = f", seed {seed + 1} of {count}" if count > 1 else ""
        rate = runs / (time.monotonic() - began) if runs else None
        report(done=done(), total=total, rate=rate, message=f"{entry.name}{which}")

    def keep(summary: MethodSummary, result: MethodResult | None) -> None:
        nonlocal runs
        runs += 1
        key = summary.method.key
        summaries[key] = summary
        head_file = out / "heads" / f"{key}.safetensors"
        if result is None:
            head_file.unlink(missing_ok=True)  # of a run with other settings
        elif summary.seeds == 1:
            result.head.save(head_file)
        write_json(out / FILE, about | _content(list(summaries.values()), sets["evaluation"]))
        report(done=done(), total=total)

    result = compare_methods(
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
    return outcome | {"failed": [summary.method.key for summary in result if summary.error]}


def _still_valid(summary: MethodSummary, settings: Mapping[str, Any], saved: Comparison) -> bool:
    """Return whether a saved method ran with these settings and, unless it failed, still has its head."""
    key = summary.method.key
    same = key in settings and changed_settings(summary.settings) == changed_settings(settings[key])
    return same and (bool(summary.error) or saved.head_file(key).is_file())


def _set_aside(folder: Path) -> Path:
    """Move a comparison to a folder beside its own, which is left empty for another one."""
    aside = folder.with_name(f"{folder.name}-earlier")
    while aside.exists():
        aside = aside.with_name(f"{aside.name}x")
    folder.rename(aside)
    folder.mkdir()
    return aside


def _content(summaries: Sequence[MethodSummary], evaluation: EmbeddingSet) -> dict[str, Any]:
    """Return what is written: counts, from which every number is computed."""
    measured = next((run.evaluation for summary in summaries for run in summary.runs), None)
    kinds = {
        kind: {"names": [part.name for part in parts], "n": [part.n for part in parts]}
        for kind, parts in (
            ("classes", measured.classes if measured else ()),
            ("groups", measured.groups if measured else ()),
        )
    }
    return kinds | {
        "split": evaluation.split,
        "shares": next((summary.shares for summary in summaries), None),
        "standings": [
            {
                "method": summary.method.key,
                "settings": changed_settings(summary.settings),
                "error": summary.error,
                "runs": [
                    {
                        "seed": run.seed,
                        "seconds": run.seconds,
                        "chosen": dict(run.chosen),
                        "warnings": run.warnings,
                        "right_by_class": [part.correct for part in run.evaluation.classes],
                        "right_by_group": [part.correct for part in run.evaluation.groups],
                    }
                    for run in summary.runs
                ],
            }
            for summary in summaries
        ],
    }


def _method_summary(content: dict[str, Any], shares: list[float] | None, parts: tuple) -> MethodSummary:
    entry = METHODS[content["method"]]
    return MethodSummary(
        entry,
        parse_settings(entry, content["settings"]),
        tuple(
            SeedRun(
                run["seed"],
                _evaluation(parts, run["right_by_class"], run["right_by_group"]),
                run["seconds"],
                run["chosen"],
                tuple(run["warnings"]),
            )
            for run in content["runs"]
        ),
        None if shares is None else tuple(shares),
        content["error"],
    )


def _evaluation(parts: tuple, right_by_class: list[int], right_by_group: list[int]) -> Evaluation:
    classes, groups = (
        tuple(Proportion(name, right, n) for name, n, right in zip(names, counts, rights, strict=True))
        for (names, counts), rights in zip(parts, (right_by_class, right_by_group), strict=True)
    )
    overall = Proportion("all", sum(part.correct for part in classes), sum(part.n for part in classes))
    return Evaluation(overall, classes, groups)
