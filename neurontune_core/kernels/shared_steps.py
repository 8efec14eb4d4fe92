"""Class-balanced gradient steps on several heads at once, on the same batches; compiled."""

from __future__ import annotations

import numpy as np

from neurontune_core.kernels.compiled import compiled
from neurontune_core.kernels.rows import as_floats
from neurontune_core.kernels.steps import optimizer_step


@compiled(fastmath={"reassoc", "contract", "nsz", "arcp"})
def balanced_steps(  # type: ignore[no-untyped-def]
    vectors, labels, batches, masks, weights, biases, moments, rates, decays, momenta, adam, step
):
    """Take one optimizer step of every head on every batch; weights, biases and moments change in place.

    Eight rows are taken at a time: each is read once for the logits of all heads and once for all gradients, and a
    head's weights once for four rows. As in `steps.balanced_steps`, only C - 1 classes are computed.

    Args:
        vectors: [R, M] float32, or the bits of float16 as uint16.
        labels: [R] int64.
        batches: [steps, B] int64 rows of ``vectors``.
        masks: [L, C, M] float32, the factors of each head.
        weights, biases: [L, C, M] and [L, C] float32.
        moments: [L, 2, C, M + 1] float32.
        rates, decays, momenta, adam: [L], as in `steps.balanced_steps`.
        step: steps taken before.

    Returns:
        [L] the mean cross-entropy over all batches.
    """
    lanes, classes, neurons = weights.shape
    others = classes - 1
    wide = lanes * others
    steps, size = batches.shape
    relative = np.empty((wide, neurons), np.float32)  # logit weights relative to class 0, head after head
    gradient = np.empty((wide, neurons), np.float32)
    full = np.empty((classes, neurons), np.float32)
    full_bias = np.empty((lanes, classes), np.float32)
    logits = np.empty((8, wide), np.float32)
    logit_gradient = np.empty((8, wide), np.float32)
    norms = np.empty(lanes, np.float64)  # their product over eight rows: one logarithm instead of eight
    at = np.empty(8, np.int64)
    buffers = np.empty((8, neurons), np.float32)
    losses = np.zeros(lanes)
    for s in range(steps):
        for lane in range(lanes):
            base, base_mask = weights[lane, 0], masks[lane, 0]
            for c in range(others):
                out, own_weight, own_mask = relative[lane * others + c], weights[lane, c + 1], masks[lane, c + 1]
                for k in range(neurons):
                    out[k] = own_weight[k] * own_mask[k] - base[k] * base_mask[k]
        gradient[:] = 0
        full_bias[:] = 0
        for start in range(0, size, 8):
            for j in range(8):  # beyond the batch the last row is repeated, with gradient 0
                at[j] = batches[s, min(start + j, size - 1)]
            a, b = as_floats(vectors[at[0]], buffers[0]), as_floats(vectors[at[1]], buffers[1])
            c, d = as_floats(vectors[at[2]], buffers[2]), as_floats(vectors[at[3]], buffers[3])
            e, f = as_floats(vectors[at[4]], buffers[4]), as_floats(vectors[at[5]], buffers[5])
            g, h = as_floats(vectors[at[6]], buffers[6]), as_floats(vectors[at[7]], buffers[7])
            _products(a, b, c, d, relative, logits[:4])
            _products(e, f, g, h, relative, logits[4:])
            norms[:] = 1
            for j in range(8):
                if start + j >= size:
                    logit_gradient[j] = 0
                elif classes == 2:
                    _logit_gradients_of_two(
                        logits[j], biases, labels[at[j]], size, logit_gradient[j], full_bias, norms, losses
                    )
                else:
                    _logit_gradients(
                        logits[j], biases, labels[at[j]], size, logit_gradient[j], full_bias, norms, losses
                    )
            for lane in range(lanes):
                losses[lane] += np.log(norms[lane])
            for q in range(wide):
                out = gradient[q]
                p0, p1, p2, p3 = logit_gradient[0, q], logit_gradient[1, q], logit_gradient[2, q], logit_gradient[3, q]
                p4, p5, p6, p7 = logit_gradient[4, q], logit_gradient[5, q], logit_gradient[6, q], logit_gradient[7, q]
                for k in range(neurons):
                    out[k] += (
                        p0 * a[k] + p1 * b[k] + p2 * c[k] + p3 * d[k] + p4 * e[k] + p5 * f[k] + p6 * g[k] + p7 * h[k]
                    )
        for lane in range(lanes):
            rest, base_mask = full[0], masks[lane, 0]
            rest[:] = 0
            for i in range(others):
                slope, out, own_mask = gradient[lane * others + i], full[i + 1], masks[lane, i + 1]
                for k in range(neurons):
                    out[k] = slope[k] * own_mask[k]
                    rest[k] -= slope[k] * base_mask[k]
            optimizer_step(
                weights[lane],
                biases[lane],
                full,
                full_bias[lane],
                moments[lane],
                rates[lane],
                decays[lane],
                momenta[lane],
                adam[lane],
                step + s + 1,
            )
    return losses / (steps * size)


