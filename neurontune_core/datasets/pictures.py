"""One image file as the network's side reads it: upright or as stored, in RGB, with 8 bits whatever it had."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from neurontune_core.errors import InputError
from neurontune_core.limits import MAX_PIXELS, MAX_RATIO

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

EXIF = ("rotate", "ignore")  # whether an image is turned upright as its EXIF says
_ORIENTATION = 0x0112
_SIXTEEN = 257  # 65535 / 255


class Nature(NamedTuple):
    """What an image file says of itself, without its pixels.

    Attributes:
        mode: Pillow's, such as "RGB" or "I;16".
        turned: whether its EXIF asks to turn or mirror it.
    """

    mode: str
    turned: bool


def nature(file: Path | BytesIO) -> Nature | None:
    """Return what an image says of itself; None where it cannot be read.

    >>> from PIL import Image
    >>> file = BytesIO()
    >>> Image.new("L", (3, 2)).save(file, "PNG")
    >>> nature(file)
    Nature(mode='L', turned=False)
    """
    from PIL import Image

    try:
        with Image.open(file) as image:
            turned = image.getexif().get(_ORIENTATION, 1) in range(2, 9)
            return Nature(image.mode, turned and image.format != "TIFF")  # which Pillow itself turns, for everybody
    except Exception:  # Pillow's readers raise anything; `decode` says what
        return None


def decode(file: Path | BytesIO, source: str, exif: str = "rotate") -> Image.Image:
    """Decode an image file and return it in RGB with 8 bits.

    Sixteen bits are divided by 257, and floats in 0..1 multiplied by 255, as torchvision scales them; other floats are
    scaled by their own range.

    Args:
        file: a path or the bytes of the file.
        source: the name of the image in messages.
        exif: "rotate" turns the image upright, "ignore" leaves it as it is stored, as torchvision and timm do.

    Raises:
        InputError: when it is not an image, or larger than the limits.
        FileNotFoundError: when there is no such file.

    >>> import numpy as np
    >>> from PIL import Image
    >>> file = BytesIO()
    >>> Image.fromarray(np.full((2, 3), 257 * 100, np.uint16)).save(file, "PNG")
    >>> decode(file, "a.png").mode, decode(file, "a.png").size, decode(file, "a.png").getpixel((0, 0))
    ('RGB', (3, 2), (100, 100, 100))
    """
    import struct
    import warnings

    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit here is another
            with Image.open(file) as image:
                _check_size(image.size, source)
                upright = ImageOps.exif_transpose(image) if exif == "rotate" else image
                return _eight_bits(upright).convert("RGB")
    except (FileNotFoundError, InputError):
        raise
    except (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError) as error:
        raise InputError(f'The image "{source}" cannot be read ({error}).') from None
    except (TypeError, KeyError, IndexError, EOFError, AttributeError, ArithmeticError, MemoryError) as error:
        reason = f"{type(error).__name__}: {error}"  # what Pillow's readers raise on damaged files
        raise InputError(f'The image "{source}" cannot be read ({reason}).') from None


def _check_size(size: tuple[int, int], source: str) -> None:
    width, height = size
    if width * height > MAX_PIXELS or max(size) > MAX_RATIO * min(size):
        raise InputError(
            f'The image "{source}" has {width:,} x {height:,} pixels; images of up to {MAX_PIXELS:,} are read, and of '
            f"sides up to 1:{MAX_RATIO}."
        )


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale an image with more than 8 bits; return others as they are."""
    from PIL import Image

    if not (image.mode.startswith("I") or image.mode == "F"):
        return image
    import numpy as np

    return Image.fromarray(_scaled(np.asarray(image).astype(np.float64), image.mode))


def _scaled(values: np.ndarray, mode: str) -> np.ndarray:
    import numpy as np

    values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 65535:
        values = (values - low) * (255 / (high - low))
    elif mode == "F" and high <= 1:
        values = values * 255
    elif mode.startswith("I;16") or high > 255:
        values = values / _SIXTEEN
    return np.rint(values).clip(0, 255).astype(np.uint8)
