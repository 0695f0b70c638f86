"""What editors see first, and what of Wagtail's admin is ours: the dashboard, the list of homes, an article's editor with its schedule."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.screens import EDITOR, LISTING, WAGTAIL, check_page
from tests.browser.stage import BARE, Stage

LANGUAGES = ("en-GB", "fr-FR")
OWN = {
    "sign-ins": "reports/sign-ins/",
    "authors": "snippets/articles/author/",
    "author": "snippets/articles/author/add/",
    "links of the menu": "snippets/menu/menulink/",
    "link of the menu": "snippets/menu/menulink/add/",
}
"""Screens of Wagtail's that show what is ours."""
FIRST = {"en-GB": "Write the first article", "fr-FR": "Écrire le premier article"}
SCHEDULED = {"en-GB": "What is scheduled", "fr-FR": "Ce qui est programmé"}


@pytest.mark.parametrize("locale", LANGUAGES)
def test_the_dashboard(stage: Stage, locale: str) -> None:
    with stage.editor(locale) as page:
        check_page(page, f"{stage.site}/admin/", name=f"dashboard-{locale[:2]}", known=WAGTAIL)
        panel = page.locator("section", has=page.get_by_role("heading", name=SCHEDULED[locale]))
        expect(panel.get_by_role("link", name="The winter issue").first).to_be_visible()
        expect(panel.get_by_role("link", name="A draft that waits")).to_be_visible()


@pytest.mark.parametrize("locale", LANGUAGES)
def test_the_dashboard_of_a_new_site_says_what_to_do_first(stage: Stage, locale: str) -> None:
    with stage.editor(locale, BARE) as page:
        check_page(page, f"{stage.bare}/admin/", name=f"dashboard-first-{locale[:2]}", known=WAGTAIL)
        panel = page.locator("section", has=page.get_by_role("heading", name=FIRST[locale]))
        panel.get_by_role("link").first.click()
        expect(page.locator("#id_title")).to_be_visible()


@pytest.mark.parametrize("locale", LANGUAGES)
def test_screens_of_what_is_ours(stage: Stage, locale: str) -> None:
    with stage.editor(locale) as page:
        for name, path in OWN.items():
            shown = f"admin-{name.replace(' ', '-')}-{locale[:2]}"
            check_page(
                page, f"{stage.site}/admin/{path}", name=shown, known=EDITOR if path.endswith("/add/") else LISTING
            )


def test_the_homes_are_no_dead_end(stage: Stage) -> None:
    with stage.editor() as page:
        check_page(page, f"{stage.site}/admin/pages/1/", name="admin-homes", known=WAGTAIL)
        expect(page.locator("main")).to_contain_text("one for each language")
        expect(page.locator("main")).not_to_contain_text("Configure a site")


def test_an_article_can_be_scheduled_where_an_editor_looks(stage: Stage) -> None:
    with stage.editor() as page:
        page.goto(f"{stage.site}/admin/pages/{stage.content['full id']}/edit/")
        page.get_by_role("button", name="Toggle status").click()
        page.get_by_role("button", name="Set schedule").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_label("Go live date/time")).to_be_visible()
        expect(dialog.get_by_label("Expiry date/time")).to_be_visible()
