"""How soon work ends once somebody stops it: a retraining on the screen, and an extraction in its process.

A retraining (`BackgroundRun`, from ``stop`` until its thread has ended and what was reached is saved) is stopped at
moments spread over NeuronTune and masking off, on generated projects of Waterbirds' and CelebA's size. The extraction
of the built-in example (from ``cancel`` until the job says so) is stopped at moments spread over the network's
loading and its batches.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from in_browser import write_vectors

from neurontune_core import TuneConfig
from neurontune_core.jobs.store import JobStore
from neurontune_core.session.background_run import BackgroundRun
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.workspace.workspace import DEFAULT_EXAMPLE, Workspace

SIZES = {"Waterbirds": (1_199, 4_795), "CelebA": (19_914, 162_770)}  # identification, tuning samples


def stopped_retraining(diagnosis: Diagnosis, share: float) -> float:
    """Return the milliseconds to the end of a retraining stopped when this share of it is done."""
    live = BackgroundRun(diagnosis, TuneConfig(), "train")
    while live.share < share:
        time.sleep(0.001)
    began = time.perf_counter()
    live.stop()
    live.wait(60)
    if live.error or live.run is None or sum(map(len, live.histories.values())) >= 2 * live.config.epochs:
        raise SystemExit(f"the retraining was not stopped: {live.error}")
    return 1e3 * (time.perf_counter() - began)


def stopped_extraction(home: Path, workspace: Workspace, after: float) -> float:
    """Return the milliseconds until a job that has run for ``after`` seconds is over once it is cancelled."""
    project = workspace.open(DEFAULT_EXAMPLE)
    folder = workspace.new_folder(f"again-{after:.1f}")
    config = {key: project.content[key] for key in ("model", "dataset", "problem")}
    config |= {"base": str(project.source), "out": str(folder), "name": folder.name}
    job = JobStore(home / "jobs").submit("extract", config)
    time.sleep(after)
    began = time.perf_counter()
    job.cancel()
    while not job.status().finished:
        time.sleep(0.005)
    if job.status().state != "cancelled":
        raise SystemExit(f"the extraction was not cancelled but {job.status().state}: {job.status().error}")
    return 1e3 * (time.perf_counter() - began)


def print_row(what: str, latencies: list[float]) -> None:
    print(
        f"{what:32s} {len(latencies)} times: p50 {np.median(latencies):4.0f} ms, at most {max(latencies):4.0f} ms",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=12)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        workspace = Workspace(home)
        for name, (identification, tuning) in SIZES.items():
            write_vectors(workspace.new_folder(name), name, identification, 2_048, tuning_samples=tuning)
            diagnosis = Diagnosis(workspace.open(name))
            _ = diagnosis.scorer  # as it is once a screen has been seen
            stopped_retraining(diagnosis, 0.02)  # compiles, or loads what was compiled before
            shares = np.linspace(0, 0.95, options.times)
            print_row(f"retraining, size of {name}", [stopped_retraining(diagnosis, share) for share in shares])
        waits = np.linspace(0.5, 12, options.times)
        print_row("extraction", [stopped_extraction(home, workspace, wait) for wait in waits])


if __name__ == "__main__":
    main()
