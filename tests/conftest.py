"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.paths import ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data beside the project; on a machine without it, tests that need it skip and say so."""
    folder = Path(os.environ.get("NEURONTUNE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data for tests is not on this machine ({folder}); set NEURONTUNE_SHARED_DATA to point at it")
    return folder
