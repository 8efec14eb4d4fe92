"""How files are read where several readings are possible: scores as labels, folders of images, weights, EXIF."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from neurontune_core.preflight.request import Request

UPRIGHT, STORED = "turned upright", "as stored"


def reading(request: Request, modality: str, key: str) -> tuple[str, str, str, str]:
    """Show the fields, and return label threshold, folder of the images, key of the weights, and orientation."""
    first, second, third, fourth = st.columns(4)
    threshold = "" if request.label_threshold is None else f"{request.label_threshold:g}"
    shown = first.text_input(
        "Label threshold", threshold, key=f"threshold-{key}", placeholder="0.5",
        help="Where labels are scores: a sample is of class 1 from this score on, else of class 0.",
    )  # fmt: skip
    images = second.text_input(
        "Folder of the images", request.images, key=f"images-{key}", placeholder="images",
        help="Inside the data, where a table's images lie; needed when several folders have files of its names.",
        disabled=modality != "image",
    )  # fmt: skip
    weights = third.text_input(
        "Key of the weights", str(request.settings.get("weights_key") or ""), key=f"weights-key-{key}",
        placeholder="model_ema", help="Where a checkpoint that holds several networks has this one.",
    )  # fmt: skip
    stored = (request.settings.get("preprocessing") or {}).get("exif") == "ignore"
    exif = fourth.selectbox(
        "Images by EXIF", (UPRIGHT, STORED), int(stored), key=f"exif-{key}", disabled=modality != "image",
        help="Photographs may be stored turned. Loaders of torchvision and timm read them as stored.",
    )  # fmt: skip
    return shown.strip(), images.strip().strip("/"), weights.strip(), str(exif)


def with_reading(request: Request, values: tuple[str, str, str, str]) -> Request:
    """Return the request with what `reading` returned in its place; a threshold that is no number is left out."""
    threshold, images, weights, exif = values
    try:
        number = float(threshold) if threshold else None
    except ValueError:
        st.warning(f"The label threshold {threshold!r} is no number, so it was left out.")
        number = None
    preprocessing = {k: v for k, v in (request.settings.get("preprocessing") or {}).items() if k != "exif"}
    if exif == STORED:
        preprocessing["exif"] = "ignore"
    settings = {**request.settings, "weights_key": weights or None, "preprocessing": preprocessing}
    return replace(request, label_threshold=number, images=images, settings=settings)
