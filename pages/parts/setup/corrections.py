"""Corrections of an inspection: columns, network, normalization, order of the classes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from neurontune_core.datasets import table_columns
from neurontune_core.models import NAMED_FAMILIES
from neurontune_core.preflight.report import Report
from neurontune_core.preflight.request import Request
from neurontune_core.preflight.sample import NORMALIZATIONS
from pages.parts.setup.reading import reading, with_reading

ROLES = {
    "path": "Path of the image",
    "text": "Text",
    "text2": "Second text",
    "label": "Label",
    "split": "Split",
    "attribute": "Possible shortcut attribute",
    "pair": "Same sample, other attribute",
    "unit": "Samples that belong together",
}
OF_MODALITY = {
    "image": ("path", "label", "split", "attribute", "pair", "unit"),
    "text": ("text", "text2", "label", "split", "attribute", "pair", "unit"),
    "text_pair": ("text", "text2", "label", "split", "attribute", "pair", "unit"),
}
FOUND, NONE = "as found", "none"
MOST_NAMES = 30
IN_A_ROW = 4


def corrections(request: Request, report: Report, key: str) -> Request | None:
    """Show the form, and return the corrected request when it is sent."""
    with st.form(f"correct-{key}", border=False):
        columns = _columns(request, report, key)
        families, architectures, third = st.columns(3)
        chosen = (FOUND, *NAMED_FAMILIES)
        family = families.selectbox(
            "Model family", chosen, chosen.index(request.family or FOUND), key=f"family-{key}",
            help="The library that the network comes from."
        )  # fmt: skip
        architecture = architectures.text_input(
            "Architecture", request.architecture or "", key=f"architecture-{key}",
            placeholder=report.model.architecture if report.model else "resnet50",
            help="Needed when the weights fit several networks, or none that is recognized.",
        )  # fmt: skip
        normalizations = (FOUND, *NORMALIZATIONS)
        normalization = third.selectbox(
            "Normalization", normalizations, normalizations.index(_normalization(request)), key=f"normalization-{key}",
            help="How pixel values are scaled before the network reads them; choose what it was trained with.",
        )  # fmt: skip
        names = report.data.class_names if report.data else ()
        shown = ", ".join(names) if len(names) <= MOST_NAMES else ""
        classes = st.text_input(
            "Classes, in the order of the model's outputs", shown, key=f"classes-{key}",
            help="Names separated by commas. Change the order where the labels turn out to be swapped.",
        )  # fmt: skip
        readings = reading(request, report.data.modality if report.data else "image", key)
        last = st.checkbox(
            "Use the last linear layer where the head has more layers",
            bool(request.settings.get("use_last_linear")), key=f"last-{key}",
        )  # fmt: skip
        if not st.form_submit_button("Check again", icon=":material/search:"):
            return None
    settings = {**request.settings, "use_last_linear": last}
    if normalization != _normalization(request):
        kept = {key: value for key, value in _preprocessing(request).items() if key not in ("mean", "std")}
        settings["preprocessing"] = kept | _settings(normalization)
    order = tuple(name.strip() for name in classes.split(",") if name.strip())
    corrected = replace(
        request,
        columns=columns,
        family=None if family == FOUND else family,
        architecture=architecture.strip() or None,
        classes=request.classes if order == names else order,
        settings=settings,
    )
    return with_reading(corrected, readings)


def _columns(request: Request, report: Report, key: str) -> dict[str, str | None]:
    """Show one column per role, and return role -> column of those that were named before or are named now."""
    columns = table_columns(request.data) if request.data else []
    roles = OF_MODALITY[report.data.modality] if report.data else tuple(ROLES)
    if not columns or (report.data and not report.data.columns):
        return dict(request.columns)
    guessed = report.data.columns if report.data else {}
    named = dict(request.columns)
    places = [place for _ in range(0, len(roles), IN_A_ROW) for place in st.columns(IN_A_ROW)]
    for place, role in zip(places, roles, strict=False):
        before = guessed.get(role) or named.get(role) or NONE
        options = list(dict.fromkeys((NONE, before, *columns)))
        chosen = place.selectbox(ROLES[role], options, options.index(before), key=f"column-{role}-{key}")
        if chosen != before:
            named[role] = None if chosen == NONE else chosen
    return named


def _normalization(request: Request) -> str:
    chosen = {key: value for key, value in _preprocessing(request).items() if key in ("mean", "std")}
    return next((name for name in NORMALIZATIONS if _settings(name) == chosen), FOUND)


def _preprocessing(request: Request) -> dict[str, Any]:
    return dict(request.settings.get("preprocessing") or {})


def _settings(name: str) -> dict[str, list[float]]:
    if name == FOUND:
        return {}
    mean, std = NORMALIZATIONS[name]
    return {"mean": list(mean), "std": list(std)}
