"""An image archive's tag, drawn from rectangles, a ring and strokes; no font is involved."""

from __future__ import annotations

from PIL import Image, ImageDraw

WORD = "ARCHIVE"
WIDTH, HEIGHT = 74, 18  # pixels at scale 1
NAVY, ORANGE, WHITE = (20, 36, 92, 255), (255, 140, 0, 255), (255, 255, 255, 255)
STROKES: dict[str, list[list[tuple[float, float]]]] = {  # polylines in a box one wide and one high, y downwards
    "A": [[(0, 1), (0.5, 0), (1, 1)], [(0.2, 0.64), (0.8, 0.64)]],
    "R": [[(0, 1), (0, 0), (0.7, 0), (1, 0.14), (1, 0.38), (0.7, 0.52), (0, 0.52)], [(0.5, 0.52), (1, 1)]],
    "C": [[(1, 0.14), (0.75, 0), (0.25, 0), (0, 0.25), (0, 0.75), (0.25, 1), (0.75, 1), (1, 0.86)]],
    "H": [[(0, 0), (0, 1)], [(1, 0), (1, 1)], [(0, 0.5), (1, 0.5)]],
    "I": [[(0.5, 0), (0.5, 1)]],
    "V": [[(0, 0), (0.5, 1), (1, 0)]],
    "E": [[(1, 0), (0, 0), (0, 1), (1, 1)], [(0, 0.5), (0.8, 0.5)]],
}
_FINE = 4  # drawn this much larger, then reduced


def stamp(image: Image.Image, *, scale: float, corner: str, aside: int, above: int) -> None:
    """Draw the tag into a lower corner of an RGB image.

    Args:
        image: changed in place.
        scale: size of the tag, in its nominal size.
        corner: "left" or "right".
        aside, above: distance from the edge at that side and from the lower edge, in pixels.
    """
    tag = draw(scale)
    left = image.width - tag.width - aside if corner == "right" else aside
    image.paste(tag, (left, image.height - tag.height - above), tag)


def draw(scale: float) -> Image.Image:
    """Draw the tag in RGBA, ``scale`` times its nominal size."""
    image = Image.new("RGBA", (WIDTH * _FINE, HEIGHT * _FINE))
    pen = ImageDraw.Draw(image)
    right, bottom = WIDTH * _FINE - 1, HEIGHT * _FINE - 1
    pen.rounded_rectangle((0, 0, right, bottom), radius=5 * _FINE, fill=NAVY)
    pen.rounded_rectangle((0, 0, 16 * _FINE, bottom), radius=5 * _FINE, fill=ORANGE)
    pen.rectangle((10 * _FINE, 0, 16 * _FINE, bottom), fill=ORANGE)
    pen.ellipse((4 * _FINE, 5 * _FINE, 12 * _FINE, 13 * _FINE), outline=WHITE, width=2 * _FINE)
    left, step, width, height = 19.8, 7.5, 4.9, 8.6
    for place, letter in enumerate(WORD):
        for line in STROKES[letter]:
            points = [((left + place * step + x * width) * _FINE, (4.7 + y * height) * _FINE) for x, y in line]
            pen.line(points, fill=WHITE, width=round(1.75 * _FINE), joint="curve")
    return image.resize((round(WIDTH * scale), round(HEIGHT * scale)), Image.Resampling.LANCZOS)
