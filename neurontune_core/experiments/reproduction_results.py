"""The runs of a reproduction on disk, each bound to the training and the settings that it was made with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurontune_core.errors import InputError
from neurontune_core.experiments.origin import same_origin
from neurontune_core.files import read_json, write_json


@dataclass
class Results:
    """The content of ``results.json``, which is written anew with every change.

    Attributes:
        file: where it lies.
        request: what was asked for; a file never holds the runs of two requests.
        with_imagenet_a: whether a run without a measurement on ImageNet-A counts as missing.
        imagenet_a: the root of ImageNet-A that runs were measured on, if any were.
        runs: method and seed -> record.
        origins: name of a training -> what its runs were made from, as `origin_of` gives it.
    """

    file: Path
    request: Mapping[str, Any]
    with_imagenet_a: bool
    imagenet_a: str | None
    runs: dict[tuple[str, int], dict[str, Any]]
    origins: dict[str, dict[str, str]]

    @classmethod
    def open(cls, file: Path, request: Mapping[str, Any], imagenet_a: str | None) -> Results:
        """Read the results of an earlier call; there are none where the file does not exist.

        Raises:
            InputError: when that call asked for something else, or the file is damaged.
        """
        if not file.is_file():
            return cls(file, request, bool(imagenet_a), imagenet_a, {}, {})
        content = read_json(file)
        try:
            kept, origins = dict(content["asked"]), dict(content.get("origins", {}))
            runs = {(run["method"], run["seed"]): run for run in content["runs"]}
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{file} does not hold whole results ({type(error).__name__}: {error}); delete it, and the methods are "
                "run again."
            ) from None
        differ = [name for name, value in _plain(request).items() if kept.get(name) != value]
        if differ:
            raise InputError(
                f"{file.parent} holds a reproduction with another {' and '.join(differ)}; choose another folder, or "
                "delete it."
            )
        if imagenet_a and imagenet_a != content.get("imagenet_a"):
            runs = {key: {name: run[name] for name in run if name != "imagenet_a"} for key, run in runs.items()}
        return cls(file, request, bool(imagenet_a), imagenet_a or content.get("imagenet_a"), runs, origins)

    def holds(self, method: str, seed: int, settings: Any) -> bool:
        """Return whether a run with these settings is done, measured on ImageNet-A where that is asked for."""
        run = self.runs.get((method, seed))
        if run is None or _plain(run.get("settings")) != _plain(plain_settings(settings)):
            return False
        return bool(run["error"]) or not self.with_imagenet_a or "imagenet_a" in run

    def bind(self, training: str, seeds: Iterable[int], origin: Mapping[str, str]) -> bool:
        """Drop the runs that were not made from this training.

        Args:
            training: its name.
            seeds: those whose runs are made from it.
            origin: what its runs are made from now.

        Returns:
            Whether runs were dropped.
        """
        kept = self.origins.get(training, {})
        stale: list[tuple[str, int]] = []
        if not same_origin({name: kept[name] for name in kept if name in origin}, origin):
            stale = [run for run in self.runs if run[1] in seeds]
        for run in stale:
            del self.runs[run]
        self.origins[training] = kept | dict(origin)
        return bool(stale)

    def add(self, run: Mapping[str, Any]) -> None:
        """Keep a run, and write all of them."""
        self.runs[run["method"], run["seed"]] = dict(run)
        content = {"asked": self.request, "runs": list(self.runs.values()), "origins": self.origins}
        write_json(self.file, content | {"imagenet_a": self.imagenet_a})


def plain_settings(settings: Any) -> dict[str, Any]:
    """Return settings as JSON can hold them; matrices are left out."""
    return {name: value for name, value in asdict(settings).items() if not isinstance(value, np.ndarray)}


def _plain(value: Any) -> Any:
    """Return a value as it comes back from JSON."""
    return json.loads(json.dumps(value))
