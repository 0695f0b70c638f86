"""Wagtail's editor saves drafts by itself while somebody types. The first makes the page: what is published while it is under way would be
a second page at the same address.
"""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, Page, expect

WATCHED = """(() => {
  const root = () => document.documentElement, told = name => root().toggleAttribute("data-draft-under-way", name === "save");
  document.addEventListener("w-unsaved:watch-edits", () => root().toggleAttribute("data-edits-watched", true));
  for (const name of ["save", "success", "error"]) document.addEventListener(`w-autosave:${name}`, () => told(name));
})()"""


def watch(context: BrowserContext) -> None:
    """To be called before a page of this context is opened."""
    context.add_init_script(WATCHED)


def await_editor(page: Page) -> None:
    """Wagtail compares the form with what it was two seconds after loading: quicker than a person, we would type before it looks."""
    page.wait_for_selector("html[data-edits-watched]")


def await_draft(page: Page) -> None:
    """Until the page is there, and no draft is on its way."""
    page.wait_for_url(re.compile(r"/pages/\d+/edit/"))
    expect(page.locator("html[data-draft-under-way]")).to_have_count(0)
