"""What lies inside an outline that was drawn on a map."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from neurontune_core.outline import rows_within, within_polygon

GRID = np.stack(np.meshgrid(np.arange(60), np.arange(60)), axis=-1).reshape(-1, 2)


def test_any_polygon_holds_what_pillow_fills() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        corners = rng.uniform(2, 57, (7, 2))  # mostly crossing itself
        drawing = Image.new("1", (1200, 1200))
        ImageDraw.Draw(drawing).polygon([(20 * x + 10, 20 * y + 10) for x, y in corners], fill=1)
        filled = np.asarray(drawing)[20 * GRID[:, 1] + 10, 20 * GRID[:, 0] + 10]
        found = within_polygon(GRID.astype(np.float32), corners[:, 0], corners[:, 1])
        assert 50 < found.sum() < 3000
        assert (found != filled).mean() < 0.005  # Pillow's edges are a pixel wide


def test_lassos_and_boxes_add_up_and_a_line_holds_nothing() -> None:
    places = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [9.0, 9.0]])
    triangle = {"x": [-1, 0.5, 0.5], "y": [0.1, -1, 1]}
    box = {"x": [2.5, 0.5], "y": [0.5, 2.5]}  # drawn from right to left
    assert rows_within(places, {"lasso": [triangle], "box": []}).tolist() == [0]
    assert rows_within(places, {"lasso": [triangle], "box": [box]}).tolist() == [0, 1, 2]
    assert rows_within(places, {"lasso": [{"x": [0, 9], "y": [0, 9]}]}).tolist() == []
    assert rows_within(places, {}).tolist() == []
