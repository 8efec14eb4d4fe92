"""What the screens say at the edges: nothing breaks, and each says what is so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from neurontune_core.tuning.config import TuneConfig
from neurontune_core.workspace.workspace import Workspace
from tests.support import odd_projects
from tests.support.odd_projects import ODD, SILENT
from tests.support.pages import opened, retrained, text_of
from tests.support.paths import ROUTER
from tests.support.projects import write_project


@pytest.fixture
def show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))

    def made(make: Callable[[Path], None], page: str = "overview", **address: str) -> AppTest:
        if "odd" not in Workspace(tmp_path).names():
            make(Workspace(tmp_path).new_folder("odd"))
        return opened("odd", page, **address)

    return made


@pytest.mark.long
@pytest.mark.parametrize("make", ODD, ids=lambda make: make.__name__)
def test_no_screen_breaks(show: Callable[..., AppTest], make: Callable[[Path], None]) -> None:
    shown = show(make)
    for page in ("overview", "neurons", "retrain", "check", "groups", "export"):
        shown.switch_page(str(ROUTER.with_name(f"{page}.py"))).run()
        assert not shown.exception, page
        assert not shown.error, page


def test_a_class_without_mistakes_says_so_at_its_neurons(show: Callable[..., AppTest]) -> None:
    shown = show(odd_projects.a_class_without_mistakes, "neurons")
    assert 'Class "water bird" has no misclassified samples; its scores are 0.' in text_of(shown)
    shown.session_state["class"] = "water bird"
    shown.run()
    assert "| **water bird** | +0.000 | nothing misclassified, no bias visible | – |" in text_of(shown)
    assert "This class has no misclassified sample." in text_of(shown)


def test_two_samples_are_too_few_for_a_verdict_and_for_umap(show: Callable[..., AppTest]) -> None:
    shown = show(odd_projects.two_samples, "neurons")
    assert 'Class "land bird" has only 1 misclassified sample; its scores may be chance.' in text_of(shown)
    assert "only 1 misclassified: too few to test" in text_of(shown)
    shown = show(odd_projects.two_samples, "groups")
    shown.session_state["map_kind"] = "UMAP"
    shown.run()
    assert "UMAP needs at least 10 samples" in text_of(shown)


def test_of_a_thousand_classes_the_worst_are_drawn_and_the_warnings_are_one(show: Callable[..., AppTest]) -> None:
    shown = show(odd_projects.a_thousand_classes)
    assert "The 24 of 1,000 with the lowest accuracy of the trained head." in text_of(shown)
    bars = json.loads(shown.get("plotly_chart")[0].proto.spec)["data"][0]["x"]
    assert len(bars) == 24
    assert max(len(bar) for bar in bars) < 50
    shown = show(odd_projects.a_thousand_classes, "neurons", order="paper")
    assert len(shown.warning) <= 2
    lines = next(each.value for each in shown.markdown if each.value.startswith("| class |")).splitlines()[2:]
    scores = [float(line.split("|")[2].split()[0]) for line in lines]
    assert len(scores) == 4  # of a thousand, those on which the neuron scores highest
    assert scores == sorted(scores, reverse=True)
    charts = next(each.proto for each in shown.get("plotly_chart") if "distribution" in each.proto.id)
    titles = [each["text"] for each in json.loads(charts.spec)["layout"]["annotations"]]
    assert len(titles) == 4
    for title, line in zip(titles, lines, strict=True):
        assert line.split("|")[1].strip(" *")[:14] in title
    assert "warnings, such as: Class" in text_of(shown)
    assert "Every neuron is masked." in text_of(shown)
    shown = show(odd_projects.a_thousand_classes, "neurons")
    assert "too few, so the order may be chance." in text_of(shown)  # three samples a class
    shown = show(odd_projects.a_thousand_classes, "check")
    assert all(len(each.value.columns) < 20 for each in shown.dataframe)


def test_of_six_classes_the_chosen_one_is_first_and_bold_whatever_its_score(
    show: Callable[..., AppTest], tmp_path: Path
) -> None:
    shown = show(odd_projects.six_classes, "neurons", order="paper")
    project = Workspace(tmp_path).open("odd")
    samples, head = project.load_set("identification"), project.load_head()
    correct = (samples.embeddings @ head.weight.T + head.bias).argmax(axis=1) == samples.labels
    neuron = shown.number_input(key="neuron").value
    activation = np.abs(samples.embeddings[:, neuron])
    scores = [
        np.median(activation[(samples.labels == label) & ~correct])
        - np.median(activation[(samples.labels == label) & correct])
        for label in range(6)
    ]
    for chosen in (int(np.argmin(scores)), int(np.argmax(scores))):
        shown.selectbox(key="class").set_value(samples.class_names[chosen]).run()
        lines = next(each.value for each in shown.markdown if each.value.startswith("| class |")).splitlines()[2:]
        names = [line.split("|")[1].strip() for line in lines]
        highest = [label for label in np.argsort(scores)[::-1] if label != chosen][:3]
        assert names == [f"**{samples.class_names[chosen]}**", *(samples.class_names[label] for label in highest)]
        charts = next(each.proto for each in shown.get("plotly_chart") if "distribution" in each.proto.id)
        titles = [each["text"] for each in json.loads(charts.spec)["layout"]["annotations"]]
        assert [title.startswith("<b>") for title in titles] == [True, False, False, False]


@pytest.mark.long
def test_of_a_thousand_classes_every_batch_holds_one_each(show: Callable[..., AppTest], tmp_path: Path) -> None:
    shown = show(odd_projects.a_thousand_classes, "retrain")
    assert shown.number_input(key="batch").value == 1000
    shown.number_input(key="epochs").set_value(1).run()
    shown.number_input(key="batch").set_value(128).run()  # as another project may have had it
    shown.slider(key="threshold").set_value(0.5 * shown.slider(key="threshold").max).run()
    retrained(shown)
    (run,) = Workspace(tmp_path).open("odd").runs()
    assert run.config.batch_size == 1000
    assert not shown.error


def test_the_batch_of_a_thousand_classes_does_not_follow_into_another_project(
    show: Callable[..., AppTest], tmp_path: Path
) -> None:
    write_project(Workspace(tmp_path).new_folder("birds"))
    shown = show(odd_projects.a_thousand_classes, "retrain")
    assert shown.number_input(key="batch").value == 1000
    shown.selectbox(key="project").set_value("birds").run()
    assert shown.number_input(key="batch").value == TuneConfig().batch_size
    shown.number_input(key="epochs").set_value(1).run()
    retrained(shown)
    assert Workspace(tmp_path).open("birds").runs()[-1].config.batch_size == TuneConfig().batch_size
    shown.number_input(key="batch").set_value(64).run()
    shown.selectbox(key="project").set_value("odd").run()
    assert shown.number_input(key="batch").value == 64  # what a person has typed stays


def test_the_batch_of_a_thousand_classes_does_not_follow_where_its_form_is_not_shown(
    show: Callable[..., AppTest], tmp_path: Path
) -> None:
    write_project(Workspace(tmp_path).new_folder("birds"))
    shown = show(odd_projects.a_thousand_classes, "retrain")
    shown.number_input(key="epochs").set_value(1).run()
    shown.switch_page(str(ROUTER.with_name("overview.py"))).run()
    shown.selectbox(key="project").set_value("birds").run()
    assert "batch" not in shown.query_params
    retrained(shown)
    assert Workspace(tmp_path).open("birds").runs()[-1].config.batch_size == TuneConfig().batch_size


def test_a_neuron_that_never_fires_is_called_so(show: Callable[..., AppTest]) -> None:
    shown = show(odd_projects.a_silent_neuron, "neurons")
    assert "0 on every sample" not in text_of(shown)
    shown.number_input(key="neuron").set_value(SILENT).run()
    assert "This neuron is 0 on every sample, so its score is 0" in text_of(shown)


def test_one_class_alone_cannot_be_retrained_and_says_what_is_missing(show: Callable[..., AppTest]) -> None:
    shown = show(odd_projects.one_class_only, "retrain")
    retrained(shown)
    assert 'Class "water bird" has no sample in the tuning set' in text_of(shown)
    assert "add samples of it" in text_of(shown)
