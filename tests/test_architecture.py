"""The rules of docs/architecture.md: what may import what, what stays light, and that the screens only show."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
CORE, SCREENS, PARTS = ROOT / "neurontune_core", ROOT / "pages", ROOT / "pages" / "parts"
HEAVY = ("torch", "torchvision", "transformers", "captum", "sklearn", "timm", "streamlit")
LARGE = {*HEAVY, "numba", "pandas", "scipy", "plotly", "pyarrow", "umap", "PIL"}
FOR_ALL = "kernels.half"  # half precision, which vectors are stored in
LINES_OF_THE_DOOR = 60


class Layer(NamedTuple):
    """One row of the document's tables."""

    may_import: frozenset[str]
    loads: frozenset[str]


def layers(heading: str) -> dict[str, Layer]:
    """Return the rows of the table below a heading of docs/architecture.md."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.split(f"## {heading}\n", 1)[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return {
        row[0].strip("`"): Layer(frozenset(row[2].split()), frozenset("".join(row[3:]).split())) for row in rows[2:]
    }


LAYERS = layers("The packages of `neurontune_core`")
WIDGETS = layers("The screens")


def imported(path: Path) -> set[str]:
    """Return every module that the file names in an import, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for folder in (CORE, SCREENS) for path in sorted(folder.rglob("*.py"))}


def imported_modules(path: Path) -> set[str]:
    """Return the project's own modules that the file imports."""
    return imported(path) & set(MODULES) - {"neurontune_core", "pages", "pages.parts"}


def crossings(top: str, places: dict[str, Layer]) -> Iterator[tuple[str, str, str]]:
    """Yield (importing file, its package, imported module) for each import that leaves its package below ``top``."""
    for name, path in MODULES.items():
        if not name.startswith(f"{top}.") or name.endswith(".__main__"):
            continue
        package = name.removeprefix(f"{top}.").partition(".")[0]
        for other in sorted(imported_modules(path)):
            target = other.removeprefix(f"{top}.").partition(".")[0]
            if other.startswith(f"{top}.") and target in places and target != package:
                yield str(path.relative_to(ROOT)), package if package in places else "(root)", other


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has after the statement."""
    code = f"{statement}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_document_lists_every_package() -> None:
    packages = {path.parent.name for path in CORE.glob("*/__init__.py")}
    assert set(LAYERS) == {"(root)", *packages}
    assert set(WIDGETS) == {path.parent.name for path in PARTS.glob("*/__init__.py")}
    assert all(layer.may_import <= {*LAYERS, *WIDGETS, "*"} for layer in (*LAYERS.values(), *WIDGETS.values()))


def test_a_package_imports_only_what_its_row_allows() -> None:
    wrong = [
        f"{file} imports {other}"
        for file, package, other in crossings("neurontune_core", LAYERS)
        if other.removeprefix("neurontune_core.").partition(".")[0] not in LAYERS[package].may_import
        and not LAYERS[package].may_import & {"*"}
        and not other.endswith(FOR_ALL)
        and other != "neurontune_core.kernels"
    ]
    assert not wrong


def test_a_part_of_the_screens_imports_only_what_its_row_allows() -> None:
    wrong = [
        f"{file} imports {other}"
        for file, part, other in crossings("pages.parts", WIDGETS)
        if other.removeprefix("pages.parts.").partition(".")[0] not in WIDGETS[part].may_import
    ]
    assert not wrong


def test_what_the_rows_allow_holds_no_circle() -> None:
    for places in (LAYERS, WIDGETS):
        graph = {name: layer.may_import - {"*"} for name, layer in places.items()}
        TopologicalSorter(graph).prepare()  # raises CycleError


def test_no_modules_import_each_other() -> None:
    TopologicalSorter({name: imported_modules(path) - {name} for name, path in MODULES.items()}).prepare()


def test_the_core_imports_neither_streamlit_nor_the_screens() -> None:
    for path in CORE.rglob("*.py"):
        tops = {name.partition(".")[0] for name in imported(path)}
        assert tops.isdisjoint({"streamlit", "pages", "app"}), path


def test_screens_import_the_core_streamlit_plotly_starlette_and_the_standard_library() -> None:
    allowed = {"neurontune_core", "pages", "streamlit", "plotly", "starlette"} | set(sys.stdlib_module_names)
    for path in SCREENS.rglob("*.py"):
        assert {name.partition(".")[0] for name in imported(path)} <= allowed, path


def test_the_door_is_readable_at_a_glance() -> None:
    assert len((ROOT / "app.py").read_text(encoding="utf-8").splitlines()) <= LINES_OF_THE_DOOR


@pytest.mark.long
@pytest.mark.parametrize("package", sorted(LAYERS))
def test_importing_a_package_loads_only_what_its_row_names(package: str) -> None:
    folder = CORE if package == "(root)" else CORE / package
    modules = [module_of(path) for path in folder.glob("*.py") if path.stem != "__main__"]
    assert loaded_by(f"import {', '.join(modules)}") & LARGE <= LAYERS[package].loads


@pytest.mark.parametrize(
    "module",
    ["models.packaged", "models.saved", "models.detect", "training.config", "training.history", "training.job"],
)
def test_what_the_screens_read_of_models_and_training_loads_no_network_library(module: str) -> None:
    assert not loaded_by(f"import neurontune_core.{module}") & LARGE


@pytest.mark.long
def test_a_whole_run_on_arrays_loads_no_network_library(tmp_path: Path) -> None:
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
