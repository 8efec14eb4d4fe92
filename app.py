"""The door: start with `streamlit run app.py`, or `neurontune app`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

sys.path.insert(0, str(Path(__file__).parent))  # pages import their shared parts by name

from neurontune_core.errors import InputError
from pages.parts.state import gallery, warm_up

HEADERS = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}


def picture(request: Request) -> Response:
    """A thumbnail, or with a neuron the heatmap over it; by project, split and row, never by path."""
    given = request.path_params
    try:
        pictures = gallery(given["project"])
        if "neuron" in given:
            colours = request.query_params.get("colours", "inferno")
            heat = pictures.heatmap(given["split"], given["row"], given["neuron"], colours)
            return Response(heat, 200, HEADERS, "image/png")
        return Response(pictures.thumbnail(given["split"], given["row"]), 200, HEADERS, "image/jpeg")
    except InputError as error:
        return PlainTextResponse(str(error), 404)


def text(request: Request) -> Response:
    """The text of a sample, both texts of a pair, or its id."""
    given = request.path_params
    try:
        return JSONResponse(gallery(given["project"]).described(given["split"], given["row"]), 200, HEADERS)
    except InputError as error:
        return PlainTextResponse(str(error), 404)


def words(request: Request) -> Response:
    """What each word of a text adds to a neuron's activation."""
    given = request.path_params
    try:
        return JSONResponse(
            gallery(given["project"]).words(given["split"], given["row"], given["neuron"]), 200, HEADERS
        )
    except InputError as error:
        return PlainTextResponse(str(error), 404)


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Open the first project while the browser is still fetching the page's script."""
    Thread(target=warm_up, daemon=True).start()
    yield


app = st.App(
    "pages/router.py",
    lifespan=lifespan,
    routes=[
        Route("/nt/picture/{project}/{split}/{row:int}", picture),
        Route("/nt/picture/{project}/{split}/{row:int}/{neuron:int}", picture),
        Route("/nt/text/{project}/{split}/{row:int}", text),
        Route("/nt/words/{project}/{split}/{row:int}/{neuron:int}", words),
    ],
)
