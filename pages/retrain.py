"""Retrain: settings, live curves, and the result beside the trained head and the head retrained without a mask."""

import streamlit as st

from neurontune_core.config import TuneConfig
from neurontune_core.evaluate import Evaluation
from neurontune_core.figures import learning_curves
from neurontune_core.live import LiveRun
from neurontune_core.workspace import HALVES, Run
from pages.parts.advice import advice_section, ask
from pages.parts.state import View, view
from pages.parts.warn import warn
from pages.parts.words import HELP, interval, percent, plain

SELECT = {
    "sfit": "highest SFit (the paper)",
    "worst_class_accuracy": "highest worst-class accuracy",
    "last": "last epoch",
}
DEFAULTS = TuneConfig()


def settings(here: View) -> tuple[TuneConfig, str]:
    """The form; λ and mask value come from the sidebar."""
    roles = here.diagnosis.project.content["roles"]
    splits = [roles["tuning"], HALVES]
    words = {HALVES: f"half of {roles['identification']} (the other half identifies)"}
    one, two, three, four, five = st.columns([3, 3, 2, 2, 2])
    tuning = one.selectbox(
        "Tune on",
        splits,
        format_func=lambda name: words.get(name, name),
        key="tuning",
        persist_state="session",
        help="The samples that the head is retrained on, in class-balanced batches.",
    )
    select = two.selectbox(
        "Keep the epoch with",
        list(SELECT),
        format_func=SELECT.__getitem__,
        key="select",
        persist_state="session",
        help=f"SFit: {HELP['sfit']} It is a noisy judge; worst class is often the better one.",
    )
    epochs = three.number_input("Epochs", 1, 1000, DEFAULTS.epochs, key="epochs", persist_state="session")
    rate = four.number_input("Learning rate", 1e-6, 1.0, DEFAULTS.learning_rate, format="%g", key="rate",
        persist_state="session")  # fmt: skip
    seed = five.number_input("Seed", 0, 10_000, DEFAULTS.seed, key="seed", persist_state="session")
    config = TuneConfig(
        threshold=here.threshold,
        mask_value=here.mask_value,
        epochs=epochs,
        learning_rate=rate,
        seed=seed,
        select=select,
    )
    return config, tuning


def curves(histories: dict, kept: int | None, groups: bool, key: str) -> None:
    measures = [("sfit", "SFit"), ("worst_class_accuracy", "worst class, %")]
    measures += [("worst_group_accuracy", "worst group, %")] * groups
    for column, (measure, label) in zip(st.columns(len(measures)), measures, strict=True):
        figure = learning_curves(histories, measure, label, kept)
        column.plotly_chart(figure, key=f"{key}-{measure}", config={"displayModeBar": False})
    st.caption(
        "On the identification split. The dashed line is the epoch that was kept. "
        + "Worst group is measured, never used." * groups
    )


@st.fragment(run_every=0.4)
def progress(live: LiveRun, groups: bool) -> None:
    live.wait(0.3)
    if not live.running:
        st.session_state["finished"] = live
        del st.session_state["live"]
        if live.run:
            st.session_state["choose_run"] = live.run.id
            ask(here, live.run, take=st.session_state["advised"])
        st.rerun()
    bar, stop = st.columns([8, 1], vertical_alignment="center")
    bar.progress(live.share, text="Retraining: NeuronTune, then masking off on the same data …")
    stop.button("Stop", on_click=live.stop, help="Keeps what was reached so far.")
    curves({name: list(records) for name, records in live.histories.items() if records}, None, groups, "live")


def outcome(here: View, chosen: Run) -> None:
    """A run, with the head that its adviser chose beside it, whichever of the two is chosen now."""
    diagnosis = here.diagnosis
    run = diagnosis.project.run(chosen.advised) if chosen.advised else chosen
    config, rows = run.config, []
    evaluations: dict[str, Evaluation | None] = {
        "ERM": diagnosis.erm_evaluation,
        "mask alone": diagnosis.mask_alone(run.mask.biased, config.mask_value),
        "masking off": diagnosis.evaluate(run.off_head),
        run.method: diagnosis.evaluate(run.head),
        "advised head": diagnosis.evaluate(run.advised_head) if run.advised_head else None,
    }
    for name, measured in evaluations.items():
        if measured is None:
            rows.append({"": name, "worst group": "not asked yet"})
            continue
        rows.append(
            {
                "": name,
                "worst group": percent(measured.worst_group),
                "interval": interval(measured.worst_group),
                "group": measured.worst_group.name if measured.worst_group else "–",
                "average": percent(measured.overall),
                "worst class": percent(measured.worst_class),
            }
        )
    st.dataframe(rows, hide_index=True, key="outcome")
    st.caption(
        f'On "{diagnosis.evaluation.split}". ERM: {HELP["erm"]} Mask alone: {HELP["mask alone"]} '
        f"Masking off: {HELP['masking off']} If it does better here, mistrust the mask on your data."
    )
    st.caption(
        f"Run {run.id}: λ {config.threshold:.3g}, mask value {config.mask_value:g}, tuned on {run.tuning}, kept epoch "
        f"{run.epoch} by {SELECT[config.select]}, {run.mask.num_biased} neurons masked, {run.seconds:.1f} s."
    )
    warn(run.warnings)
    advice_section(here, run)
    histories = {"NeuronTune": run.history, "masking off": run.off_history}
    curves(histories, run.epoch, diagnosis.identification.groups is not None, "saved")


here = view()
st.title("Retrain the head")
st.markdown(
    "Only the last layer is trained again, on class-balanced batches, with the biased neurons "
    "multiplied by the mask value. No group label is used. λ and the mask value are in the sidebar."
)
config, tuning = settings(here)
st.toggle(
    "Let the adviser choose the head", value=True, key="advised", persist_state="session",
    help="It chooses among your head, masking off and NeuronTune without group labels; NeuronTune's head, as in the "
    "paper, is kept beside it. The rule is ours, not the paper's.",
)  # fmt: skip
_ = here.diagnosis.scores  # without mistakes there is nothing to retrain by, and the router says so
live: LiveRun | None = st.session_state.get("live")
if st.session_state.pop("start", False) and live is None:
    st.session_state["live"] = live = LiveRun(here.diagnosis, config, tuning)
if live is not None:
    progress(live, here.diagnosis.identification.groups is not None)
else:
    finished: LiveRun | None = st.session_state.get("finished")
    if finished is not None and finished.error:
        st.error(plain(finished.error))
    if here.run:
        outcome(here, here.run)
    else:
        st.info("Nothing retrained yet. The built-in example takes about two seconds.")
