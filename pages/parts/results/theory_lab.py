"""What the views of the Theory lab share."""

from __future__ import annotations

import streamlit as st

from neurontune_core.figures.base import NO_MODE_BAR
from neurontune_core.theory import CLAIMS, INPUTS
from neurontune_core.theory.answers import Answer
from pages.parts.frame.url_state import in_url

LEAST_NEURONS = INPUTS


def seed_input(column) -> int:
    return int(column.number_input("Seed", 0, 9999, 0, **in_url("theory_seed")))


def chart(figure, key: str) -> None:
    st.plotly_chart(figure, key=key, config=NO_MODE_BAR)


def explained(answer: Answer) -> None:
    """What the claim shows, where it stops holding, and how that was measured."""
    claim = CLAIMS[answer.key]
    st.markdown(f"**What it shows.** {claim.shows}")
    st.markdown(f"**Where it stops holding.** {claim.stops}")
    st.caption(answer.note)


def data_model() -> None:
    """The symbols, and what the paper leaves open."""
    with st.expander("The data model in symbols, and what is assumed here"):
        st.markdown(
            r"""
$y = \beta^\top x_\text{core} + \varepsilon_\text{core}$ and $x_\text{spu} = (2a - 1)\,y\,\gamma +
\varepsilon_\text{spu}$, with $a = 1$ in a share $p$ of the samples and 0 otherwise; the noises have variances
$\eta_\text{core}^2$ and $\eta_\text{spu}^2$ (Section 4.1). $q = 2p - 1$, and $v$ is the variance of
$\beta^\top x_\text{core}$. A network is $f(x) = b^\top W x$; neuron $i$ has the weights $w_{\text{core},i}$ and
$w_{\text{spu},i}$. For classes, $y = \pm\mu$ with $\mu = 1$.

The paper leaves some of this open. Assumed here: 5 core and 5 shortcut inputs, $\beta$ and $\gamma$ of length 1,
everything normally distributed with variance 1 unless said otherwise, networks with random first layers and the
smallest best last layer. In the experiment of Section 5.3: core noise of variance 0.6, shortcut noise 0.4, noise neuron
1; the shortcut holds in 95 % of 5,000 training samples and in 10 % of 5,000 test samples; logistic regression without
a penalty. All but the core noise was chosen so that the accuracies known of the experiment come out. The classes are
balanced, so retraining without a mask changes nothing there.
"""
        )