@compiled(fastmath={"reassoc", "contract", "nsz", "arcp"})
def _products(a, b, c, d, weights, out):  # type: ignore[no-untyped-def]
    """Write the product of row r of four with ``weights[q]`` to ``out[r, q]``, two of those at a time."""
    wide, neurons = weights.shape
    for q in range(0, wide, 2):
        second = min(q + 1, wide - 1)
        u, v = weights[q], weights[second]
        a0 = b0 = c0 = d0 = np.float32(0)
        a1 = b1 = c1 = d1 = np.float32(0)
        for k in range(neurons):
            a0 += a[k] * u[k]
            b0 += b[k] * u[k]
            c0 += c[k] * u[k]
            d0 += d[k] * u[k]
            a1 += a[k] * v[k]
            b1 += b[k] * v[k]
            c1 += c[k] * v[k]
            d1 += d[k] * v[k]
        out[0, q], out[1, q], out[2, q], out[3, q] = a0, b0, c0, d0
        out[0, second], out[1, second], out[2, second], out[3, second] = a1, b1, c1, d1


@compiled(fastmath={"reassoc", "contract", "nsz", "arcp"})
def _logit_gradients(logits, biases, label, size, logit_gradient, full_bias, norms, losses):  # type: ignore[no-untyped-def]
    """Add one row's part to every head's gradient by the logits, and to the loss but for the logarithm of ``norms``."""
    lanes, classes = biases.shape
    share = np.empty(classes, np.float32)
    for lane in range(lanes):
        first, top = lane * (classes - 1), np.float32(0)
        share[0] = 0
        for i in range(1, classes):
            share[i] = logits[first + i - 1] + biases[lane, i] - biases[lane, 0]
            top = max(top, share[i])
        own, norm = share[label], np.float32(0)
        for i in range(classes):
            share[i] = np.exp(share[i] - top)
            norm += share[i]
        norms[lane] *= norm
        losses[lane] += top - own
        for i in range(classes):
            part = np.float32((share[i] / norm - (1 if i == label else 0)) / np.float32(size))
            full_bias[lane, i] += part
            if i > 0:
                logit_gradient[first + i - 1] = part


@compiled(fastmath={"reassoc", "contract", "nsz", "arcp"})
def _logit_gradients_of_two(logits, biases, label, size, logit_gradient, full_bias, norms, losses):  # type: ignore[no-untyped-def]
    """Do what `_logit_gradients` does for two classes, with one exponential instead of two."""
    for lane in range(len(biases)):
        z = logits[lane] + biases[lane, 1] - biases[lane, 0]
        small = np.exp(-abs(z))
        large = np.float32(1) / (np.float32(1) + small)
        second = large if z >= 0 else small * large
        part = (second - np.float32(label)) / np.float32(size)
        full_bias[lane, 0] -= part
        full_bias[lane, 1] += part
        logit_gradient[lane] = part
        norms[lane] *= 1 + small
        losses[lane] += max(z, np.float32(0)) - (z if label == 1 else np.float32(0))
