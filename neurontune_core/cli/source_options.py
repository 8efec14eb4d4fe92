"""The options that name a model and a dataset, as several verbs take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from neurontune_core.cli.options import pairs_of

Data = Annotated[str | None, typer.Argument(help="Folder or table of the data.", show_default=False)]
Weights = Annotated[
    str | None,
    typer.Argument(help='Checkpoint, model folder, "random", "imagenet" or "minilm".', show_default=False),
]
Family = Annotated[
    str | None, typer.Option(help="Model family: torchvision, timm, huggingface_image, ...; detected by default.")
]
Arch = Annotated[
    str | None, typer.Option("--arch", "--architecture", help="Architecture, such as resnet50; detected by default.")
]
Column = Annotated[
    list[str] | None,
    typer.Option(
        help="The role of a column, such as label=species; also path, text, text2, split, group, pair, unit. Repeat it."
    ),
]
Classes = Annotated[str | None, typer.Option(help="Class names in the order of the model's outputs: cat,dog.")]
LabelThreshold = Annotated[
    float | None,
    typer.Option("--label-threshold", help="Where labels are scores: class 1 from this score on, else class 0."),
]
WeightsKey = Annotated[
    str | None,
    typer.Option(help="Where a checkpoint that holds several networks has this one, such as model_ema or teacher."),
]
Images = Annotated[str | None, typer.Option(help="Folder in the data that holds the images of its table.")]
Entry = Annotated[str | None, typer.Option(help="module:function that builds the network; its code is run.")]
NumClasses = Annotated[
    int | None, typer.Option(help="Number of classes, where the weights do not tell it; 0: without a head.")
]
ImageSize = Annotated[int | None, typer.Option(help="Side of the network's input, in pixels.")]
Preprocess = Annotated[
    list[str] | None,
    typer.Option(
        "--preprocessing", help="resize=256, mean=0.5,0.5,0.5, std=..., resize_mode=squash, exif=ignore, ... Repeat it."
    ),
]
UseLastLinear = Annotated[
    bool, typer.Option("--use-last-linear", help="Take the last linear layer of a head that has several layers.")
]


def request_of(
    data: str | None,
    weights: str | None,
    family: str | None,
    arch: str | None,
    column: Sequence[str] | None,
    classes: str | None,
    entry: str | None,
    num_classes: int | None,
    image_size: int | None,
    preprocessing: Sequence[str] | None,
    use_last_linear: bool,
    label_threshold: float | None = None,
    images: str | None = None,
    weights_key: str | None = None,
) -> Any:
    """Collect the options in a `Request`.

    Raises:
        InputError: for a repeated option without "=".

    >>> options = (None, None, ["label=species"], "cat, dog", None, 2, None, ["mean=0.5,0.5,0.5"], False)
    >>> request = request_of("birds", "model.pt", *options)
    >>> request.classes, request.columns, request.settings["preprocessing"]
    (('cat', 'dog'), {'label': 'species'}, {'mean': [0.5, 0.5, 0.5]})
    """
    from neurontune_core.preflight.request import Request

    read = {key: _value(value) for key, value in pairs_of(preprocessing, "--preprocessing").items()}
    settings = {"num_classes": num_classes, "image_size": image_size, "preprocessing": read, "weights_key": weights_key}
    return Request(
        data or "",
        weights or "",
        columns=pairs_of(column, "--column"),
        classes=tuple(name.strip() for name in classes.split(",")) if classes else (),
        label_threshold=label_threshold,
        images=images or "",
        family=family,
        architecture=arch,
        entry=entry,
        settings=settings | {"use_last_linear": use_last_linear},
    )


def _value(word: str) -> Any:
    """Return a number, several as a list, or a word."""
    parts = [_number(part.strip()) for part in word.split(",")]
    return parts[0] if len(parts) == 1 else parts


def _number(word: str) -> Any:
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word
