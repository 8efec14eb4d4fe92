"""Inspections that run beside the screen and are found again after a reload."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from dataclasses import asdict
from pathlib import Path

from neurontune_core.preflight.report import Report
from neurontune_core.preflight.request import Request

_KEPT = 16
_one_at_a_time = threading.Lock()  # a model in memory at a time


class BackgroundInspection:
    """An inspection in a thread of its own: it is short, and a new process would spend most of it on imports.

    Attributes:
        stage: the current stage, in words.
        report: the result, once it is complete.
        error: one sentence when the inspection itself failed.
    """

    def __init__(self, request: Request, out: Path) -> None:
        self.request, self.stage, self.error = request, "Waiting", ""
        self.report: Report | None = None
        self._out = out
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait at most ``seconds`` for the inspection to end."""
        self._thread.join(seconds)

    def _work(self) -> None:
        from neurontune_core.preflight.inspection import inspect_dataset

        try:
            with _one_at_a_time:
                self.report = inspect_dataset(self.request, self._out, out=self._out, on_stage=self._set_stage)
        except Exception as error:  # whatever a foreign model does, the page gets a sentence
            first = (str(error).splitlines() or [""])[0]
            reason = f"{type(error).__name__}: {first}"
            self.error = (
                f"The inspection stopped inside a library ({reason}), which says nothing of your files; report it."
            )

    def _set_stage(self, stage: str) -> None:
        self.stage = stage


class Inspections:
    """The latest inspections of all sessions, by a digest of their request."""

    def __init__(self) -> None:
        self._inspections: OrderedDict[str, BackgroundInspection] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, request: Request, out: Path) -> str:
        """Start an inspection and return its id.

        An entry point in the request is dropped, as a screen runs nobody's code.
        """
        content = asdict(request) | {"entry": None}
        name = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
        with self._lock:
            if name not in self._inspections or not self._inspections[name].running:
                self._inspections[name] = BackgroundInspection(Request(**content), out)
            self._inspections.move_to_end(name)
            while len(self._inspections) > _KEPT:
                self._inspections.popitem(last=False)
        return name

    def get(self, name: str | None) -> BackgroundInspection | None:
        """Return the inspection of this id; None when there is none."""
        return self._inspections.get(name or "")
