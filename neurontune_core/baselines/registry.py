"""Registry of the methods of the paper's tables: key, name, source, settings and function of each."""

from __future__ import annotations

from neurontune_core.baselines import (
    afr,
    bpa,
    dfr,
    erm,
    george,
    group_dro,
    lff,
    lwbc,
    neurontune_method,
    self_disagreement,
    ssl_erm,
    variable_selection,
    xrm,
)
from neurontune_core.baselines.base import Method
from neurontune_core.errors import InputError
from neurontune_core.tuning.config import TuneConfig

_NEURONTUNE = "NeuronTune: Towards Self-Guided Spurious Bias Mitigation, ICML 2025"

_ENTRIES = (
    Method("erm", "ERM", "Vapnik, 1998", "Keeps the head as it was trained.", erm.AsTrained, erm.as_trained),
    Method(
        "last_layer_erm",
        "Last-layer ERM",
        "Vapnik, 1998",
        "Continues to train the last layer on unbalanced batches.",
        erm.LastLayerErmSettings,
        erm.last_layer,
    ),
    Method(
        "masking_off",
        "No masking",
        f"{_NEURONTUNE}, Table 4",
        "Retrains the last layer on class-balanced batches without masking any neuron.",
        TuneConfig,
        neurontune_method.masking_off,
        fixed=("masking", "threshold", "mask_value", "rounds", "mask_scope", "max_masked_fraction"),
    ),
    Method(
        "neurontune",
        "NeuronTune",
        _NEURONTUNE,
        "Masks the neurons that are more active on misclassified samples, and retrains the last layer class-balanced.",
        TuneConfig,
        neurontune_method.masked,
        fixed=("masking",),
    ),
    Method(
        "neurontune_halves",
        "NeuronTune†",
        f"{_NEURONTUNE}, Section 5.5",
        "NeuronTune on held-out data alone: one half tunes, the other identifies and selects.",
        TuneConfig,
        neurontune_method.halves,
        fixed=("masking",),
    ),
    Method(
        "masks_by_class",
        "Masks by class",
        "as methods that erase features by class do",
        "NeuronTune with a separate mask for every class.",
        TuneConfig,
        neurontune_method.masks_by_class,
        fixed=("masking", "mask_scope"),
    ),
    Method(
        "dfr",
        "DFR",
        "Last Layer Re-Training is Sufficient for Robustness to Spurious Correlations, ICLR 2023",
        "Averages sparse logistic regressions on group-balanced held-out data.",
        dfr.DfrSettings,
        dfr.fit,
        groups_in=("identification",),
    ),
    Method(
        "dfr_train",
        "DFR (train subsets)",
        "Last Layer Re-Training is Sufficient for Robustness to Spurious Correlations, ICLR 2023",
        "Averages sparse logistic regressions on group-balanced subsets of the tuning set.",
        dfr.DfrTrainSettings,
        dfr.fit_on_tuning,
        groups_in=("identification", "tuning"),
    ),
    Method(
        "afr",
        "AFR",
        "Simple and Fast Group Robustness by Automatic Feature Reweighting, ICML 2023",
        "Retrains the last layer with more weight on samples of low confidence or misclassified ones.",
        afr.AfrSettings,
        afr.fit,
    ),
    Method(
        "self",
        "SELF",
        "Towards Last-layer Retraining for Group Robustness with Fewer Annotations, NeurIPS 2023",
        "Fine-tunes the last layer on the held-out samples that two views of the model disagree on.",
        self_disagreement.SelfSettings,
        self_disagreement.fit,
    ),
    Method(
        "bpa",
        "BPA (head)",
        "Unsupervised Learning of Debiased Representations with Pseudo-Attributes, CVPR 2022",
        "Weights clusters of each class by their size and their loss.",
        bpa.BpaSettings,
        bpa.fit,
    ),
    Method(
        "george",
        "GEORGE (head)",
        "No Subclass Left Behind, NeurIPS 2020",
        "Runs group DRO over clusters of each class along the head's margin.",
        george.GeorgeSettings,
        george.fit,
    ),
    Method(
        "group_dro",
        "Group DRO (head)",
        "Distributionally Robust Neural Networks for Group Shifts, ICLR 2020",
        "Minimizes the loss of the worst groups of the tuning set.",
        group_dro.GroupDroSettings,
        group_dro.fit,
        groups_in=("tuning",),
    ),
    Method(
        "lff",
        "LfF (two heads)",
        "Learning from Failure, NeurIPS 2020",
        "Trains a biased head, and a second one with more weight on samples that are hard for the biased one.",
        lff.LffSettings,
        lff.fit,
    ),
    Method(
        "ssl_erm",
        "SSL+ERM",
        "Learning Debiased Classifier with Biased Committee, NeurIPS 2022, its baseline",
        "Trains a linear head from zero on the embeddings.",
        ssl_erm.SslErmSettings,
        ssl_erm.fit,
    ),
    Method(
        "lwbc",
        "LWBC",
        "Learning Debiased Classifier with Biased Committee, NeurIPS 2022",
        "Upweights the samples that a committee of biased heads misclassifies.",
        lwbc.LwbcSettings,
        lwbc.fit,
    ),
    Method(
        "xrm",
        "XRM",
        "Discovering Environments with XRM, ICML 2024",
        "Infers groups from the mistakes of twin heads, without group labels, and minimizes the loss of the worst.",
        xrm.XrmSettings,
        xrm.fit,
    ),
    Method(
        "variable_selection",
        "Variable selection",
        f"{_NEURONTUNE}, Appendix A.6",
        "Fits a sparse logistic regression on the tuning set.",
        variable_selection.VariableSelectionSettings,
        variable_selection.fit,
    ),
)

METHODS: dict[str, Method] = {entry.key: entry for entry in _ENTRIES}


def method(key: str) -> Method:
    """Return the method of a key.

    Raises:
        InputError: when there is none; the message lists the keys.

    >>> method("dfr").name, method("dfr").uses_groups
    ('DFR', True)
    """
    if key not in METHODS:
        raise InputError(f'There is no method "{key}"; use one of {", ".join(METHODS)}.')
    return METHODS[key]
