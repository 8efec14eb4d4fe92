"""The direction of the imports: screens use the core, never the reverse, and arrays need no network library."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.support.imports import HEAVY, loaded_by
from tests.support.paths import ROOT

CORE = sorted((ROOT / "neurontune_core").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module that the file names in an import, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_imports_neither_streamlit_nor_the_screens(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imported(path)}
    assert tops.isdisjoint({"streamlit", "pages", "app"})


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_screens_import_the_core_streamlit_plotly_and_the_standard_library(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imported(path)}
    allowed = {"neurontune_core", "pages", "streamlit", "plotly"} | set(sys.stdlib_module_names)
    if path.name == "routes.py":  # which answers requests itself, with the web framework that streamlit brings
        allowed.add("starlette")
    assert tops <= allowed


@pytest.mark.parametrize(
    "module",
    [
        "identification.scores",
        "tuning.neurontune",
        "tuning.sweep",
        "evaluation.accuracy",
        "evaluation.changes",
        "head",
        "embeddings",
        "tuning.normalize",
        "tuning.balanced_trainer",
        "tuning.config",
        "identification.confidence",
        "evaluation.mask_curve",
        "advise",
    ],
)
def test_arithmetic_on_arrays_pulls_in_no_network_library(module: str) -> None:
    assert loaded_by(f"import neurontune_core.{module}").isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "module",
    ["experiments.comparison", "figures.methods", "experiments.studies", "figures.studies", "experiments.leaderboard"],
)
def test_what_the_screens_of_methods_import_is_light(module: str) -> None:
    assert loaded_by(f"import neurontune_core.{module}").isdisjoint({*HEAVY, "numba", "pandas", "scipy", "plotly"})


def test_importing_the_core_is_light() -> None:
    assert loaded_by("import neurontune_core").isdisjoint({*HEAVY, "numba", "pandas", "scipy", "plotly", "pyarrow"})


def test_a_whole_run_on_arrays_pulls_in_no_network_library(tmp_path: Path) -> None:
    code = f"""
import numpy as np, neurontune_core as nt
rng = np.random.default_rng(0)
data = nt.EmbeddingSet(rng.normal(size=(40, 4)), rng.integers(0, 2, 40), ("a", "b"))
data.save({str(tmp_path)!r})
head = nt.LinearHead(rng.normal(size=(2, 4)), np.zeros(2))
data = nt.EmbeddingSet.load({str(tmp_path)!r})
nt.evaluate(nt.neurontune(head, data, data, nt.TuneConfig(epochs=1, batches=2)).head, data)
"""
    assert loaded_by(code).isdisjoint(HEAVY)


def test_no_module_of_arrays_imports_a_later_one() -> None:
    order = [
        "errors",
        "files",
        "embeddings",
        "head",
        "evaluation.accuracy",
        "evaluation.changes",
        "evaluation.mask_curve",
        "identification.scores",
        "tuning.config",
        "tuning.normalize",
        "kernels.steps",
        "identification.confidence",
        "tuning.balanced_trainer",
        "tuning.run",
        "tuning.neurontune",
        "tuning.shared_trainer",
        "tuning.sweep",
    ]
    for place, name in enumerate(order):
        later = {f"neurontune_core.{other}" for other in order[place + 1 :]}
        assert imported(ROOT / "neurontune_core" / f"{name.replace('.', '/')}.py").isdisjoint(later), name
