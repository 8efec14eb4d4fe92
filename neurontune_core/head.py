"""LinearHead: the last linear layer, a mask folded into it, and the probabilities of its logits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neurontune_core.errors import InputError, listing
from neurontune_core.files import parse_json, write_whole
from neurontune_core.kernels.half import as_float32

_VALUES_PER_BLOCK = 1 << 18  # of the embeddings, widened and multiplied while in the cache


@dataclass(frozen=True, eq=False)
class LinearHead:
    """``logits = embeddings @ weight.T + bias``.

    Attributes:
        weight: [C, M] float32.
        bias: [C] float32.
        class_names: the C class names, or empty when unknown.
        provenance: how the head was made; JSON-able.

    Raises:
        InputError: when the shapes disagree or a value is not finite.

    >>> head = LinearHead([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.5], ("land", "water"))
    >>> head.predict(np.array([[2.0, 1.0], [1.0, 3.0]])).tolist()
    [0, 1]
    >>> head.masked(np.array([1.0, 0.0])).logits(np.array([[2.0, 1.0]])).tolist()  # the second neuron masked
    [[2.0, 0.5]]
    """

    weight: np.ndarray
    bias: np.ndarray
    class_names: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        weight = np.ascontiguousarray(self.weight, dtype=np.float32)
        bias = np.ascontiguousarray(self.bias, dtype=np.float32)
        if weight.ndim != 2 or bias.shape != (len(weight),):
            raise InputError(
                f"Expected a head with weight [classes, neurons] and bias [classes], "
                f"but got weight {list(weight.shape)} and bias {list(bias.shape)}."
            )
        if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
            raise InputError("The head holds NaN or infinity; train it again with a smaller learning rate.")
        if self.class_names and len(self.class_names) != len(weight):
            raise InputError(f"The head has {len(weight)} classes but {len(self.class_names)} class names.")
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "bias", bias)
        object.__setattr__(self, "class_names", tuple(self.class_names))

    @property
    def num_classes(self) -> int:
        return int(self.weight.shape[0])

    @property
    def num_neurons(self) -> int:
        return int(self.weight.shape[1])

    def check_fits(self, num_neurons: int, num_classes: int, class_names: Sequence[str] = ()) -> None:
        """Raise InputError unless the head has exactly these sizes, and no other order of these classes.

        Args:
            num_neurons, num_classes: M and C of the embeddings.
            class_names: the names of their classes, where they are known.
        """
        if (self.num_classes, self.num_neurons) != (num_classes, num_neurons):
            raise InputError(
                f"The head does not fit: it is for {self.num_classes} classes and {self.num_neurons} neurons, "
                f"the embeddings have {num_classes} classes and {num_neurons} neurons; use the head of the model "
                "that made the embeddings."
            )
        if class_names and self.in_order_of(class_names) is not self:
            raise InputError(
                f"The head's outputs are {listing(self.class_names, 6)}, but the embeddings' classes are "
                f"{listing(class_names, 6)}: the same names in another order; put the head into "
                "theirs (LinearHead.in_order_of)."
            )

    def in_order_of(self, class_names: Sequence[str]) -> LinearHead:
        """Return the head with its outputs in the order of these names; itself unless both name the same classes.

        >>> head = LinearHead([[1.0], [2.0]], [0.0, 0.5], ("dog", "cat"))
        >>> head.in_order_of(("cat", "dog")).bias.tolist()
        [0.5, 0.0]
        >>> head.in_order_of(("fox", "dog")) is head
        True
        """
        names = tuple(map(str, class_names))
        if self.class_names == names or len(set(names)) < len(names) or set(names) != set(self.class_names):
            return self
        order = [self.class_names.index(name) for name in names]
        return LinearHead(self.weight[order], self.bias[order], names, self.provenance)

    def logits(self, embeddings: np.ndarray) -> np.ndarray:
        """Compute [N, C] float32 logits of embeddings [N, M]."""
        if embeddings.ndim != 2 or embeddings.shape[1] != self.num_neurons:
            raise InputError(
                f"The head does not fit: it is for {self.num_neurons} neurons, the embeddings have shape "
                f"{list(embeddings.shape)}."
            )
        out = np.empty((len(embeddings), self.num_classes), dtype=np.float32)
        rows = max(1, min(_VALUES_PER_BLOCK // self.num_neurons, len(embeddings)))
        buffer = np.empty((rows, self.num_neurons), dtype=np.float32)
        for start in range(0, len(embeddings), rows):
            block = as_float32(embeddings[start : start + rows], buffer, embeddings.size)
            out[start : start + rows] = block @ self.weight.T + self.bias
        return out

    def predict(self, embeddings: np.ndarray) -> np.ndarray:
        """Return [N] int64 the class with the largest logit, of embeddings [N, M]."""
        return self.logits(embeddings).argmax(axis=1)

    def masked(self, mask: np.ndarray) -> LinearHead:
        """Fold a mask ([M], or [C, M] for masks by class) into the weights: ``W * m``, bias as it is (Eq. 7).

        The result on raw embeddings gives the logits of this head on masked embeddings.

        Raises:
            InputError: when the mask has another shape.
        """
        factors = np.asarray(mask, dtype=np.float32)
        if factors.shape not in ((self.num_neurons,), self.weight.shape):
            raise InputError(f"Expected a mask of {self.num_neurons} factors, but got shape {list(factors.shape)}.")
        return LinearHead(self.weight * factors, self.bias, self.class_names, self.provenance)

    def save(self, path: str | Path) -> None:
        """Write safetensors with ``weight`` and ``bias``; names and provenance go into the file's metadata."""
        from safetensors.numpy import save_file

        metadata = {"class_names": json.dumps(self.class_names), "provenance": json.dumps(self.provenance)}
        tensors = {"weight": self.weight, "bias": self.bias}
        write_whole(Path(path), lambda temporary: save_file(tensors, temporary, metadata=metadata))

    @classmethod
    def load(cls, path: str | Path, class_names: Sequence[str] = ()) -> LinearHead:
        """Read a head.

        Args:
            path: the file.
            class_names: put its outputs in the order of these, where it names the same classes in another.

        Raises:
            InputError: when the file is missing, is not safetensors, or lacks ``weight`` or ``bias``.
        """
        from safetensors import SafetensorError, safe_open

        path = Path(path)
        if not path.is_file():
            raise InputError(f"There is no head file {path}.")
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
                names = set(file.keys())
                if not {"weight", "bias"} <= names:
                    raise InputError(
                        f"{path} has the tensors {sorted(names)[:6]}, but a head needs 'weight' [classes, neurons] "
                        "and 'bias' [classes]."
                    )
                weight, bias = file.get_tensor("weight"), file.get_tensor("bias")
            own_names, provenance = _parsed(metadata, "class_names", "[]"), _parsed(metadata, "provenance", "{}")
            if not isinstance(own_names, list) or not isinstance(provenance, dict):
                raise TypeError("its class_names or provenance are of another kind")
            own_names = tuple(map(str, own_names))
        except InputError:
            raise
        except (SafetensorError, OSError, ValueError, TypeError, AttributeError) as error:
            raise InputError(f"{path} is not a safetensors file with a linear head ({error}).") from None
        return cls(weight, bias, own_names, provenance).in_order_of(class_names)

    @classmethod
    def mean(cls, heads: Sequence[LinearHead]) -> LinearHead:
        """Average heads of one shape: the mean of their weights and of their biases; class names are the first's.

        >>> LinearHead.mean([LinearHead([[0.0], [2.0]], [0, 0]), LinearHead([[0.0], [4.0]], [0, 1])]).weight.tolist()
        [[0.0], [3.0]]
        """
        weight, bias = (np.mean([getattr(head, part) for head in heads], axis=0) for part in ("weight", "bias"))
        return cls(weight, bias, heads[0].class_names)

    @classmethod
    def from_binary(cls, weight: np.ndarray, bias: float, class_names: tuple[str, ...] = ()) -> LinearHead:
        """Make a head of two classes from one decision function: half for the second class, half against the first.

        The difference of the two logits is the decision value ``embeddings @ weight + bias``.

        Args:
            weight: [M].
            bias: the intercept.
            class_names: of the two classes, or empty.

        >>> LinearHead.from_binary(np.array([4.0]), 2.0).weight.tolist()
        [[-2.0], [2.0]]
        """
        return cls(np.stack([-weight, weight]) / 2, np.array([-bias, bias]) / 2, class_names)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities over the last axis, in the shape of the logits.

    >>> softmax(np.array([[0.0, np.log(3.0)]])).round(3).tolist()
    [[0.25, 0.75]]
    """
    share = np.ascontiguousarray(logits.T)  # classes first: numpy is slow over a short last axis
    share = np.exp(share - share.max(axis=0))
    share /= share.sum(axis=0)
    return np.ascontiguousarray(share.T)


def _parsed(metadata: Mapping[str, str], key: str, default: str) -> Any:
    """Return an entry of a head file's metadata.

    Raises:
        ValueError: when it is no JSON, or more of it than is read.
    """
    try:
        return parse_json(metadata.get(key, default), Path(f"its {key}"))
    except InputError as error:
        raise ValueError(str(error)) from None
