"""A page by keyboard alone, and what WCAG 2.2 asks beyond axe: a walk by Tab from start to end, as somebody without a mouse does it.

`faults` walks once through what the page shows; `narrow` only looks at each stop. The codes:

- ``keyboard-unreached``: a visible control that Tab does not come to; ``keyboard-trap``: one that Tab does not leave;
- ``keyboard-order``: Tab goes backwards, in the document or on the screen;
- ``focus-invisible``: with the focus it looks as without, or is outside of the window;
- ``focus-obscured`` (2.4.11): something covers it while it has the focus;
- ``skip-link``: much stands before the main part and nothing leads over it, or what should does not;
- ``escape``: Esc does not close what a button opened over the page, or loses the place;
- ``autocomplete``, ``paste`` (3.3.8): a field for a password or a code that a program may not fill in.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

SCRIPT = (Path(__file__).parent / "keyboard.js").read_text("utf-8")
AT_ONCE = 8
SOON_MS = 5_000
FRAME_WITHIN_S = 10.0
WITHIN_FRAME = "[...document.querySelectorAll('*')].indexOf(document.activeElement?.closest('body *') ?? null)"
"""The number of the element that has the focus, -1 for none."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: its code, the element as a selector, and what to say."""

    code: str
    path: str
    text: str


def narrow(page: Page, *, look: bool) -> list[Fault]:
    """To be called where the window is narrow: remembers what is reached there.

    Args:
        look: also give the focus to each stop in turn, without walking, and say where it is not seen.
    """
    page.evaluate(SCRIPT)
    page.evaluate("walk.remember()")
    if not look:
        return []
    page.keyboard.press("Tab")  # from now on the focus is shown as to somebody with a keyboard
    return _faults(page, "walk.each()")


def more_when_narrow(page: Page) -> bool:
    """Whether the narrow window had stops that the last walk did not come to: a menu's button, say."""
    return bool(page.evaluate("walk.hidden()"))


def faults(page: Page) -> list[Fault]:
    """Everything that is wrong for somebody with a keyboard; the focus is left at the page's start."""
    page.evaluate(SCRIPT)
    expected = page.evaluate("walk.begin()")
    tab = _tab_by_tab if page.evaluate("walk.framed()") else _tab
    tab(page, expected + 1)
    while not page.evaluate("walk.done()"):
        tab(page, AT_ONCE)
    found = _faults(page, "walk.end()")
    found += _skip_link(page)
    found += _escape(page)
    found += _faults(page, "signIn()")
    page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)")
    return found


def _tab(page: Page, times: int) -> None:
    """The key is held down: half as many messages as pressing it anew."""
    for _ in range(times):
        page.keyboard.down("Tab")
    page.keyboard.up("Tab")


def _tab_by_tab(page: Page, times: int) -> None:
    """A frame may be a process of its own, to which the focus is on its way for a while: the next key waits until it is there."""
    for _ in range(times):
        before, until = _place(page), time.monotonic() + FRAME_WITHIN_S
        page.keyboard.press("Tab")
        while not _arrived(_place(page), before) and time.monotonic() < until:
            page.wait_for_timeout(5)


def _arrived(now: tuple[str, int | None], before: tuple[str, int | None]) -> bool:
    place, within = now
    return bool(place) and within != -1 and (within is None or now != before)


def _place(page: Page) -> tuple[str, int | None]:
    """Which element has the focus, "" while it is on its way to or from a frame; and of a frame, what within it."""
    place = str(page.evaluate("walk.place()"))
    found = page.query_selector(place) if place else None
    frame = found.content_frame() if found else None
    return place, frame.evaluate(WITHIN_FRAME) if frame else None


def _faults(page: Page, expression: str) -> list[Fault]:
    return [Fault(one["code"], one["path"], f"{one['html']} {one['why']}") for one in page.evaluate(expression)]


def _skip_link(page: Page) -> Iterator[Fault]:
    link = page.evaluate("walk.skip()")
    if not link["there"]:
        if link["needed"]:
            yield Fault("skip-link", "body", "nothing leads over what stands before the main part")
        return
    page.keyboard.press("Enter")
    if not _soon(page, "id => walk.skipped(id)", link["target"]):
        page.keyboard.press("Tab")
        if not page.evaluate("id => walk.skipped(id)", link["target"]):
            yield Fault("skip-link", link["path"], f"{link['html']} does not lead to #{link['target']}")


def _escape(page: Page) -> Iterator[Fault]:
    for path in page.evaluate("walk.openers()"):
        before = page.evaluate("path => walk.state(path)", path)
        if not page.evaluate("path => walk.at(path)", path):
            continue
        page.keyboard.press("Enter")
        given = [path, before["drawn"]]
        if not _soon(page, "([path, drawn]) => walk.opened(path, drawn)", given):
            continue
        page.keyboard.press("Escape")
        closed = _soon(page, "([path, drawn]) => !walk.opened(path, drawn)", given)
        after = page.evaluate("path => walk.state(path)", path)
        if not closed:
            yield Fault("escape", path, f"{before['html']} opens what Esc does not close")
        elif after["lost"]:
            yield Fault("escape", path, f"{before['html']}: after Esc the place on the page is lost")


def _soon(page: Page, expression: str, given: object) -> bool:
    """Whether it becomes true while scripts of the page, which may draw a moment later, do their work."""
    try:
        page.wait_for_function(expression, arg=given, timeout=SOON_MS)
    except PlaywrightTimeout:
        return False
    return True
