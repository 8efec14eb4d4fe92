"""Advice as a card on every screen: what the adviser would take, what it would bring, and a button that takes it."""

from __future__ import annotations

import streamlit as st

from neurontune_core.session.named_heads import NAMES
from neurontune_core.workspace.run import Run
from pages.parts.frame.head_choice import take
from pages.parts.frame.view import View
from pages.parts.frame.words import percent, plain


def advice_card(view: View, run: Run) -> None:
    """Show what the adviser recommends for a run, from what to what; nothing is chosen until a person takes it."""
    advice = run.advice
    if advice is None:
        return
    with st.container(border=True, gap="small", key="advice-card"):
        before, after = advice.worst_class[0], advice.worst_class[advice.chosen]
        name = plain(advice.method)
        if advice.chosen == 0:
            st.markdown(f"**The adviser** would keep the trained head: {_share(before)} in its worst class.")
        else:
            st.markdown(
                f"**The adviser** would take **{name}**: worst class **{_share(before[:1])} → {_share(after)}**.",
                help=f"On samples of {plain(view.diagnosis.identification.split)} that the judged head had not seen; "
                "brackets: 95 % interval for new samples. No group label is used. The Retrain screen has the reasons.",
            )
        if view.key == "advised":
            st.caption(":material/check_circle: Taken. Undo (Z) brings the earlier head back.")
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Take it", key="take", icon=":material/check:", shortcut="a", on_click=take, args=("advised",),
                help=f"Makes **{NAMES['advised']}** the chosen head. Nothing else changes; Z undoes it.",
            )  # fmt: skip
        if advice.brings:
            st.caption(f"{plain(advice.brings[:1].upper() + advice.brings[1:])}.")


def better_without_mask(view: View) -> None:
    """Say it where retraining without a mask does better than with it, and offer that head."""
    without, masked = (view.evaluation(key) for key in ("masking-off", "retrained"))
    worst = [evaluation.worst_group or evaluation.worst_class for evaluation in (without, masked)]
    if worst[0].correct * worst[1].n <= worst[1].correct * worst[0].n:
        return
    kind = "group" if without.worst_group else "class"
    name = NAMES["masking-off"]
    with st.container(horizontal=True, vertical_alignment="center", key="without-mask"):
        st.caption(
            f":material/info: **{name}** does better than the mask on {plain(view.split.name)}: worst {kind} "
            f"{percent(worst[0])} against {percent(worst[1])}."
        )
        if view.key != "masking-off":
            st.button(f"Use {name.lower()}", key="use-no-masking", on_click=take, args=("masking-off",))


def _share(part: tuple[float, ...]) -> str:
    """Return an accuracy in percent, with its interval where there is one."""
    interval = f" [{100 * part[1]:.0f}–{100 * part[2]:.0f}]" if len(part) == 3 else ""
    return f"{100 * part[0]:.0f} %{interval}"
