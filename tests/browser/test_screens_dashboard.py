"""What editors see first, and what of Wagtail's admin is ours: the dashboard, the list of homes, an article's editor with its schedule."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser import pages
from tests.browser.screens import (
    EDITOR,
    LISTING,
    OBJECT_EDITOR,
    PAGE_EDITOR,
    SCHEMES,
    WAGTAIL,
    WIDTHS,
    Known,
    check_page,
    needless,
)
from tests.browser.stage import BARE, SITE, Stage

LANGUAGES = ("en-GB", "fr-FR")
ENGLISH = ("Title", "Body", "Tags", "Authors", "Introduction", "Cover image", "Caption", "Text", "Publication date")
"""Of labels: what the fields of our pages are called."""
FIRST = {"en-GB": "Write the first article", "fr-FR": "Écrire le premier article"}
SCHEDULED = {"en-GB": "What is scheduled", "fr-FR": "Ce qui est programmé"}


@pytest.fixture(scope="module", params=LANGUAGES)
def editor(stage: Stage, request: pytest.FixtureRequest) -> Iterator[tuple[Page, str]]:
    """An editor and their language: one log-in for all screens."""
    with stage.editor(request.param) as page:
        yield page, request.param


def excuses(path: str) -> tuple[Known, ...]:
    return EDITOR if "/add/" in path else OBJECT_EDITOR if "/edit/" in path else LISTING


@pytest.mark.parametrize("name", pages.ADMIN)
def test_screens_of_what_is_ours(stage: Stage, editor: tuple[Page, str], name: str) -> None:
    page, locale = editor
    path = pages.ADMIN[name]
    known = excuses(path)
    check_page(
        page,
        stage.site + path.format(**stage.content),
        name=f"admin {name} {locale[:2]}".replace(" ", "-"),
        language=locale[:2],
        known=known,
    )
    if name == "dashboard":
        panel = page.locator("section", has=page.get_by_role("heading", name=SCHEDULED[locale]))
        expect(panel.get_by_role("link", name="The winter issue").first).to_be_visible()
        expect(panel.get_by_role("link", name="A draft that waits")).to_be_visible()
    if name == "homes" and locale == "en-GB":
        expect(page.locator("main")).to_contain_text("one for each language")
        expect(page.locator("main")).not_to_contain_text("Configure a site")


@pytest.mark.parametrize("name", pages.EDITORS)
def test_editors_of_pages(stage: Stage, editor: tuple[Page, str], name: str) -> None:
    page, locale = editor
    address = stage.site + pages.EDITORS[name].format(**stage.content)
    shown, english = f"admin editor {name} {locale[:2]}".replace(" ", "-"), locale == "en-GB"
    # English in both, French in one: what a language breaks is not the colours, and an editor takes long to look at.
    schemes = SCHEMES if english else ("dark",)
    check_page(
        page,
        address,
        name=shown,
        language=locale[:2],
        known=PAGE_EDITOR,
        widths=WIDTHS,
        schemes=schemes,
        walked=english,
    )
    heading = page.locator("label, .w-panel__heading-text, .w-panel__heading").filter(visible=True)
    assert english or [text for text in heading.all_inner_texts() if text in ENGLISH] == []


@pytest.mark.parametrize("locale", LANGUAGES)
def test_the_dashboard_of_a_new_site_says_what_to_do_first(stage: Stage, locale: str) -> None:
    with stage.editor(locale, BARE) as page:
        shown, language = f"dashboard-first-{locale[:2]}", locale[:2]
        check_page(page, f"{stage.bare}/admin/", name=shown, language=language, known=WAGTAIL)
        panel = page.locator("section", has=page.get_by_role("heading", name=FIRST[locale]))
        panel.get_by_role("link").first.click()
        expect(page.locator("#id_title")).to_be_visible()
        for name in ("authors", "links of the menu"):
            shown = f"admin {name} none {language}".replace(" ", "-")
            check_page(page, stage.bare + pages.ADMIN[name], name=shown, language=language, known=LISTING)


def test_an_article_can_be_scheduled_where_an_editor_looks(stage: Stage) -> None:
    with stage.editor() as page:
        page.goto(f"{stage.site}/admin/pages/{stage.content['full id']}/edit/")
        page.get_by_role("button", name="Toggle status").click()
        page.get_by_role("button", name="Set schedule").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_label("Go live date/time")).to_be_visible()
        expect(dialog.get_by_label("Expiry date/time")).to_be_visible()


NEEDED = (
    ("en-GB", SITE, pages.ADMIN["homes"]),
    ("fr-FR", SITE, pages.ADMIN["author"]),
    ("en-GB", SITE, pages.ADMIN["link of the menu edited"]),
    ("en-GB", SITE, pages.EDITORS["article"]),
    ("en-GB", SITE, pages.EDITORS["reading list"]),
    ("en-GB", BARE, pages.ADMIN["links of the menu"]),
)


def test_every_excuse_of_wagtail_is_needed(stage: Stage) -> None:
    """What no test before met, as when this one runs alone, is looked for where it was met."""
    known = dict.fromkeys((*LISTING, *PAGE_EDITOR))
    for locale, site, path in NEEDED:
        if needless(known):
            with stage.editor(locale, site) as page:
                address = (stage.bare if site == BARE else stage.site) + path.format(**stage.content)
                check_page(page, address, language=locale[:2], known=tuple(known))
    assert needless(known) == []
