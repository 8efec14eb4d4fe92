"""How long the UMAP map of a large split takes and how much memory, as the job that the Groups screen starts.

On a generated split of 100,000 × 512 vectors, 20 overlapping clouds; or how soon the job ends when it is cancelled
at a step.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from in_browser import write_vectors

from neurontune_core.files import read_json
from neurontune_core.jobs.store import Job, JobStore
from neurontune_core.workspace.workspace import Workspace


def watched(job: Job, cancel_at: str = "", after: float = 0) -> tuple[float, float, dict[str, float]]:
    """Return the seconds until the job ended (from its start, or from the cancel that was asked for ``after`` it said
    ``cancel_at``), its peak of resident memory in GB, and the second at which each message was first seen."""
    began, peak, seen = time.perf_counter(), 0.0, {}
    process = psutil.Process(read_json(job.folder / "process.json")["pid"])
    while not (status := job.status()).finished:
        seen.setdefault(status.message, time.perf_counter() - began)
        if cancel_at and time.perf_counter() - began > seen.get(cancel_at, np.inf) + after:
            began, cancel_at = time.perf_counter(), ""
            job.cancel()
        try:
            peak = max(peak, process.memory_info().rss / 1e9)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.05)
    return time.perf_counter() - began, peak, seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--neurons", type=int, default=512)
    parser.add_argument("--cancel-at", default="", help="the message of the job at which it is cancelled")
    parser.add_argument("--after", type=float, default=0, help="so many seconds later")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp())
    workspace = Workspace(home)
    write_vectors(workspace.new_folder("big"), "vectors", options.samples, options.neurons, clouds=20)
    project = workspace.open("big")
    config = {"source": str(project.source), "folder": str(project.folder), "split": "test"}
    job = JobStore(home / "jobs").submit("umap", config)
    seconds, peak, seen = watched(job, options.cancel_at, options.after)
    steps = ", ".join(f"{message} at {at:.0f} s" for message, at in seen.items())
    print(f"{job.status().state} after {seconds:.1f} s, {peak:.1f} GB at most; {steps}; {job.status().error}")
    if job.status().state == "done":
        placed = np.load(project.umap_file(project.load_set("test")))
        print(f"all placed: {bool(np.isfinite(placed).all())}")


if __name__ == "__main__":
    main()
