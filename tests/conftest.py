"""Fixtures that every test may use, and the flag of the slow ones."""

from __future__ import annotations

import os
from pathlib import Path

# Before torch is imported, here and in every child process: tests run side by side, one core to each.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from tests.support.paths import ROOT


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the long sweeps too")
    parser.addoption("--throttle", type=float, default=1.0, help="make the browser so many times slower")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is marked slow, saying what of its kind runs in its place, unless ``--slow`` asks for it."""
    if config.getoption("--slow"):
        return
    for item in items:
        if marker := item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason=f"needs --slow; otherwise {marker.kwargs['reason']}"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data beside the project; skip on a machine without it, and say so."""
    folder = Path(os.environ.get("NEURONTUNE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data for tests is not on this machine ({folder}); set NEURONTUNE_SHARED_DATA to point at it")
    return folder
