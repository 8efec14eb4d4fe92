"""Order statistics of sorted samples by outcome, of one head or of several at once, and their p-values; compiled."""

from __future__ import annotations

import numpy as np

from neurontune_core.kernels.compiled import compiled

MOST_HEADS = 8  # in one pass over the sorted samples: one byte of a word each

_SAMPLES_PER_CHECK = 16  # counted before it is checked whether a requested rank has been passed
_SAMPLES_PER_CHECK_OF_SEVERAL = 32  # the same for several heads; a count of these fits one byte


@compiled()
def order_statistics(order, wrong, ranks_wrong, ranks_right, out):  # type: ignore[no-untyped-def]
    """Find the samples at given ranks among the wrong and among the right ones, for every neuron.

    Args:
        order: [M, n] unsigned, samples by ascending value, one row a neuron.
        wrong: [n] uint8, 1 where the sample is misclassified.
        ranks_wrong, ranks_right: [2] int64, ascending ranks; a rank beyond the last sample is never met.
        out: [M, 4] int64, written: the samples at the two wrong ranks, then at the two right ranks.
    """
    neurons, samples = order.shape
    for i in range(neurons):
        seen_wrong = 0
        seen = 0
        while seen < samples:
            end = min(seen + _SAMPLES_PER_CHECK, samples)
            more = 0
            for j in range(seen, end):  # without a branch: it would be mispredicted half of the time
                more += wrong[order[i, j]]
            right, next_wrong = seen - seen_wrong, seen_wrong + more
            next_right = end - next_wrong
            if (
                (ranks_wrong[0] >= seen_wrong and ranks_wrong[0] < next_wrong)
                or (ranks_wrong[1] >= seen_wrong and ranks_wrong[1] < next_wrong)
                or (ranks_right[0] >= right and ranks_right[0] < next_right)
                or (ranks_right[1] >= right and ranks_right[1] < next_right)
            ):
                rank_wrong, rank_right = seen_wrong, right
                for j in range(seen, end):
                    sample = order[i, j]
                    if wrong[sample]:
                        if rank_wrong == ranks_wrong[0]:
                            out[i, 0] = sample
                        if rank_wrong == ranks_wrong[1]:
                            out[i, 1] = sample
                        rank_wrong += 1
                    else:
                        if rank_right == ranks_right[0]:
                            out[i, 2] = sample
                        if rank_right == ranks_right[1]:
                            out[i, 3] = sample
                        rank_right += 1
            seen, seen_wrong = end, next_wrong
            if seen_wrong > ranks_wrong[1] and seen - seen_wrong > ranks_right[1]:
                break


@compiled()
def order_statistics_of_several(order, wrong, ranks, out):  # type: ignore[no-untyped-def]
    """Do what `order_statistics` does for up to eight heads in one pass.

    Their mistakes are counted side by side in the bytes of one word.

    Args:
        order: [M, n] unsigned, samples by ascending value, one row a neuron.
        wrong: [L, n] bool, where each head is wrong.
        ranks: [L, 4] int64: two ascending ranks among the wrong, then two among the right samples; a rank beyond the
            last sample is never met.
        out: [L, M, 4] int64, written: the samples at these ranks.
    """
    neurons, samples = order.shape
    lanes = len(wrong)
    words = np.zeros(samples, np.uint64)
    for lane in range(lanes):
        for j in range(samples):
            words[j] |= np.uint64(wrong[lane, j]) << np.uint64(8 * lane)
    seen_wrong, open_lanes = np.empty(lanes, np.int64), np.empty(lanes, np.bool_)
    for i in range(neurons):
        seen_wrong[:] = 0
        open_lanes[:] = True
        left, seen = lanes, 0
        while seen < samples and left:
            end = min(seen + _SAMPLES_PER_CHECK_OF_SEVERAL, samples)
            more = np.uint64(0)
            for j in range(seen, end):
                more += words[order[i, j]]
            for lane in range(lanes):
                before = seen_wrong[lane]
                after = before + np.int64((more >> np.uint64(8 * lane)) & np.uint64(255))
                seen_wrong[lane] = after
                if not open_lanes[lane]:
                    continue
                own = ranks[lane]
                right, next_right = seen - before, end - after
                if (
                    (own[0] >= before and own[0] < after)
                    or (own[1] >= before and own[1] < after)
                    or (own[2] >= right and own[2] < next_right)
                    or (own[3] >= right and own[3] < next_right)
                ):
                    for j in range(seen, end):
                        sample = order[i, j]
                        if wrong[lane, sample]:
                            if before == own[0]:
                                out[lane, i, 0] = sample
                            if before == own[1]:
                                out[lane, i, 1] = sample
                            before += 1
                        else:
                            if right == own[2]:
                                out[lane, i, 2] = sample
                            if right == own[3]:
                                out[lane, i, 3] = sample
                            right += 1
                if after > own[1] and next_right > own[3]:
                    open_lanes[lane] = False
                    left -= 1
            seen = end


@compiled()
def larger_differences(values, observed, tails, middle, out):  # type: ignore[no-untyped-def]
    """Compute the probability that two order statistics differ at least as much as observed, for every neuron.

    Args:
        values: [M, n] float32, ascending.
        observed: [M] float32, the differences.
        tails: [B, A + 1] float64; [e, j] is the probability that the lower order statistic has rank ``middle - e`` and
            the higher one at least ``middle + 1 + j``.
        middle: the highest rank that the lower one can have.
        out: [M] float64, written; 1 where the observed difference is not positive.
    """
    below, above = tails.shape[0], tails.shape[1] - 1
    for i in range(values.shape[0]):
        out[i] = 1.0
        if observed[i] > 0:
            total = 0.0
            j = above
            for e in range(below):  # as the lower value falls, ever smaller higher ones are far enough away
                low = values[i, middle - e]
                while j > 0 and values[i, middle + j] - low >= observed[i]:
                    j -= 1
                total += tails[e, j]
            out[i] = total
