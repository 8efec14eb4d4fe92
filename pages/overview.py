"""Overview: what is wrong, shown on pairs where there are any; accuracies of each head; the misclassified samples."""

from pathlib import Path

import streamlit as st

from neurontune_core.figures.base import NO_MODE_BAR
from neurontune_core.figures.heads import MOST_BARS, group_bars
from neurontune_core.head import LinearHead
from neurontune_core.session.named_heads import EXPLANATIONS, NAMES
from pages.parts.frame.prefetch import let_pictures_go_first
from pages.parts.frame.strip import headline
from pages.parts.frame.view import View, current_view
from pages.parts.frame.words import plain
from pages.parts.samples.close_up import sample_facts
from pages.parts.samples.pair_cards import flip_in_words, pair_cards
from pages.parts.samples.wall import wall

SCREENS = Path(__file__).parent
HEIGHT, LOWER = 440, 250  # pixels of the walls
TRAINED, CHOSEN = "Trained head", "Chosen head"


def what_is_wrong(view: View) -> None:
    """Say in one sentence what the attribute does to the predictions, and show the pairs that it is measured on."""
    head = view.diagnosis.erm
    if view.key != "trained":
        shown = st.segmented_control("Predictions of", (TRAINED, CHOSEN), default=TRAINED, required=True, key="of")
        head = view.chosen.head if shown == CHOSEN else head
    paired = view.split.paired(head)
    noun = "images" if view.gallery.has_images else "texts" if view.gallery.has_texts else "samples"
    chosen = None if view.label is None else paired.samples.class_names[view.label]
    flips = [flip for flip in paired.flips() if chosen in (None, flip.label)]
    if not flips:
        st.markdown("No pair is correct with one attribute and misclassified with the other.")
    for write, flip in zip((st.markdown, st.caption), flips, strict=False):
        write(flip_in_words(flip, noun))
    pair_cards(view, paired, head)
    if view.key == "trained":
        st.page_link(SCREENS / "point.py", label="**Point at what it looks at**", icon=":material/ads_click:")
    if view.gallery.has_images:
        let_pictures_go_first()


def accuracies(view: View) -> None:
    """Draw the accuracy of each head by group (by class, without groups)."""
    split, samples = view.split, view.split.samples
    evaluations = {NAMES[key]: view.evaluation(key) for key in view.keys}
    st.subheader("Accuracy by group" if samples.groups is not None else "Accuracy by class")
    st.caption(
        f'On the split "{plain(split.name)}" ({samples.num_samples} samples), with 95 % intervals. '
        + " ".join(f"{NAMES[key]}: {EXPLANATIONS[key]}" for key in view.keys)
    )
    parts = [part for part in split.erm_evaluation.groups or split.erm_evaluation.classes if part.n]
    if len(parts) > MOST_BARS:
        st.caption(f"The {MOST_BARS} of {len(parts):,} with the lowest accuracy of the trained head.")
    st.plotly_chart(group_bars(evaluations), key="groups", config=NO_MODE_BAR)
    if samples.overlapping_groups is not None:
        with st.expander(f"{len(samples.overlapping_groups.names)} overlapping groups"):
            st.caption(
                "A sample may belong to several of these groups or to none. Their worst accuracy differs from the "
                "worst group above, and published results use either: compare like with like."
            )
            overlapping = {name: evaluation.by_overlapping_groups() for name, evaluation in evaluations.items()}
            st.plotly_chart(group_bars(overlapping), key="overlapping", config=NO_MODE_BAR)


def misclassified_samples(view: View, heads: dict[str, LinearHead]) -> None:
    """Show the misclassified samples of the chosen class, else of the worst group, and one of them closely."""
    split, names, worst = view.split, view.split.samples.class_names, view.split.erm_evaluation.worst_group
    if view.label is not None:
        title, rows = f"Misclassified in class {plain(names[view.label])}", split.misclassified(label=view.label)
    elif worst:
        title, rows = f"Misclassified in the worst group: {plain(worst.name)}", split.misclassified(group=worst.name)
    else:
        title, rows = "Misclassified", split.misclassified()
    st.subheader(title)
    captions, predictions = [f"predicted {name}" for name in names], split.predictions[rows]
    left, right = st.columns([8, 5], gap="medium")
    with left:
        opened = wall(
            view, split.name, rows, captions, "misclassified", "Misclassified", caption=predictions, height=HEIGHT,
            several=False, empty="The trained head classifies all of these samples correctly.",
        ).opened  # fmt: skip
    with right, st.container(height=HEIGHT, border=False):
        if opened is None:
            st.caption(
                "Click a sample, or press Enter on it, to enlarge it here and to point at what the classifier looks at."
            )
        else:
            sample_facts(view, opened, heads, "sample")


def changed_samples(view: View) -> None:
    """Show the samples that the chosen head corrects, and those that it gets newly wrong."""
    split = view.split
    changes, names = split.changes(view.diagnosis.erm, view.chosen.head), split.samples.class_names
    corrected, newly_wrong = (changes.rows(outcome, label=view.label) for outcome in ("fixed", "broken"))
    of_class = "" if view.label is None else f" of class {plain(names[view.label])}"
    st.subheader(
        f"{view.chosen.name}: {len(corrected)} samples{of_class} corrected, {len(newly_wrong)} newly wrong",
        help="Against the trained head. The sidebar chooses the head.",
    )
    for title, rows, key in (("Corrected", corrected, "corrected"), ("Newly wrong", newly_wrong, "newly-wrong")):
        labels = split.samples.labels[rows]
        wall(view, split.name, rows, names, key, title, title=True, caption=labels, height=LOWER, several=False)


def next_steps() -> None:
    """Show where to go from here: to point at the shortcut, or to the neurons that the scores find."""
    st.subheader("Next")
    point, neurons = st.columns(2, gap="medium")
    with point:
        st.page_link(SCREENS / "point.py", label="**Point at it**", icon=":material/ads_click:")
        st.caption("You see what it looks at? Mark it in one sample, see it proven, and mask its neurons.")
    with neurons:
        st.page_link(SCREENS / "neurons.py", label="**Find biased neurons**", icon=":material/neurology:")
        st.caption("You do not? The scores rank neurons by what the mistakes have in common. Then press Retrain.")


st.session_state.pop("opened", None)  # the project that Setup asked to open is open now
view = current_view()
diagnosis = view.diagnosis
st.title(plain(diagnosis.project.title))
st.markdown(plain(diagnosis.project.problem) or "What this classifier gets wrong, by class and by group.")
if len(view.split.pairs):
    what_is_wrong(view)
headline(view)
accuracies(view)
misclassified_samples(view, view.heads)
if view.key != "trained":
    changed_samples(view)
else:
    next_steps()
