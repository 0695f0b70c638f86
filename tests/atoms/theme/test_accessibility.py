"""Every page in a real browser: axe finds nothing, nothing is wider than the screen, nobody else is asked, nothing jumps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import server
from tests.lab import chromium

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "newsletter"])


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    # Playwright keeps an event loop in this thread, which Django takes for asynchronous code.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield from server(chromium)


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


@pytest.mark.parametrize("name", ["home", "page", "not found"])
def test_the_last_row_of_a_page_is_one_line(publication, live_server, browser, name: str) -> None:
    """The copyright at its start and the links at its end, with or without a form in the foot."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(live_server.url + publication[name])
    middles = page.evaluate(
        """[".site-foot .imprint p", ".site-foot nav a"].map(found => {
            const box = document.querySelector(found).getBoundingClientRect();
            return box.top + box.height / 2;
        })"""
    )
    page.close()
    assert abs(middles[0] - middles[1]) <= 1
