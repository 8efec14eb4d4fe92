"""What the server answers to requests for images, heatmaps, texts and words, sensible or not."""

from __future__ import annotations

import asyncio
import io
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette

from neurontune_core.files import read_json, write_json
from neurontune_core.workspace.workspace import Workspace
from pages.parts.samples.routes import MOST_ROWS, ROUTES
from tests.support.projects import write_pictures

HUGE = "9" * 5000  # int() refuses more than 4,300 digits


@dataclass(frozen=True)
class Answer:
    status: int
    kind: str
    body: bytes


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURONTUNE_HOME", str(tmp_path))


def get(address: str) -> Answer:
    """Ask the routes as a server does; an error that none of them foresaw is raised."""
    path, _, query = address.partition("?")
    sent: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": unquote(path), "raw_path": path.encode(), "root_path": "",
        "query_string": query.encode(), "headers": [], "scheme": "http", "http_version": "1.1",
        "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 9),
    }  # fmt: skip
    with ThreadPoolExecutor(1) as another:  # a browser test before may have left this thread's event loop running
        another.submit(asyncio.run, Starlette(routes=ROUTES)(scope, receive, send)).result()
    headers = dict(sent[0]["headers"])
    return Answer(sent[0]["status"], headers[b"content-type"].decode(), b"".join(part["body"] for part in sent[1:]))


@pytest.mark.parametrize("row", ["-1", "100000", HUGE, "1e3", "nan", "", "²", "٣"])
@pytest.mark.parametrize("address", ["image/faces/test/{}", "image/faces/test/{}/3", "words/reviews/test/{}/3"])
def test_a_row_that_does_not_exist_is_one_sentence(address: str, row: str) -> None:
    refused(get(f"/nt/{address.format(row)}"))


@pytest.mark.parametrize("neuron", ["-1", "1280", "100000000", HUGE, "nan", "²"])
@pytest.mark.parametrize("address", ["image/faces/test/0/{}", "images/faces/test/{}?rows=0", "words/reviews/test/0/{}"])
def test_a_neuron_that_does_not_exist_is_one_sentence(address: str, neuron: str) -> None:
    refused(get(f"/nt/{address.format(neuron)}"))


@pytest.mark.parametrize(
    "place", ["faces/nowhere", f"faces/{HUGE}", "faces/..", "nobody/test", "../test", f"{HUGE}/test"]
)
@pytest.mark.parametrize(
    "address", ["image/{}/0", "image/{}/0/0", "images/{}?rows=0", "texts/{}?rows=0", "words/{}/0/0"]
)
def test_a_project_or_split_that_does_not_exist_is_one_sentence(address: str, place: str) -> None:
    refused(get(f"/nt/{address.format(place)}"))


@pytest.mark.parametrize("colors", ["", "mauve", HUGE])
@pytest.mark.parametrize("address", ["image/faces/test/0/3?colors={}", "images/faces/test/3?rows=0&colors={}"])
def test_colors_that_do_not_exist_are_one_sentence(address: str, colors: str) -> None:
    refused(get(f"/nt/{address.format(colors)}"))


def refused(answer: Answer) -> None:
    assert answer.status == 404
    assert answer.kind.startswith("text/plain")
    assert 8 < len(answer.body) < 400
    assert b"\n" not in answer.body


@pytest.mark.parametrize("rows", ["", HUGE, "-1", "nan", ",,", "²", f"{HUGE},{HUGE}"])
@pytest.mark.parametrize("address", ["images/faces/test", "images/faces/test/3", "texts/reviews/test"])
def test_rows_that_are_none_are_left_out(address: str, rows: str) -> None:
    empty, asked = get(f"/nt/{address}"), get(f"/nt/{address}?rows={rows}")
    assert (asked.status, len(asked.body)) == (200, len(empty.body))


def test_of_several_rows_those_that_exist_are_answered() -> None:
    alone = get("/nt/image/faces/test/3")
    assert (alone.status, alone.kind) == (200, "image/jpeg")
    answer = get(f"/nt/images/faces/test?rows={HUGE},3,-1,99999")
    assert answer.status == 200
    assert answer.body.count(b"Content-Disposition") == 1
    assert b'name="3"' in answer.body
    assert alone.body in answer.body


@pytest.mark.parametrize("beyond", [1, 9])
def test_one_answer_has_no_more_than_so_many_rows(beyond: int) -> None:
    answer = get(f"/nt/texts/reviews/test?rows={','.join(map(str, range(MOST_ROWS + beyond)))}")
    assert answer.body.count(b'":[') == MOST_ROWS


def test_texts_are_those_of_the_split() -> None:
    project = Workspace().open("reviews")
    ids = project.load_set("test").sample_ids
    answer = get("/nt/texts/reviews/test?rows=1,0")
    assert answer.kind == "application/json"
    assert len(ids) > 1
    assert answer.body.startswith(b'{"1":["')


def test_a_project_that_shares_another_ones_images_serves_its_own_samples() -> None:
    for split in ("val", "test"):
        biased = Workspace().open("faces-biased").load_set(split)
        faces = Workspace().open("faces").load_set(split)
        assert biased.sources is not None
        assert faces.sources is not None
        for row in (1, 150):
            answer = get(f"/nt/image/faces-biased/{split}/{row}")
            assert (answer.status, answer.kind) == (200, "image/jpeg")
            same = list(faces.sources).index(biased.sources[row])
            assert answer.body == get(f"/nt/image/faces/{split}/{same}").body


@pytest.mark.parametrize("kind", ["relative", "absolute", "link"])
def test_a_root_beside_the_project_leads_to_nothing_outside_that_root(tmp_path: Path, kind: str) -> None:
    folder = Workspace().new_folder("beside")
    test = write_pictures(folder)
    shutil.move(folder / "pictures", tmp_path / "shared")
    content = read_json(folder / "project.json")
    write_json(folder / "project.json", content | {"dataset": content["dataset"] | {"root": "../../shared"}})
    Image.new("RGB", (48, 48)).save(tmp_path / "secret.jpg")
    (tmp_path / "shared" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    outside = {"relative": "../secret.jpg", "absolute": str(tmp_path / "secret.jpg"), "link": "link.jpg"}[kind]
    assert test.sources is not None
    replace(test, sources=np.array([test.sources[0], outside, *test.sources[2:]], dtype=object)).save(
        folder / "embeddings" / "test"
    )
    served = get("/nt/image/beside/test/0")
    assert (served.status, served.kind) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(served.body)).size == (192, 192)
    refused(get("/nt/image/beside/test/1"))
    assert get("/nt/images/beside/test?rows=0,1").body.count(b"Content-Disposition") == 1
