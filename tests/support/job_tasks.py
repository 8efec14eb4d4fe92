"""Small tasks that the tests of jobs run in real child processes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neurontune_core.errors import InputError


def count(config: dict[str, Any], report: Callable[..., object]) -> dict[str, Any]:
    """Count to ``total``, one step every ``pause`` seconds, leaving a trace in the file ``ran``, if given."""
    if "ran" in config:
        with Path(config["ran"]).open("a") as file:
            file.write(f"{config['name']}\n")
    for done in range(1, config["total"] + 1):
        time.sleep(config["pause"])
        print("counted", done)
        report(done=done, total=config["total"], rate=1 / max(config["pause"], 1e-3), split="train")
    return {"counted": config["total"]}


def hash_in_c(config: dict[str, Any], report: Callable[..., object]) -> None:
    """Run one library call for many seconds; Python's signal handlers wait until it returns."""
    report(done=0, total=1)
    hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 100_000_000)


def refuse(config: dict[str, Any], report: Callable[..., object]) -> None:
    raise InputError('There is no folder "birds"; give the folder of the data set.')


def crash(config: dict[str, Any], report: Callable[..., object]) -> None:
    raise RuntimeError("out of luck\nand of memory")
