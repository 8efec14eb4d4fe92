"""Class-balanced gradient steps on one head, compiled.

They are plain arithmetic on arrays, release the GIL and use one thread: threads that waited for each other at every
step were ten times slower on a busy machine, and one keeps a run the same, bit for bit.

`shared_steps` does the same for several heads. In place of these steps, with one head, it takes 0.87 to 0.98 of
their time for 2 classes and 2,048 neurons (float16 and float32), but 1.13 to 1.18 for 3 classes and 768 neurons
(float16; best of 9 interleaved runs, three times over, on a busy machine), it cannot leave out masked columns, and
its sums are in another order. So both exist.
"""

from __future__ import annotations

import numpy as np

from neurontune_core.kernels.compiled import compiled
from neurontune_core.kernels.rows import as_floats

_ZERO = np.float32(0)


@compiled(fastmath={"reassoc", "contract", "nsz", "arcp"})
def balanced_steps(  # type: ignore[no-untyped-def]
    vectors, labels, batches, columns, mask, weight, bias, moments, rate, decay, momentum, adam, step
):
    """Take one optimizer step on the cross-entropy of every batch; weight, bias and moments change in place.

    The gradient of the softmax cross-entropy sums to zero over the classes, so only C - 1 of them are computed. Rows
    are taken four at a time, and used for their logits and for the gradient while they are in the cache: no batch is
    ever copied, and the weights are read once for four rows.

    Args:
        vectors: [R, K] float32, or the bits of float16 as uint16: the columns that may get a gradient.
        labels: [R] int64.
        batches: [steps, B] int64 rows of ``vectors``.
        columns: [K] int64, where these columns stand in ``weight``.
        mask: [C, K] float32, their factors (Eq. 7).
        weight, bias: [C, M] and [C] float32.
        moments: [2, C, M + 1] float32, momentum (and AdamW's second moment) of weights and, last, bias.
        rate, decay, momentum: learning rate, weight decay, momentum of SGD.
        adam: True for AdamW (0.9, 0.999, 1e-8), False for SGD.
        step: steps taken before, for AdamW's bias correction.

    Returns:
        The mean cross-entropy over all batches.
    """
    classes, neurons = weight.shape
    kept = columns.shape[0]
    steps, size = batches.shape
    relative = np.empty((classes - 1, kept), np.float32)  # logit weights relative to class 0
    gradient = np.empty((classes - 1, kept), np.float32)
    full = np.zeros((classes, neurons), np.float32)
    full_bias = np.empty(classes, np.float32)
    buffers = np.empty((4, kept), np.float32)
    logits = np.empty((4, classes), np.float32)
    logit_gradient = np.empty((4, classes), np.float32)
    at = np.empty(4, np.int64)
    loss = 0.0
    for s in range(steps):
        for c in range(classes - 1):
            for k in range(kept):
                column = columns[k]
                relative[c, k] = weight[c + 1, column] * mask[c + 1, k] - weight[0, column] * mask[0, k]
        gradient[:] = 0
        full_bias[:] = 0
        for start in range(0, size, 4):
            for j in range(4):  # beyond the batch the last row is repeated, with gradient 0
                at[j] = batches[s, min(start + j, size - 1)]
            row0, row1 = as_floats(vectors[at[0]], buffers[0]), as_floats(vectors[at[1]], buffers[1])
            row2, row3 = as_floats(vectors[at[2]], buffers[2]), as_floats(vectors[at[3]], buffers[3])
            for c in range(classes - 1):
                weights, first, second, third, fourth = relative[c], _ZERO, _ZERO, _ZERO, _ZERO
                for k in range(kept):
                    first += row0[k] * weights[k]
                    second += row1[k] * weights[k]
                    third += row2[k] * weights[k]
                    fourth += row3[k] * weights[k]
                rise = bias[c + 1] - bias[0]
                logits[0, c + 1], logits[1, c + 1] = first + rise, second + rise
                logits[2, c + 1], logits[3, c + 1] = third + rise, fourth + rise
            logit_gradient[:] = 0
            for j in range(min(4, size - start)):
                loss += _cross_entropy(logits[j], labels[at[j]], size, logit_gradient[j], full_bias)
            for c in range(classes - 1):
                out = gradient[c]
                a, b, d, e = (
                    logit_gradient[0, c + 1],
                    logit_gradient[1, c + 1],
                    logit_gradient[2, c + 1],
                    logit_gradient[3, c + 1],
                )
                for k in range(kept):
                    out[k] += a * row0[k] + b * row1[k] + d * row2[k] + e * row3[k]
        for k in range(kept):
            rest = _ZERO
            for c in range(classes - 1):
                rest -= gradient[c, k]
                full[c + 1, columns[k]] = gradient[c, k] * mask[c + 1, k]
            full[0, columns[k]] = rest * mask[0, k]
        optimizer_step(weight, bias, full, full_bias, moments, rate, decay, momentum, adam, step + s + 1)
    return loss / (steps * size)


@compiled(fastmath={"reassoc", "contract", "nsz", "arcp"})
def _cross_entropy(logits, label, size, logit_gradient, full_bias):  # type: ignore[no-untyped-def]
    """Return one row's cross-entropy, from its logits relative to class 0.

    ``logit_gradient`` [C] becomes its gradient by the logits, which is added to ``full_bias``.
    """
    classes = logits.shape[0]
    logits[0] = 0
    top = norm = _ZERO
    for c in range(1, classes):
        top = max(top, logits[c])
    own = logits[label]
    for c in range(classes):
        logit_gradient[c] = np.exp(logits[c] - top)
        norm += logit_gradient[c]
    for c in range(classes):
        logit_gradient[c] = np.float32((logit_gradient[c] / norm - (1 if c == label else 0)) / np.float32(size))
        full_bias[c] += logit_gradient[c]
    return np.log(norm) + top - own


@compiled()
def optimizer_step(weight, bias, gradient, gradient_bias, moments, rate, decay, momentum, adam, step):  # type: ignore[no-untyped-def]
    """Take one step of SGD with momentum, or of AdamW, with PyTorch's conventions; everything changes in place."""
    classes, neurons = weight.shape
    if adam:
        first, second = 1 - 0.9**step, 1 - 0.999**step
        shrink, pace = np.float32(1 - rate * decay), np.float32(rate / first)
        scale = np.float32(1 / np.sqrt(second))
        for c in range(classes):
            for i in range(neurons + 1):
                g = gradient[c, i] if i < neurons else gradient_bias[c]
                moments[0, c, i] = np.float32(0.9) * moments[0, c, i] + np.float32(0.1) * g
                moments[1, c, i] = np.float32(0.999) * moments[1, c, i] + np.float32(0.001) * g * g
                change = pace * moments[0, c, i] / (np.sqrt(moments[1, c, i]) * scale + np.float32(1e-8))
                if i < neurons:
                    weight[c, i] = weight[c, i] * shrink - change
                else:
                    bias[c] = bias[c] * shrink - change
    else:
        rate32, decay32, momentum32 = np.float32(rate), np.float32(decay), np.float32(momentum)
        for c in range(classes):
            velocity, w, g = moments[0, c], weight[c], gradient[c]
            for i in range(neurons):
                velocity[i] = momentum32 * velocity[i] + g[i] + decay32 * w[i]
                w[i] -= rate32 * velocity[i]
            velocity[neurons] = momentum32 * velocity[neurons] + gradient_bias[c] + decay32 * bias[c]
            bias[c] -= rate32 * velocity[neurons]
