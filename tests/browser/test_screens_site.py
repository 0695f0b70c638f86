"""Every page of a site that readers see, in both languages."""

from __future__ import annotations

import pytest

from tests.browser.screens import check_page
from tests.browser.stage import Stage

PAGES = {
    "home": "/",
    "home page 2": "/?page=2",
    "home in French": "/fr/",
    "article": "{plain}",
    "article with everything": "{full}",
    "article with a long title": "{long}",
    "article in Arabic": "{arabic}",
    "article in Hebrew": "{hebrew}",
    "article in French": "{french}",
    "tag": "{tag}",
    "author": "{author}",
    "search": "/search/",
    "search with results": "/search/?q=octopus",
    "search without result": "/search/?q=xyzzy",
    "search in French": "/fr/search/?q=maree",
    "page": "{page}",
    "page in French": "/fr/about/",
}


@pytest.mark.parametrize("name", PAGES)
def test_pages_for_readers(stage: Stage, name: str) -> None:
    with stage.reader() as page:
        check_page(page, stage.site + PAGES[name].format(**stage.content), name=f"site {name}".replace(" ", "-"))
