"""L1-regularized logistic regression by scikit-learn's liblinear, as a `LinearHead`."""

from __future__ import annotations

import warnings

import numpy as np

from neurontune_core.head import LinearHead


def l1_logistic(vectors: np.ndarray, labels: np.ndarray, num_classes: int, strength: float, seed: int) -> LinearHead:
    """Fit ``l1_ratio=1, C=strength``; more than two classes are one against the rest.

    liblinear penalizes the intercept too, and shuffles coordinates by ``seed``. The rows of a two-class head are ∓ half
    of the one vector of coefficients, so the difference of the logits is scikit-learn's decision value.

    Args:
        vectors: [N, M].
        labels: [N], every class present.
        num_classes: C.
        strength: C of scikit-learn, the inverse of the penalty.
        seed: of the order of coordinates.

    >>> vectors = np.array([[0.0, 1.0], [0.0, 1.1], [2.0, 1.0], [2.0, 1.1]])
    >>> head = l1_logistic(vectors, np.array([0, 0, 1, 1]), num_classes=2, strength=1.0, seed=0)
    >>> head.predict(vectors).tolist(), bool(head.weight[:, 1].any())
    ([0, 0, 1, 1], False)
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    coefficients, intercepts = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # after 100 passes more would not change the predictions
        for label in range(num_classes) if num_classes > 2 else [1]:
            model = LogisticRegression(l1_ratio=1, C=strength, solver="liblinear", random_state=seed)
            model.fit(vectors, labels == label)
            coefficients.append(model.coef_[0])
            intercepts.append(model.intercept_[0])
    if num_classes == 2:
        return LinearHead.from_binary(coefficients[0], intercepts[0])
    return LinearHead(np.array(coefficients), np.array(intercepts))
