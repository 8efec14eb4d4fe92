"""What a statement imports, seen by a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

from tests.support.paths import ROOT

HEAVY = ("torch", "torchvision", "transformers", "captum", "sklearn", "timm", "streamlit")


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has after the statement."""
    code = f"{statement}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())
