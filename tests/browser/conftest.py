"""The real server and a real browser, one of each for all tests of a process; a project of its own for each file."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect, sync_playwright

from neurontune_core.jobs.store import JobStore
from neurontune_core.workspace.project import Project
from tests.support.browser import PATIENCE, Server
from tests.support.examples import copy_example
from tests.support.paths import ROOT

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def started(home: Path) -> Iterator[Server]:
    """Run a server on an empty workspace until the end of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "neurontune_core", "app", "--port", str(port), "--headless"]
    log = home / "server.log"
    with log.open("wb") as file:
        environment = os.environ | {"NEURONTUNE_HOME": str(home)}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file)
    url = f"http://127.0.0.1:{port}"
    end = time.monotonic() + PATIENCE
    while not _answers(f"{url}/_stcore/health"):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.2)
    yield Server(url, home)
    process.terminate()
    process.wait(20)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=1).read()
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run the server that the tests share. Only projects of a test's own are changed, never the built-in examples."""
    with started(tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[Server]:
    """Run a server that nobody has asked for a page."""
    with started(tmp_path) as server:
        yield server


@pytest.fixture(autouse=True)
def no_job_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Cancel the jobs that a test has started, so that none works during the next one."""
    yield
    if "server" not in request.fixturenames:
        return
    jobs = JobStore(request.getfixturevalue("server").workspace.jobs).list()
    for job in jobs:
        job.cancel()
    end = time.monotonic() + PATIENCE
    while not all(job.status().finished for job in jobs):
        assert time.monotonic() < end, "a job was not cancelled"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def example(server: Server, request: pytest.FixtureRequest) -> Project:
    """Copy the built-in example into a project of the file's own, named after it."""
    folder = server.new_folder(request.module.__name__.rpartition("test_")[2])
    copy_example(folder)
    return server.workspace.open(folder.name)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert path, "the browser tests need Chromium; `make test` installs Debian's"
    expect.set_options(timeout=1000 * PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium: Browser, pytestconfig: pytest.Config) -> Iterator[Callable[[], Page]]:
    """Open pages, each of another person; they fail their test when anything on them went wrong."""
    wrong: list[str] = []
    contexts = []

    def opened() -> Page:
        context = chromium.new_context(viewport={"width": 1440, "height": 1000})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        rate = pytestconfig.getoption("--throttle")
        if rate > 1:
            context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": rate})
        _listen(page, wrong)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not wrong


@pytest.fixture
def page(new_page: Callable[[], Page]) -> Page:
    return new_page()


def _listen(page: Page, wrong: list[str]) -> None:
    def logged(message: ConsoleMessage) -> None:
        if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
            wrong.append(f"console: {message.text}")

    def answered(response: Response) -> None:
        if response.status >= 400 and "/_stcore/" not in response.url:  # Streamlit looks for its own base path
            wrong.append(f"{response.status}: {response.url}")

    def failed(request: Request) -> None:
        if "ERR_ABORTED" not in str(request.failure):  # a picture that the page no longer wants
            wrong.append(f"failed: {request.url}")

    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", logged)
    page.on("requestfailed", failed)
    page.on("response", answered)
