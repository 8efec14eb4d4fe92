"""Looks that run beside the screen, and are found again after a reload."""

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


class LiveLook:
    """Starts at once, in a thread: a look is short, and a new process would spend most of it on imports.

    Attributes:
        stage: what is being done.
        report: what was found, once it is over.
        error: one sentence when something went wrong that is no finding.
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
        self._thread.join(seconds)

    def _work(self) -> None:
        from neurontune_core.preflight import look

        try:
            with _one_at_a_time:
                self.report = look(self.request, self._out, out=self._out, on_stage=self._say)
        except Exception as error:  # whatever a foreign model does, the page gets a sentence
            first = (str(error).splitlines() or [""])[0]
            self.error = f"The look stopped unexpectedly ({type(error).__name__}: {first}); the files may be damaged."

    def _say(self, stage: str) -> None:
        self.stage = stage


class Looks:
    """The latest looks of all sessions, by what was asked for."""

    def __init__(self) -> None:
        self._looks: OrderedDict[str, LiveLook] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, request: Request, out: Path) -> str:
        """The id of a new look; an entry point in the request is dropped, as a screen runs nobody's code."""
        asked = asdict(request) | {"entry": None}
        name = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]
        with self._lock:
            if name not in self._looks or not self._looks[name].running:
                self._looks[name] = LiveLook(Request(**asked), out)
            self._looks.move_to_end(name)
            while len(self._looks) > _KEPT:
                self._looks.popitem(last=False)
        return name

    def get(self, name: str | None) -> LiveLook | None:
        return self._looks.get(name or "")
