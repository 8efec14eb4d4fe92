"""What lies inside an outline that was drawn on a map."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from neurontune_core.evaluation.outlines import as_text, from_text, rows_within, within_polygon

GRID = np.stack(np.meshgrid(np.arange(60), np.arange(60)), axis=-1).reshape(-1, 2)


def test_any_polygon_holds_what_pillow_fills() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        corners = rng.uniform(2, 57, (7, 2))  # mostly crossing itself
        drawing = Image.new("1", (1200, 1200))
        ImageDraw.Draw(drawing).polygon([(20 * x + 10, 20 * y + 10) for x, y in corners], fill=1)
        filled = np.asarray(drawing)[20 * GRID[:, 1] + 10, 20 * GRID[:, 0] + 10]
        inside = within_polygon(GRID.astype(np.float32), corners[:, 0], corners[:, 1])
        assert 50 < inside.sum() < 3000
        assert (inside != filled).mean() < 0.005  # Pillow's edges are a pixel wide


def test_lassos_and_boxes_add_up_and_a_line_holds_nothing() -> None:
    places = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [9.0, 9.0]])
    triangle = {"x": [-1, 0.5, 0.5], "y": [0.1, -1, 1]}
    box = {"x": [2.5, 0.5], "y": [0.5, 2.5]}  # drawn from right to left
    assert rows_within(places, {"lasso": [triangle], "box": []}).tolist() == [0]
    assert rows_within(places, {"lasso": [triangle], "box": [box]}).tolist() == [0, 1, 2]
    assert rows_within(places, {"lasso": [{"x": [0, 9], "y": [0, 9]}]}).tolist() == []
    assert rows_within(places, {}).tolist() == []


def test_a_text_of_outlines_names_the_same_points_again() -> None:
    rng = np.random.default_rng(1)
    places = rng.normal(size=(5000, 2))
    lassos = [{"x": rng.normal(size=9), "y": rng.normal(size=9)} for _ in range(2)]
    text = as_text({"lasso": lassos, "box": [{"x": [1, -0.5], "y": [1e-7, 2]}]})
    assert text.endswith("~box_1_1e-07_-0.5_2")
    read = from_text(text)
    assert as_text(read) == text
    true = rows_within(places, {"lasso": lassos, "box": read["box"]})
    rows = rows_within(places, read)
    assert len(true) > 500
    assert len(np.setxor1d(true, rows)) <= 5  # corners are rounded


def test_a_lasso_of_many_corners_keeps_forty_that_hold_nearly_the_same() -> None:
    places = np.random.default_rng(0).uniform(-1.5, 1.5, (20_000, 2))
    angle = np.linspace(0, 2 * np.pi, 500, endpoint=False)
    radius = 1 + 0.2 * np.sin(5 * angle)
    lasso = {"x": radius * np.cos(angle), "y": radius * np.sin(angle)}
    read = from_text(as_text({"lasso": [lasso]}))
    assert len(read["lasso"][0]["x"]) == 40
    true, rows = rows_within(places, {"lasso": [lasso]}), rows_within(places, read)
    assert len(np.setxor1d(true, rows)) < 0.02 * len(true)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lasso",
        "lasso_1_2_3_4",  # a line
        "lasso_1_2_3_4_5_6_7",  # half a corner
        "lasso_nan_2_3_4_5_6",
        "lasso_1e+999_2_3_4_5_6",
        "box_1_2_3_4_5_6",
        "<script>_1_2_3_4_5_6",
        "lasso_" + "_".join("1" * 1000),
        "~~~",
    ],
)
def test_what_is_no_outline_is_left_out(text: str) -> None:
    assert from_text(text) == {"lasso": [], "box": []}
    assert from_text(f"{text}~box_0_0_1_1")["box"] == [{"x": [0, 1], "y": [0, 1]}]
