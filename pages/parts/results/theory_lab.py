"""Widgets that the views of the Theory lab share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from neurontune_core.figures.base import NO_MODE_BAR
from neurontune_core.theory import CLAIMS, INPUTS, DataModel
from neurontune_core.theory.answers import Answer
from neurontune_core.theory.neuron_scores import MOST_NEURONS
from pages.parts.frame.url_state import in_url

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LEAST_NEURONS = INPUTS


def sliders(columns: Sequence[DeltaGenerator]) -> DataModel:
    """Show the sliders of the data model in three columns, and return it."""
    agreement = columns[0].slider(
        "p, shortcut agrees", 0.5, 1.0, 0.95, 0.01, help="Share of the samples in which the shortcut agrees with the "
        "class. At 0.5 it carries no information.", **in_url("p"),
    )  # fmt: skip
    core = columns[1].slider(
        "η_core, core noise", 0.1, 3.0, 1.0, 0.05, help="Standard deviation of the noise between the core feature and "
        "the class. Real features are noisy.", **in_url("eta_core"),
    )  # fmt: skip
    spurious = columns[2].slider(
        "η_spu, shortcut noise", 0.05, 3.0, 0.1, 0.05, help="Standard deviation of the shortcut's noise. Little noise "
        "makes the shortcut easy to learn.", **in_url("eta_spu"),
    )  # fmt: skip
    return DataModel(agreement, core, spurious)


def network_sliders() -> tuple[DataModel, int, int]:
    """Show the sliders of the data model and of a random network, and return the model, the width and the seed."""
    columns = st.columns([4, 4, 4, 4, 3], gap="medium", vertical_alignment="bottom")
    model = sliders(columns[:3])
    neurons = columns[3].slider(
        "M, neurons", LEAST_NEURONS, MOST_NEURONS, 100, 10, help="Width of the random network. With at least as many "
        "neurons as inputs it can learn the best linear function.", **in_url("width"),
    )  # fmt: skip
    return model, neurons, seed_input(columns[4])


def retraining_sliders(columns: Sequence[DeltaGenerator]) -> tuple[float, float]:
    """Show the agreement of the retraining data and the weight of misled samples in two columns, and return them."""
    agreement = columns[0].slider(
        "p_re, shortcut agrees", 0.5, 1.0, 0.7, 0.01, help="The same as p, in the data that the last layer is "
        "retrained on.", **in_url("p_re"),
    )  # fmt: skip
    weight = columns[1].slider(
        "Weight of misled samples", 0.0, 10.0, 1.0, 0.1, help="How often a sample counts in retraining whose shortcut "
        "misleads.", **in_url("misled_weight"),
    )  # fmt: skip
    return agreement, weight


def seed_input(column: DeltaGenerator) -> int:
    """Show the seed, and return it."""
    return int(column.number_input("Seed", 0, 9999, 0, **in_url("theory_seed")))


def choose(label: str, options: tuple[str, str], key: str) -> str:
    """Show two options, and return the chosen one."""
    return st.segmented_control(label, options, default=options[0], required=True, **in_url(key))


def chart(figure: Figure, key: str) -> None:
    st.plotly_chart(figure, key=key, config=NO_MODE_BAR)


def explanation(answer: Answer) -> None:
    """Show what a claim states, where it stops holding, and how that is measured."""
    claim = CLAIMS[answer.key]
    st.markdown(f"**What it shows.** {claim.shows}")
    st.markdown(f"**Where it stops holding.** {claim.stops}")
    if claim.why:
        st.markdown(f"**Why.** {claim.why}")
    st.caption(answer.note)


def show_answer(answer: Answer) -> None:
    """Show the figures of an answer, and beside them its words and its table."""
    left, right = st.columns([5, 4], gap="large")
    with left:
        for name, figure in answer.figures.items():
            chart(figure, f"theory-{name}")
    with right:
        explanation(answer)
        st.dataframe(answer.rows, hide_index=True, key=f"theory-{answer.key}")


def data_model() -> None:
    """Show the data model in symbols, and the assumptions that the paper leaves open."""
    with st.expander("The data model in symbols, and our assumptions"):
        st.markdown(
            r"""
$y = \beta^\top x_\text{core} + \varepsilon_\text{core}$ and $x_\text{spu} = (2a - 1)\,y\,\gamma +
\varepsilon_\text{spu}$, with $a = 1$ in a share $p$ of the samples and 0 otherwise; the noises have variances
$\eta_\text{core}^2$ and $\eta_\text{spu}^2$ (Section 4.1). $q = 2p - 1$, and $v$ is the variance of
$\beta^\top x_\text{core}$. A network is $f(x) = b^\top W x$; neuron $i$ has the weights $w_{\text{core},i}$ and
$w_{\text{spu},i}$. For classes, $y = \pm\mu$ with $\mu = 1$.

The paper leaves some of this open. We assume: 5 core and 5 shortcut inputs, $\beta$ and $\gamma$ of length 1,
everything normally distributed with variance 1 unless said otherwise, networks with random first layers and the
smallest best last layer.

The experiment of Section 5.3 is as Appendix A.1 prints it: core neuron $y$ with noise of variance 0.6; spurious neuron
0 or 1 with noise of 0.1; noise neuron of 0.1; the shortcut holds in 95 % of 5,000 training samples and in 10 % of 5,000
test samples; logistic regression. Ours are balanced classes, so retraining without a mask changes nothing, a regression
without a penalty, and the second example: the same data with the spurious neuron doubled and moved to −1 and +1.
"""
        )
