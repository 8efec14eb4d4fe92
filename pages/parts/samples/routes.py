"""Answers to the browser's requests for images, heatmaps, texts and word attributions of samples.

None of these routes asks who is there. What protects the samples is that the server listens on the loopback interface
unless a person names another one, and that a request names a project, a split and a row, never a path.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial, wraps
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from neurontune_core.errors import InputError
from pages.parts.frame.prefetch import freeze_after_imports, pictures_sent
from pages.parts.frame.state import gallery
from pages.parts.samples.cue_samples import cue_jpegs

HEADERS = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
MOST_ROWS = 64  # of one request
LONGEST_REFUSAL = 300  # characters; a refusal quotes the request
MOST_DIGITS = 9  # of a row or neuron: far more than a project has, and short enough for int()
_network = asyncio.Lock()  # one request at a time: the cores are few

Handler = Callable[[Request], Awaitable[Response]]


def refuse_in_words(handler: Handler) -> Handler:
    """Answer 404 with the sentence of an InputError."""

    @wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except InputError as error:
            return PlainTextResponse(str(error)[:LONGEST_REFUSAL], 404)

    return answer


async def through_the_network(request: Request, work: Callable[[], Any]) -> Any:
    """Return the result of ``work`` once it is its turn; None when the browser no longer waits for it."""
    async with _network:
        if await request.is_disconnected():
            return None
        result = await run_in_threadpool(work)
        freeze_after_imports()  # the first time, the network's libraries have been imported
        return result


def index_in(request: Request, name: str) -> int:
    """Return a row or neuron of the path.

    Raises:
        InputError: when it is no whole number from 0.
    """
    text = request.path_params[name]
    if not _is_index(text):
        raise InputError(f'"{text[:20]}" is no {name}; give a whole number from 0.')
    return int(text)


def rows_in(request: Request) -> list[int]:
    """Return the rows of the query, such as `rows=3,1`; what is no row is left out."""
    texts = request.query_params.get("rows", "").split(",", MOST_ROWS)[:MOST_ROWS]
    return [int(text) for text in texts if _is_index(text)]


def _is_index(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS


@refuse_in_words
async def image(request: Request) -> Response:
    """Answer with a thumbnail, or with the heatmap over it where the path names a neuron."""
    path, row = request.path_params, index_in(request, "row")
    source = gallery(path["project"])
    if "neuron" not in path:
        content = await run_in_threadpool(source.thumbnail, path["split"], row)
        return Response(content, 200, HEADERS, "image/jpeg")
    draw = partial(source.heatmap, path["split"], row, index_in(request, "neuron"), _colors(request))
    return Response(await through_the_network(request, draw) or b"", 200, HEADERS, "image/png")


@refuse_in_words
async def images(request: Request) -> Response:
    """Answer with thumbnails of several rows, or with their heatmaps, as the parts of a form.

    One request for many, because answering costs more than making a thumbnail. Samples that cannot be read are left
    out.
    """
    path, rows = request.path_params, rows_in(request)
    source = gallery(path["project"])
    if "neuron" in path:
        draw = partial(source.heatmaps, path["split"], rows, index_in(request, "neuron"), _colors(request))
        contents, kind = await through_the_network(request, draw) or {}, "image/png"
    else:
        contents, kind = await run_in_threadpool(source.thumbnails, path["split"], rows), "image/jpeg"
        pictures_sent.set()
    return _form(contents, kind)


@refuse_in_words
async def cue_images(request: Request) -> Response:
    """Answer with pairs of a measured cue, as they are, with the cue or with the control, as the parts of a form."""
    path = request.path_params
    draw = partial(cue_jpegs, path["project"], path["cue"], path["version"], rows_in(request))
    return _form(await run_in_threadpool(draw), "image/jpeg")


def _form(contents: Mapping[int, bytes], kind: str) -> Response:
    """Return images by row as the parts of a form."""
    boundary = secrets.token_hex(16)
    head = '--{}\r\nContent-Disposition: form-data; name="{}"; filename="{}"\r\nContent-Type: {}\r\n\r\n'
    parts = [head.format(boundary, row, row, kind).encode() + content + b"\r\n" for row, content in contents.items()]
    return Response(
        b"".join([*parts, f"--{boundary}--\r\n".encode()]),
        200,
        HEADERS | {"Content-Encoding": "identity"},  # images are compressed already
        f"multipart/form-data; boundary={boundary}",
    )


@refuse_in_words
async def picture(request: Request) -> Response:
    """Answer with a whole picture, large enough to point in."""
    path = request.path_params
    whole = partial(gallery(path["project"]).picture, path["split"], index_in(request, "row"))
    return Response(await run_in_threadpool(whole), 200, HEADERS, "image/jpeg")


@refuse_in_words
async def texts(request: Request) -> Response:
    """Answer with row -> the text of a sample, both texts of a pair, or its id."""
    path = request.path_params
    describe = partial(gallery(path["project"]).descriptions, path["split"], rows_in(request))
    return JSONResponse(await run_in_threadpool(describe), 200, HEADERS)


@refuse_in_words
async def words(request: Request) -> Response:
    """Answer with what each word of a text adds to a neuron's activation."""
    path, row, neuron = request.path_params, index_in(request, "row"), index_in(request, "neuron")
    attribute = partial(gallery(path["project"]).words, path["split"], row, neuron)
    return JSONResponse(await through_the_network(request, attribute), 200, HEADERS)


def _colors(request: Request) -> str:
    return request.query_params.get("colors", "inferno")


ROUTES = [
    Route("/nt/image/{project}/{split}/{row}", image),
    Route("/nt/image/{project}/{split}/{row}/{neuron}", image),
    Route("/nt/images/{project}/{split}", images),
    Route("/nt/images/{project}/{split}/{neuron}", images),
    Route("/nt/picture/{project}/{split}/{row}", picture),
    Route("/nt/cue/{project}/{cue}/{version}", cue_images),
    Route("/nt/texts/{project}/{split}", texts),
    Route("/nt/words/{project}/{split}/{row}/{neuron}", words),
]
