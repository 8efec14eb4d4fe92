"""What a person asks for: two paths and corrections; and the specs that they mean."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurontune_core.datasets.base import DatasetGuess
from neurontune_core.datasets.guess import guess_dataset
from neurontune_core.errors import InputError
from neurontune_core.models import TEXT_FAMILIES
from neurontune_core.models.detect import ModelGuess, guess_model

ROLE_NAMES = {"group": "attribute", "image": "path", "hypothesis": "text2"}  # as people also say
_WORDS = ("random", "imagenet")  # weights that are no path
_PACKAGED = "minilm"  # a family whose weights are installed
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Request:
    """Two paths, and the user's corrections.

    Attributes:
        data: folder or table of the data.
        weights: checkpoint, model folder, "random", "imagenet", "minilm", or an allowed hub id; empty to inspect data
            alone.
        columns: role -> column; None (or "") says that there is none.
        classes: class names in the order of the model's outputs.
        label_threshold: the score from which on a sample is of class 1, where the labels are scores.
        images: the folder in the data that holds the images of a table.
        family, architecture: of the model; detected where None.
        entry: "module:function" that builds the network; only the command line uses it.
        settings: other keys of the model's spec (``num_classes``, ``image_size``, ``preprocessing``,
            ``weights_key``, ``use_last_linear``).
    """

    data: str
    weights: str = ""
    columns: Mapping[str, str | None] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    label_threshold: float | None = None
    images: str = ""
    family: str | None = None
    architecture: str | None = None
    entry: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def dataset(self) -> DatasetGuess:
        """Recognize the dataset.

        Raises:
            InputError: when the data are not recognized.
        """
        if not self.data:
            raise InputError("Give the folder or the table of the data.")
        columns = {ROLE_NAMES.get(role, role): column or None for role, column in self.columns.items()}
        guess = guess_dataset(self.data, columns)
        if self.classes:
            guess.spec["class_names"] = list(self.classes)
        if self.label_threshold is not None:
            guess.spec["label_threshold"] = self.label_threshold
        if exif := (self.settings.get("preprocessing") or {}).get("exif"):
            guess.spec["exif"] = exif
        if self.images:
            guess.spec["images"] = self.images
        return guess

    def model(self) -> ModelGuess:
        """Recognize the model.

        Raises:
            InputError: when the weights are not recognized.

        >>> Request("birds", entry="my_model:network").model().description
        'The network that my_model:network builds.'
        """
        preprocessing = dict(self.settings.get("preprocessing") or {})
        preprocessing.pop("exif", None)  # how the dataset's images are opened
        options: dict[str, Any] = {
            key: value
            for key, value in (dict(self.settings) | {"preprocessing": preprocessing}).items()
            if value is not None and value is not False and value != {}
        }  # num_classes 0, which leaves the head off, stays
        if self.entry:
            weights = {"weights": os.path.abspath(os.path.expanduser(self.weights))} if self.weights else {}
            spec = {"family": "python", "entry": self.entry, **weights}
            return ModelGuess(spec | options, f"The network that {self.entry} builds.")
        if not self.weights:
            raise InputError("Give the weights: a checkpoint, or the folder of a Hugging Face model.")
        if self.weights == _PACKAGED and not Path(self.weights).exists():
            packaged = {"family": _PACKAGED}
            return ModelGuess(
                packaged | _for_texts(packaged, options), "The installed sentence encoder MiniLM, without a head."
            )
        if self.weights in _WORDS:
            return self._named(options)
        if not Path(self.weights).expanduser().exists() and _HUB_ID.fullmatch(self.weights):
            return self._from_hub(options)
        guess = guess_model(self.weights, self.family, self.architecture, self.settings.get("weights_key"))
        return guess._replace(spec=guess.spec | _for_texts(guess.spec, options))

    def _named(self, options: dict[str, Any]) -> ModelGuess:
        if not self.family:
            raise InputError(f'Weights "{self.weights}" need the model\'s family, such as torchvision.')
        named = {"family": self.family, "architecture": self.architecture, "weights": self.weights} | options
        spec = {key: value for key, value in named.items() if value is not None}
        return ModelGuess(
            spec, f'{" ".join(filter(None, (self.family, self.architecture)))}, weights "{self.weights}".'
        )

    def _from_hub(self, options: dict[str, Any]) -> ModelGuess:
        from neurontune_core.models import ALLOWED_HUB_MODELS
        from neurontune_core.models.huggingface import cached_folder

        guess = guess_model(cached_folder(self.weights, ALLOWED_HUB_MODELS), self.family, self.architecture)
        description = f"{guess.description} It comes from the local cache; nothing was fetched."
        return guess._replace(spec=guess.spec | {"hub": self.weights} | options, description=description)


def _for_texts(spec: Mapping[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with what a person says of preprocessing as settings of the tokenizer, where it is one.

    Raises:
        InputError: for a setting of images.
    """
    settings = dict(options.get("preprocessing") or {})
    if spec.get("family") not in TEXT_FAMILIES or not settings:
        return options
    length = settings.pop("max_length", None)
    if settings or not isinstance(length, int):
        raise InputError(
            f'The preprocessing setting "{min(settings, default="max_length")}" is none of a text model; it has '
            "max_length, a number of tokens."
        )
    return {key: value for key, value in options.items() if key != "preprocessing"} | {
        "tokenization": {"max_length": length}
    }
