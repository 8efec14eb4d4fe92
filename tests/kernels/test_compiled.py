"""The cache of compiled loops: a change in any file of the package recompiles what calls it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher

import neurontune_core.kernels
from neurontune_core.kernels.compiled import PackageCache

FOLDER = Path(neurontune_core.kernels.__file__).parent
CALLER = """
from loops.compiled import compiled
from loops.helper import helped

@compiled()
def caller(x):
    return helped(x) + 1
"""
HELPER = """
from loops.compiled import compiled

@compiled()
def helped(x):
    return 2 * x
"""


def called(folder: Path) -> str:
    """Return what a fresh interpreter computes, and how many times it took the machine code from disk."""
    code = "from loops.caller import caller; print(caller(3), sum(caller.stats.cache_hits.values()))"
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.mark.long
def test_a_helper_changed_in_another_file_is_run_as_it_is_now(tmp_path: Path) -> None:
    package = tmp_path / "loops"
    package.mkdir()
    (package / "__init__.py").touch()
    shutil.copy(FOLDER / "compiled.py", package)
    (package / "caller.py").write_text(CALLER)
    (package / "helper.py").write_text(HELPER)
    assert [called(tmp_path), called(tmp_path)] == ["7 0\n", "7 1\n"]  # the second time from disk
    (package / "helper.py").write_text(HELPER.replace("2 * x", "3 * x"))
    assert [called(tmp_path), called(tmp_path)] == ["10 0\n", "10 1\n"]


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__"))
def test_every_compiled_loop_has_that_cache(name: str) -> None:
    module = import_module(f"neurontune_core.kernels.{name}")
    for loop in vars(module).values():
        if isinstance(loop, Dispatcher):
            assert isinstance(loop._cache, PackageCache), loop
