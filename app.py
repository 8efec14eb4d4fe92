"""The door: start with `streamlit run app.py`, or `neurontune app`."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

sys.path.insert(0, str(Path(__file__).parent))  # pages import their shared parts by name

from neurontune_core.errors import InputError
from pages.parts.frame.prefetch import prefetcher, settle, warm_up
from pages.parts.frame.state import gallery

HEADERS = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
MOST_AT_ONCE = 64
_network = asyncio.Lock()  # one at a time: the cores are few


async def through_the_network(request: Request, work: Callable[[], Any]) -> Any:
    """What ``work`` gives, once it is its turn; None when nobody waits for it any more."""
    async with _network:
        if await request.is_disconnected():
            return None
        found = await run_in_threadpool(work)
        settle(len(sys.modules) // 250)  # the first time, the network's libraries have been imported
        return found


def refused(error: InputError) -> Response:
    return PlainTextResponse(str(error), 404)


def rows_of(request: Request) -> list[int]:
    said = request.query_params.get("rows", "").split(",")
    return [int(row) for row in said[:MOST_AT_ONCE] if row.isdecimal()]


async def picture(request: Request) -> Response:
    """A thumbnail, or with a neuron the heatmap over it; by project, split and row, never by path."""
    given = request.path_params
    try:
        shelf = gallery(given["project"])
        if "neuron" not in given:
            found = await run_in_threadpool(shelf.thumbnail, given["split"], given["row"])
            return Response(found, 200, HEADERS, "image/jpeg")
        colours = request.query_params.get("colours", "inferno")
        draw = partial(shelf.heatmap, given["split"], given["row"], given["neuron"], colours)
        return Response(await through_the_network(request, draw) or b"", 200, HEADERS, "image/png")
    except InputError as error:
        return refused(error)


async def pictures(request: Request) -> Response:
    """Thumbnails of several rows, or their heatmaps, as the parts of a form: to answer a request costs more than to
    make a small picture. What cannot be read is left out."""
    given, said = request.path_params, request.query_params
    try:
        shelf, rows = gallery(given["project"]), rows_of(request)
        if "neuron" in given:
            draw = partial(shelf.heatmaps, given["split"], rows, given["neuron"], said.get("colours", "inferno"))
            found, kind = await through_the_network(request, draw) or {}, "image/png"
        else:
            found, kind = await run_in_threadpool(shelf.thumbnails, given["split"], rows), "image/jpeg"
    except InputError as error:
        return refused(error)
    boundary = secrets.token_hex(16)
    head = '--{}\r\nContent-Disposition: form-data; name="{}"; filename="{}"\r\nContent-Type: {}\r\n\r\n'
    parts = [head.format(boundary, row, row, kind).encode() + content + b"\r\n" for row, content in found.items()]
    # "identity": pictures are not compressed once more.
    headers = HEADERS | {"Content-Encoding": "identity"}
    return Response(
        b"".join([*parts, f"--{boundary}--\r\n".encode()]), 200, headers, f"multipart/form-data; boundary={boundary}"
    )


def texts(request: Request) -> Response:
    """Row -> the text of a sample, both texts of a pair, or its id."""
    given = request.path_params
    try:
        shelf = gallery(given["project"])
        return JSONResponse(shelf.descriptions(given["split"], rows_of(request)), 200, HEADERS)
    except InputError as error:
        return refused(error)


async def words(request: Request) -> Response:
    """What each word of a text adds to a neuron's activation."""
    given = request.path_params
    try:
        attribute = partial(gallery(given["project"]).words, given["split"], given["row"], given["neuron"])
        return JSONResponse(await through_the_network(request, attribute), 200, HEADERS)
    except InputError as error:
        return refused(error)


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Open the first project while the browser is still fetching the page's script."""
    Thread(target=warm_up, daemon=True).start()
    yield
    prefetcher.stop()


app = st.App(
    "pages/router.py",
    lifespan=lifespan,
    routes=[
        Route("/nt/picture/{project}/{split}/{row:int}", picture),
        Route("/nt/picture/{project}/{split}/{row:int}/{neuron:int}", picture),
        Route("/nt/pictures/{project}/{split}", pictures),
        Route("/nt/pictures/{project}/{split}/{neuron:int}", pictures),
        Route("/nt/texts/{project}/{split}", texts),
        Route("/nt/words/{project}/{split}/{row:int}/{neuron:int}", words),
    ],
)
