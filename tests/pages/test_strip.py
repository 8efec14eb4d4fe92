"""The strip's rows: what a head gets right, drawn to scale."""

import re

from neurontune_core.evaluation.accuracy import Evaluation, Proportion
from pages.parts.frame.strip import strip_row


def evaluation(worst: int, name: str = "birds on land") -> Evaluation:
    parts = (Proportion("water", 40, 50), Proportion(name, worst, 50))
    return Evaluation(Proportion("all", 40 + worst, 100), parts, parts)


def placed(html: str, mark: str) -> float:
    match = re.search(rf'class="{mark}" style="left:([\d.]+)%', html)
    assert match
    return float(match[1])


def test_marks_stand_where_the_accuracies_are():
    html = strip_row("mask", evaluation(30), evaluation(10), chosen=True)
    assert placed(html, "dot") == 60
    assert placed(html, "reference") == 20
    assert placed(html, "average") == 70
    assert 40 < placed(html, "interval") < 50  # Wilson, 30 of 50: 46.2 to 72.4 %
    assert '<b class="worst">60.0 %</b>' in html
    assert 'up">+40.0</span>' in html
    assert 'class="head chosen"' in html
    assert "46–72" in html


def test_a_head_that_changes_nothing_points_nowhere_and_the_trained_head_has_no_change():
    assert 'class="change">+0.0<' in strip_row("retrained", evaluation(10), evaluation(10), chosen=False)
    assert 'class="change down">-10.0<' in strip_row("retrained", evaluation(5), evaluation(10), chosen=False)
    assert "change" not in strip_row("trained", evaluation(10), evaluation(10), chosen=False)


def test_names_of_groups_are_no_markup():
    html = strip_row("trained", evaluation(1, "<img src=x onerror=alert(1)>"), evaluation(1), chosen=False)
    assert "<img" not in html
    assert "&lt;img" in html
