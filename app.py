"""Start the app: `streamlit run app.py`, or `neurontune app`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread

import streamlit as st

from pages.parts.frame.prefetch import prefetcher, warm_up
from pages.parts.samples.routes import ROUTES


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Open the first project while the browser is still fetching the page's script."""
    Thread(target=warm_up, daemon=True).start()
    yield
    prefetcher.stop()


app = st.App("pages/router.py", lifespan=lifespan, routes=ROUTES)
