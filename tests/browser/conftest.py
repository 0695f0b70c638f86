"""A real browser. Every page it loads must come from this machine alone: a request to anywhere else fails the test."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.browser.patience import STEP_MS, TEST_S
from tests.browser.screens import HERE, watched
from tests.browser.stage import Stage, playing
from tests.conftest import server
from tests.lab import chromium

expect.set_options(timeout=STEP_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.nodeid and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TEST_S))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    yield from server(chromium)


@pytest.fixture
def browser_context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile: no cookie, nothing cached. Its pages may only speak to the loopback."""
    abroad: list[str] = []

    def judge(route: Route) -> None:
        url = urlsplit(route.request.url)
        if url.scheme in ("data", "blob") or url.hostname in HERE:
            route.continue_()
        else:
            abroad.append(route.request.url)
            route.abort()

    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.set_default_timeout(STEP_MS)
    context.route("**/*", judge)
    yield context
    context.close()
    assert not abroad, f"pages asked other machines: {abroad}"


@pytest.fixture
def page(browser_context: BrowserContext) -> Page:
    return watched(browser_context.new_page())


@pytest.fixture(scope="session")
def stage(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A running installation with a site full of content, for every test of screens."""
    with playing(tmp_path_factory.mktemp("stage"), browser) as found:
        yield found
