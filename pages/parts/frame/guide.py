"""The guided way through the loop: one sentence a step above each screen, and the next step below it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages.parts.frame.background_work import RETRAIN_REQUESTED
from pages.parts.frame.state import workspace

PAGES = Path(__file__).parents[2]


@dataclass(frozen=True)
class Step:
    """One screen of the loop.

    Attributes:
        question: what the screen answers.
        sentence: how, in one sentence, naming the control.
        following: the screen after it; empty at the end.
        link: what the way there is called.
    """

    question: str
    sentence: str
    following: str = ""
    link: str = ""


GUIDE = {
    "overview": Step(
        "What is wrong?",
        "The group with the lowest accuracy says it in a number, the samples below show it.",
        "neurons", "Which neurons are to blame?",
    ),
    "neurons": Step(
        "Which neurons, and what do they look at?",
        "Those that fire harder on mistakes stand first; a heatmap glows where one fires.",
        "point", "Point at the wrong thing",
    ),
    "point": Step(
        "Is it really that?",
        "Mark the thing in one sample, name it and press Measure: you see the proof, and a mask to take.",
        "retrain", "Retrain with the mask",
    ),
    "retrain": Step(
        "Does it help?",
        "The last layer learns anew without the masked neurons; the result says what got better and what got worse.",
        "export",
        "Take it home",
    ),
    "export": Step("What do I take home?", "Choose a head in the sidebar, build its files, and download them."),
}  # fmt: skip
ONWARD = {
    "neurons": "point",
    "point": "retrain",
    "retrain": "check",
    "check": "export",
}  # Overview has two ways of its own
TITLES = {"point": "Point at it", "retrain": "Retrain", "check": "Check what changed", "export": "Export"}


def guide(screen: str) -> None:
    """Show the step of this screen until a person ends the guide, which is remembered."""
    step = GUIDE.get(screen)
    if step is None or workspace().guide_ended:
        return
    number = list(GUIDE).index(screen) + 1
    with st.container(key="guide", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{number} of {len(GUIDE)} · {step.question}** {step.sentence}", width="stretch")
        if step.following == "retrain":  # one press instead of two
            if st.button(f"**{step.link}**", key="guide-retrain", type="tertiary", icon=":material/arrow_forward:"):
                st.session_state[RETRAIN_REQUESTED] = True
                st.switch_page(PAGES / "retrain.py", query_params={})  # the URL is written anew
        elif step.following:
            st.page_link(PAGES / f"{step.following}.py", label=f"**{step.link}**", icon=":material/arrow_forward:")
        st.button(
            "End guide", key="end-guide", type="tertiary", icon=":material/close:", on_click=workspace().end_guide
        )


def next_step(screen: str) -> None:
    """Show the way to the next screen of the loop."""
    following = ONWARD.get(screen)
    if following is not None:
        st.page_link(PAGES / f"{following}.py", label=f"Next: **{TITLES[following]}**", icon=":material/arrow_forward:")
