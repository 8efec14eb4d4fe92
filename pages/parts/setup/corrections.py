"""What a person may correct of a look: the columns, the network, the normalisation, the order of the classes."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from neurontune_core.datasets import table_columns
from neurontune_core.preflight.report import Report
from neurontune_core.preflight.request import Request
from neurontune_core.preflight.sample import NORMALIZATIONS

ROLES = {
    "path": "Picture's path",
    "text": "Text",
    "text2": "Second text",
    "label": "Label",
    "split": "Split",
    "attribute": "Attribute that may be a shortcut",
}
OF_MODALITY = {
    "image": ("path", "label", "split", "attribute"),
    "text": ("text", "text2", "label", "split", "attribute"),
    "text_pair": ("text", "text2", "label", "split", "attribute"),
}
FAMILIES = ("torchvision", "timm", "huggingface_image", "huggingface_text", "efficientnet_lite", "cifar_resnet")
FOUND, NONE = "as found", "none"
MOST_NAMES = 30


def corrections(request: Request, report: Report, key: str) -> Request | None:
    """A form; what it asks for when it was sent just now."""
    with st.form(f"correct-{key}", border=False):
        columns = _columns(request, report, key)
        one, two, three = st.columns(3)
        chosen = (FOUND, *FAMILIES)
        family = one.selectbox(
            "Model family", chosen, chosen.index(request.family or FOUND), key=f"family-{key}",
            help="The library that the network comes from."
        )  # fmt: skip
        architecture = two.text_input(
            "Architecture", request.architecture or "", key=f"architecture-{key}",
            placeholder=report.model.architecture if report.model else "resnet50",
            help="Name it when the weights fit several networks, or were not recognised.",
        )  # fmt: skip
        normalizations = (FOUND, *NORMALIZATIONS)
        normalisation = three.selectbox(
            "Normalization", normalizations, normalizations.index(_normalization(request)), key=f"normalisation-{key}",
            help="How pixel values are scaled before the network reads them; use what it was trained with.",
        )  # fmt: skip
        names = report.data.class_names if report.data else ()
        shown = ", ".join(names) if len(names) <= MOST_NAMES else ""
        classes = st.text_input(
            "Classes, in the order of the model's outputs", shown, key=f"classes-{key}",
            help="Names with commas between. Change the order here when the labels turn out to be swapped.",
        )  # fmt: skip
        last = st.checkbox(
            "Go by the last linear layer where the head is more than that",
            bool(request.settings.get("use_last_linear")), key=f"last-{key}",
        )  # fmt: skip
        if not st.form_submit_button("Look again", icon=":material/search:"):
            return None
    settings = {**request.settings, "use_last_linear": last}
    settings |= {"preprocessing": _settings(normalisation)} if normalisation != _normalization(request) else {}
    order = tuple(name.strip() for name in classes.split(",") if name.strip())
    return replace(
        request,
        columns=columns,
        family=None if family == FOUND else family,
        architecture=architecture.strip() or None,
        classes=request.classes if order == names else order,
        settings=settings,
    )


def _columns(request: Request, report: Report, key: str) -> dict[str, str | None]:
    """The role of each column: what was named before, and what is named now."""
    found = table_columns(request.data) if request.data else []
    roles = OF_MODALITY[report.data.modality] if report.data else tuple(ROLES)
    if not found or (report.data and not report.data.columns):
        return dict(request.columns)
    guessed = report.data.columns if report.data else {}
    named = dict(request.columns)
    for place, role in zip(st.columns(len(roles)), roles, strict=True):
        before = guessed.get(role) or named.get(role) or NONE
        options = list(dict.fromkeys((NONE, before, *found)))
        chosen = place.selectbox(ROLES[role], options, options.index(before), key=f"column-{role}-{key}")
        if chosen != before:
            named[role] = None if chosen == NONE else chosen
    return named


def _normalization(request: Request) -> str:
    given = request.settings.get("preprocessing") or {}
    return next((name for name in NORMALIZATIONS if _settings(name) == given), FOUND)


def _settings(name: str) -> dict[str, list[float]]:
    if name == FOUND:
        return {}
    mean, std = NORMALIZATIONS[name]
    return {"mean": list(mean), "std": list(std)}
