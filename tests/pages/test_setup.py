"""The Setup screen, without a browser: what it says of a person's files, what can be corrected, what is extracted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from neurontune_core.jobs.store import JobStore
from neurontune_core.preflight.inspection import inspect_dataset
from neurontune_core.preflight.request import Request
from neurontune_core.workspace.workspace import Workspace
from pages.parts.setup.inspection import INSPECTIONS
from pages.parts.setup.reading import STORED, UPRIGHT, with_reading
from tests.support import image_layouts, layouts
from tests.support.own_model import own_model
from tests.support.pages import metrics, opened
from tests.support.pages import text_of as written


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path / "home"))
    return Workspace(tmp_path / "home")


def text_of(shown: AppTest) -> str:
    """Return the text of a screen as a person sees it, without the escapes of Markdown."""
    return written(shown).replace("\\", "")


def finished(shown: AppTest) -> AppTest:
    """Wait until the inspection that the screen started has ended."""
    inspection = INSPECTIONS.get(shown.session_state["inspection"])
    assert inspection is not None
    inspection.wait(120)
    assert not shown.run().exception
    return shown


def looked(data: Path, weights: str = "") -> AppTest:
    shown = opened("faces", "setup")
    shown.text_input(key="data").set_value(str(data))
    shown.text_input(key="weights").set_value(weights)
    next(button for button in shown.button if button.label == "Check data").click().run()
    return finished(shown)


def test_what_was_looked_at_is_shown_and_extracted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, weights = own_model(tmp_path)
    shown = looked(data, str(weights))
    expected = inspect_dataset(Request(str(data), str(weights)), device="cpu")
    assert expected.accuracy is not None
    assert metrics(shown)["accuracy"] == f"{100 * expected.accuracy.accuracy:.0f} %"
    assert metrics(shown)["head"] == "2 × 64"
    assert metrics(shown)["samples"] == "32"
    table = next(each.value for each in shown.dataframe if "class" in each.value)
    assert table.to_dict("list") == {"class": ["cat", "dog"], "train": [8, 8], "val": [4, 4], "test": [4, 4]}
    assert '"module." was taken off' in text_of(shown)

    asked: list[Any] = []
    monkeypatch.setattr(JobStore, "submit", lambda _, task, config, *, title="": asked.append((task, config)))
    shown.button(key="extract").click().run()
    ((task, config),) = asked
    assert task == "extract"
    assert config["model"] == expected.model_spec
    assert config["dataset"] == expected.dataset_spec
    assert Path(config["out"]) == tmp_path / "home" / "projects" / "my-pictures"


def test_a_reload_finds_the_look_again(tmp_path: Path) -> None:
    data, weights = own_model(tmp_path)
    shown = looked(data, str(weights))
    again = AppTest.from_file(Path("pages/router.py").resolve(), default_timeout=60)
    again.query_params["inspection"] = shown.session_state["inspection"]
    again.run().switch_page(str(Path("pages/setup.py").resolve()))
    again.query_params["inspection"] = shown.session_state["inspection"]
    again.run()
    assert metrics(again)["head"] == "2 × 64"


def test_a_guessed_column_can_be_corrected(tmp_path: Path) -> None:
    image_layouts.subpopbench(tmp_path)
    file = tmp_path / "metadata_metashift.csv"
    table = pd.read_csv(file).assign(species=lambda rows: ["finch" if y else "<b>gull</b>" for y in rows["y"]])
    table.to_csv(file, index=False)
    shown = looked(file)
    key = shown.session_state["inspection"]
    assert shown.selectbox(key=f"column-label-{key}").value == "y"
    shown.selectbox(key=f"column-label-{key}").set_value("species")
    shown.selectbox(key=f"column-attribute-{key}").set_value("none")
    next(button for button in shown.button if button.label == "Check again").click().run()
    finished(shown)
    inspection = INSPECTIONS.get(shown.session_state["inspection"])
    assert inspection is not None
    assert inspection.report is not None
    assert inspection.report.data is not None
    assert inspection.report.data.class_names == ("<b>gull</b>", "finch")
    assert inspection.report.data.group_names == ()


def test_foreign_names_are_shown_as_they_are(tmp_path: Path) -> None:
    for name in ("<img src=x>", "[a](http://b) $x$ :red[c]"):
        folder = tmp_path / "pictures" / name.replace("/", "-")
        folder.mkdir(parents=True)
        layouts.picture(folder / "1.png")
    shown = looked(tmp_path / "pictures")
    for name in ("<img src=x>", "[a](http:--b) $x$ :red[c]"):
        assert name not in written(shown)
        assert name in text_of(shown)


def test_what_cannot_be_read_is_said_beside_what_can(tmp_path: Path) -> None:
    shown = looked(image_layouts.split_folders(tmp_path), str(tmp_path / "nowhere.pth"))
    assert "nowhere.pth" in text_of(shown)
    assert metrics(shown)["samples"] == "32"
    assert not [button for button in shown.button if button.label == "Extract"]
    assert "not on the list of allowed ones" in text_of(looked(tmp_path, "somebody/some-model"))


def test_no_screen_runs_an_entry_point(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text("open('ran', 'w')\ndef network(): pass\n")
    image_layouts.split_folders(tmp_path / "data")
    name = INSPECTIONS.start(Request(str(tmp_path / "data"), entry="evil:network"), tmp_path)
    inspection = INSPECTIONS.get(name)
    assert inspection is not None
    inspection.wait(60)
    assert inspection.request.entry is None
    assert inspection.report is not None
    assert inspection.report.model is None
    assert not Path("ran").exists()


def test_the_readings_that_flags_choose_are_chosen_in_the_corrections_too() -> None:
    request = Request("data", "model.pth", settings={"preprocessing": {"mean": [0.5] * 3, "exif": "ignore"}})
    changed = with_reading(request, ("0.5", "annotated", "model_ema", UPRIGHT))
    assert (changed.label_threshold, changed.images) == (0.5, "annotated")
    assert changed.settings == {"preprocessing": {"mean": [0.5] * 3}, "weights_key": "model_ema"}
    back = with_reading(changed, ("", "", "", STORED))
    assert (back.label_threshold, back.images, back.settings["weights_key"]) == (None, "", None)
    assert back.settings["preprocessing"]["exif"] == "ignore"


def test_scores_as_labels_are_read_by_the_threshold_of_the_corrections(tmp_path: Path) -> None:
    table = tmp_path / "data" / "comments.csv"
    table.parent.mkdir()
    rows = [f"{n},{n % 7 / 7:.3f},comment number {n},{('train', 'val')[n % 2]}" for n in range(40)]
    table.write_text("\n".join(("id,target,comment_text,split", *rows)))
    shown = looked(table)
    assert "holds scores, not classes" in text_of(shown)
    next(field for field in shown.text_input if field.label == "Label threshold").set_value("0.5")
    next(button for button in shown.button if button.label == "Check again").click().run()
    finished(shown)
    assert "class 1" in str([frame.value for frame in shown.dataframe])
