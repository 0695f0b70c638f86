"""Every page in a real browser: axe finds nothing, nothing is wider than the screen, nobody else is asked, nothing jumps."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "newsletter"]),
    pytest.mark.skipif(CHROMIUM is None, reason="no system Chromium: make lab installs one"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    # Playwright keeps an event loop in this thread, which Django takes for asynchronous code.
    patch = pytest.MonkeyPatch()
    patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()
    patch.undo()


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (768, "dark"), (1440, "light"), (1440, "dark")])
def test_pages_in_a_browser(publication, live_server, browser, width: int, scheme: str) -> None:
    from axe_core_python.sync_playwright import Axe

    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    for name, path in publication.items():
        page.goto(live_server.url + path)
        page.evaluate("document.fonts.ready")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (name, width)
        found = Axe().run(page)["violations"]
        assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == [], name
    page.close()
    assert broken == []
    assert {url for url in asked if not url.startswith((live_server.url, "data:"))} == set()
