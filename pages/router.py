"""Navigation, and the frame of every screen: sidebar, URL, errors."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from neurontune_core.errors import InputError
from pages.parts.cue.chosen_cue import CUE
from pages.parts.frame.guide import guide, next_step
from pages.parts.frame.mask_edits import showing_a_move
from pages.parts.frame.order import ORDER
from pages.parts.frame.prefetch import freeze_after_imports, page_shown
from pages.parts.frame.sidebar import sidebar
from pages.parts.frame.tune_settings import SETTINGS
from pages.parts.frame.url_state import restore, write_to_url
from pages.parts.frame.words import plain
from pages.parts.neuron.neuron_box import NEURON

PAGES = Path(__file__).parent
SECTIONS = {
    "": {
        "overview": (":material/monitoring:", "Overview"),
        "neurons": (":material/neurology:", "Neurons"),
        "point": (":material/ads_click:", "Point"),
        "retrain": (":material/model_training:", "Retrain"),
        "check": (":material/fact_check:", "Check"),
        "groups": (":material/lasso_select:", "Groups"),
        "export": (":material/download:", "Export"),
    },
    "Your own": {
        "setup": (":material/settings:", "Setup"),
        "train": (":material/fitness_center:", "Train"),
    },
    "Study": {
        "compare": (":material/leaderboard:", "Compare"),
        "ablations": (":material/science:", "Ablations"),
        "theory": (":material/function:", "Theory lab"),
    },
}
WITH_CURVES = {title for name, (_, title) in SECTIONS[""].items() if name != "retrain"}  # which draws larger ones
URL_CHOICES = (NEURON, ORDER, CUE, *SETTINGS)

st.set_page_config(page_title="NeuronTune", page_icon=str(PAGES.parent / "assets" / "logo.svg"), layout="wide")
pages = {
    section: [
        st.Page(PAGES / f"{name}.py", title=title, icon=icon, default=name == "overview")
        for name, (icon, title) in screens.items()
    ]
    for section, screens in SECTIONS.items()
}
st.logo(PAGES.parent / "assets" / "wordmark.svg", icon_image=PAGES.parent / "assets" / "logo.svg", size="large")
page = st.navigation(pages, position="top")
restore(URL_CHOICES)
st.html(PAGES.parent / "assets" / "app.html")
with showing_a_move():
    with st.sidebar:
        st.session_state["view"] = sidebar(curves=page.title in WITH_CURVES)
    guide(screen := page.url_path or "overview")
    try:
        page.run()
        next_step(screen)
    except InputError as error:
        st.error(plain(str(error)))
write_to_url(URL_CHOICES)
page_shown.set()
freeze_after_imports()
