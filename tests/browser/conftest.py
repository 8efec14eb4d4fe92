"""The real server and a real browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.support.browser import Server
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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A fresh server on an empty workspace."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "neurontune_core", "app", "--port", str(port), "--headless"]
    log = (home / "server.log").open("wb")
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"NEURONTUNE_HOME": str(home)}, stdout=log, stderr=log
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).read()
            break
        except OSError:
            assert process.poll() is None, (home / "server.log").read_text()
            time.sleep(0.2)
    yield Server(url, home)
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert path, "the browser tests need Chromium; `make test` installs Debian's"
    expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that fails its test when anything on it went wrong."""
    context = chromium.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(60_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))

    def logged(message: ConsoleMessage) -> None:
        if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
            wrong.append(f"console: {message.text}")

    def answered(response) -> None:
        if response.status >= 400 and "/_stcore/" not in response.url:  # Streamlit looks for its own base path
            wrong.append(f"{response.status}: {response.url}")

    def failed(request: Request) -> None:
        if "ERR_ABORTED" not in str(request.failure):  # a picture that the page no longer wants
            wrong.append(f"failed: {request.url}")

    page.on("console", logged)
    page.on("requestfailed", failed)
    page.on("response", answered)
    yield page
    context.close()
    assert not wrong
