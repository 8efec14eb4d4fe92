"""The screens without a browser: open one, read it, press Retrain."""

from __future__ import annotations

import re

from streamlit.testing.v1 import AppTest

from neurontune_core import TuneConfig, neurontune
from neurontune_core.session.background_run import BackgroundAdvice
from neurontune_core.workspace.project import Project
from tests.support.paths import ROUTER


def opened(project: str, page: str = "overview", **address: str) -> AppTest:
    test = AppTest.from_file(ROUTER, default_timeout=60)
    for name, text in {"project": project, **address}.items():
        test.query_params[name] = text
    test.run()
    if page != "overview":
        test.switch_page(str(ROUTER.with_name(f"{page}.py"))).run()
    assert not test.exception
    return test


def text_of(test: AppTest) -> str:
    kinds = ("title", "subheader", "markdown", "caption", "info", "warning", "error", "success")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(test, kind))


def metrics(test: AppTest) -> dict[str, str]:
    """Return label -> value of the metrics, head -> worst of the strip, and the average of the chosen head."""
    shown = {metric.label: metric.value for metric in test.metric}
    for html in (each.proto.body for each in test.get("html")):
        for row in re.findall(r'<div role="listitem" class="head.*?</div>', html):
            name = re.search(r'class="name">(.*?)<', row)[1]
            shown[name] = re.search(r'class="worst">(.*?)<', row)[1]
            if "head chosen" in row:
                shown[f"Average · {name}"] = re.search(r'class="overall">(.*?)<', row)[1]
    return shown


def retrained(test: AppTest) -> None:
    """Press Retrain, and see what comes of it."""
    test.button(key="retrain").click().run()
    if "live" in test.session_state:
        test.session_state["live"].wait(60)
        test.run()
    assert not test.exception


def adviser(test: AppTest) -> BackgroundAdvice:
    """Return the adviser that was asked last; it may have answered before the script had run to its end."""
    return test.session_state["asked" if "asked" in test.session_state else "answered"]


def save_run(project: Project) -> None:
    sets = [project.load_set(role) for role in ("identification", "tuning")]
    heads = [
        neurontune(project.load_head(), *sets, TuneConfig(epochs=2, batches=10, masking=masking, threshold=0.25))
        for masking in (True, False)
    ]
    project.save_run(heads[0], heads[1], "train", project.journal.verdicts())
