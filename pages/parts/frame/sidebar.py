"""The sidebar of all screens: project, split, class, mask settings, and Retrain."""

from __future__ import annotations

import streamlit as st

from neurontune_core.errors import InputError
from neurontune_core.identification.scores import NoMistakes
from neurontune_core.session.diagnosis import Diagnosis
from neurontune_core.session.measured_split import MeasuredSplit
from pages.parts.frame import state
from pages.parts.frame.background_work import RETRAIN_REQUESTED, collect_results, reattach, start
from pages.parts.frame.head_choice import choose_head, choose_run, follow_project
from pages.parts.frame.mask_edits import WIDGETS, record_move, shown_stability, undo_buttons
from pages.parts.frame.order import chosen_order
from pages.parts.frame.retraining import retraining
from pages.parts.frame.tune_settings import follow_classes
from pages.parts.frame.url_state import choose, show_missing
from pages.parts.frame.view import View
from pages.parts.frame.words import HELP, plain

EVERY_CLASS = "all classes"


def sidebar(*, curves: bool) -> View | None:
    """Show the choices of every screen and return them; None when the project or the split cannot be opened.

    Args:
        curves: show the learning curves of the chosen run, too.
    """
    names = state.workspace().names()
    if not names:
        return None
    if "opened" in st.session_state:
        st.session_state["project"] = st.session_state["opened"]
    name = choose("Project", names, "project", help="Create your own on the Setup screen.")
    try:
        diagnosis = state.open_diagnosis(name)
        set_aside = st.session_state.setdefault(f"set-aside-{name}", [])  # said in the session that met the files
        set_aside += diagnosis.project.set_aside_damaged()
        for sentence in set_aside:
            st.warning(plain(sentence))
        reattach(diagnosis.project)
        collect_results()
        follow_classes(diagnosis)
        follow_project(diagnosis)
        left, right = st.columns(2, gap="small")
        with left:
            split = choose_split(diagnosis)
        with right:
            label = choose_class(diagnosis)
        st.caption(split.caution or roles_of_splits(diagnosis))
        missing = st.container()
        threshold, mask_value = mask_settings(diagnosis)
        requested = diagnosis.num_misclassified > 0 and retrain_button()
        requested |= bool(st.session_state.pop(RETRAIN_REQUESTED, False))
        run, order = choose_run(diagnosis), chosen_order(diagnosis)
        key = choose_head(diagnosis, run)
        view = View(name, diagnosis, split, label, threshold, mask_value, run, key, order, shown_stability())
        if requested:
            start(view)
        retraining(view, curves=curves)
        with missing:
            show_missing()
        return view
    except InputError as error:
        st.error(plain(str(error)))
        return None


def choose_split(diagnosis: Diagnosis) -> MeasuredSplit:
    """Show the splits, and return the one on which heads are measured."""
    splits = diagnosis.project.splits
    usual, alone = splits.index(diagnosis.project.content["roles"]["evaluation"]), len(splits) == 1
    return state.measured_split(diagnosis, choose("Split", splits, "split", usual, disabled=alone, help=HELP["split"]))


def roles_of_splits(diagnosis: Diagnosis) -> str:
    """Return which splits identify neurons and train heads, in a sentence."""
    roles = diagnosis.project.content["roles"]
    return f"Neurons are identified on {plain(roles['identification'])}, heads are trained on {plain(roles['tuning'])}."


def choose_class(diagnosis: Diagnosis) -> int | None:
    """Show the classes, and return the index of the chosen one."""
    names = diagnosis.identification.class_names
    by_mistakes = [names[label] for label in diagnosis.classes]
    chosen = choose("Class", [EVERY_CLASS, *by_mistakes], "class", help=HELP["class"])
    return None if chosen == EVERY_CLASS else names.index(chosen)


def mask_settings(diagnosis: Diagnosis) -> tuple[float, float]:
    """Show the sliders of λ and of the mask value, and return both."""
    try:
        top = max(float(diagnosis.scores.neuron_scores.max()), 1e-3)
    except NoMistakes as error:
        st.info(plain(str(error)))
        return 0.0, 0.0
    if st.session_state.get(WIDGETS["threshold"], 0.0) > top:  # set on an extraction with higher scores
        st.session_state[WIDGETS["threshold"]] = top
    setting = diagnosis.project.journal.cue_setting()
    by_cue = setting is not None and setting.source == "cue"
    threshold = st.slider(
        "λ, threshold", 0.0, top, step=top / 200, format="%.3f", key=WIDGETS["threshold"], bind="query-params",
        help=HELP["threshold"], on_change=record_move, args=("threshold",), disabled=by_cue,
    )  # fmt: skip
    mask_value = st.slider(
        "Mask value", 0.0, 1.0, step=0.05, key=WIDGETS["mask_value"], bind="query-params",
        help=HELP["mask value"], on_change=record_move, args=("mask_value",),
    )  # fmt: skip
    st.toggle(
        "Stable neurons only", key=WIDGETS["stability"], bind="query-params", help=HELP["stable"],
        on_change=record_move, args=("stability",), disabled=by_cue,
    )  # fmt: skip
    masked = diagnosis.masked_neurons(threshold, shown_stability())
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(f"**{int(masked.sum())} of {len(masked)}** masked", width=104)
        undo_buttons(diagnosis.project.journal)
    if setting is not None:
        st.caption(
            f":material/ads_click: By the cue **{plain(setting.cue)}** (more than {setting.effect:.2f} SD)"
            f"{', with your knowledge; λ does not count.' if by_cue else ' and by score, with your knowledge.'}"
        )
    if masked.all():
        st.warning("Every neuron is masked. Raise λ, or label some neurons core.")
    return threshold, mask_value


def retrain_button() -> bool:
    """Show Retrain, and return whether it was pressed."""
    return st.button(
        "Retrain", key="retrain", type="primary", icon=":material/model_training:", shortcut="ctrl+enter",
        width="stretch", disabled="live" in st.session_state, help=HELP["retrain"],
    )  # fmt: skip
