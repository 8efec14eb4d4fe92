"""The limits of what is read from a person's files, in one place: each bounds memory or time before anything is built.

A file that needs more is refused in one sentence that names the limit.
"""

from __future__ import annotations

MAX_PIXELS = 100_000_000  # of one image, as many as the largest cameras take
MAX_RATIO = (
    200  # of an image's sides: resizing the short one to some hundred pixels makes the long one this much longer
)
MAX_JSON_BYTES = 64 << 20  # of a JSON file that is read whole
MAX_JSON_DEPTH = 64  # brackets inside brackets
MAX_TENSORS = 100_000  # by name in a checkpoint
MAX_LAYERS = 4096  # in a network's configuration, of anything that is counted
MAX_PICKLE_BYTES = 64 << 20  # of a checkpoint's structure, without its tensors
MAX_NEURONS = 1 << 24  # of one embedding or mask
ALWAYS_UNPACKED = 256 << 20  # bytes that any file of vectors may unpack to
MAX_UNPACKED = 50  # times its size that a larger one may: numbers of a network hardly compress
